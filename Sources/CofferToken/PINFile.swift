package import CofferCore
import CofferPlatform

/// The file that holds a token's PIN, on one line, for its owner alone.
package enum PINFile {
    /// Longer than any token's PIN.
    private static let limit = 256

    /// The PIN, without the line's end.
    ///
    /// - Throws: ``PrivateFileError`` if the file is missing, too long, or others may read it; ``TokenError/emptyPIN(_:)`` if it
    ///   is empty.
    package static func load(_ path: String) throws -> SecretBytes {
        let line = try PrivateFile(path: path).read(atMost: limit)
        let count = line.withBytes { bytes in
            var count = bytes.byteCount
            while count > 0, [0x0a, 0x0d].contains(unsafe bytes.unsafeLoad(fromByteOffset: count - 1, as: UInt8.self)) { count -= 1 }
            return count
        }
        guard count > 0 else { throw TokenError.emptyPIN(path) }
        return line.withBytes { SecretBytes(copying: $0.extracting(first: count)) }
    }
}
