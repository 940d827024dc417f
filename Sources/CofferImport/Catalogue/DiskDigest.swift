import CofferCore
import CofferCrypto
import Glibc

/// The size and the SHA-256 of a disk in a file.
package struct DiskDigest: Equatable, Sendable {
    package let byteCount: UInt64
    /// Lower-case hex.
    package let sha256: String

    /// Reads the file from end to end.
    ///
    /// - Throws: ``CatalogueError/system(_:)``, what OpenSSL refused, `CancellationError`.
    package init(ofFile path: String) throws {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw CatalogueError.system("\(path) cannot be read: \(unsafe String(cString: strerror(errno)))") }
        defer { close(file) }
        _ = posix_fadvise(file, 0, 0, POSIX_FADV_SEQUENTIAL)
        var digest = try RunningDigest(.sha256)
        var total: UInt64 = 0
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            try Task.checkCancellation()
            let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw CatalogueError.system("\(path) cannot be read: \(unsafe String(cString: strerror(errno)))") }
            if count == 0 { break }
            unsafe try digest.update(buffer.span.extracting(first: count).bytes)
            total += UInt64(count)
        }
        byteCount = total
        sha256 = Hex.encode(try digest.finish())
    }
}
