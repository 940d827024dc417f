import Glibc

/// A file of text that is no secret, such as certificates.
package struct TextFile: Sendable {
    package let path: String

    package init(path: String) { self.path = path }

    /// Everything in it.
    ///
    /// - Parameter limit: How many bytes it may have.
    /// - Throws: ``TextFileError``.
    package func read(atMost limit: Int) throws(TextFileError) -> String {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw TextFileError(path: path, reason: unsafe String(cString: strerror(errno))) }
        defer { close(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = unsafe piece.withUnsafeMutableBytes { unsafe Glibc.read(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw TextFileError(path: path, reason: unsafe String(cString: strerror(errno))) }
            if count == 0 { break }
            bytes += piece[..<count]
            guard bytes.count <= limit else { throw TextFileError(path: path, reason: "is longer than \(limit) bytes") }
        }
        guard !bytes.isEmpty, let text = String(validating: bytes, as: UTF8.self) else { throw TextFileError(path: path, reason: "is empty or no text") }
        return text
    }
}

/// Why a file of text could not be read.
package struct TextFileError: Error, CustomStringConvertible {
    package let path: String
    package let reason: String

    package var description: String { "\(path): \(reason)" }
}
