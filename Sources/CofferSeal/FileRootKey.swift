package import CofferCore
import CofferCrypto

/// The root key in a file of its own: 32 random bytes that only its owner may read.
///
/// Whoever has this file and the database has every secret; whoever loses it has none. It belongs into a backup, apart
/// from the database's.
package struct FileRootKey: Sendable {
    /// Length of a root key in bytes.
    package static let count = 32

    package let path: String

    private var file: PrivateFile { PrivateFile(path: path) }

    package init(path: String) {
        self.path = path
    }

    /// Whether there is something at the path.
    package var exists: Bool { file.exists }

    /// The key.
    ///
    /// - Throws: ``RootKeyError`` if it is missing, has another length, or others may read it.
    package func load() throws(RootKeyError) -> SecretBytes {
        let key: SecretBytes
        do {
            key = try file.read(atMost: Self.count)
        } catch {
            throw RootKeyError(error)
        }
        guard key.count == Self.count else { throw .wrongSize(path, key.count) }
        return key
    }

    /// Makes a key where there is none and writes it durably. An existing one is never replaced, nor is a half-written one
    /// ever seen, whatever happens in between.
    ///
    /// - Throws: ``RootKeyError/file(_:)``, with EEXIST if there is a key already.
    package func make() throws(RootKeyError) {
        do {
            try SecureRandom.secret(Self.count).withBytes { (bytes: RawSpan) throws(PrivateFileError) in try file.create(bytes) }
        } catch {
            throw .file(error)
        }
    }
}
