package import CofferCore
import CofferCrypto
import Glibc

/// The root key in a file of its own: 32 random bytes that only its owner may read.
///
/// Whoever has this file and the database has every secret; whoever loses it has none. It belongs into a backup, apart
/// from the database's.
package struct FileRootKey: Sendable {
    /// Length of a root key in bytes.
    package static let count = 32

    package let path: String

    package init(path: String) {
        self.path = path
    }

    /// Whether there is something at the path.
    package var exists: Bool { unsafe access(path, F_OK) == 0 }

    /// The key.
    ///
    /// - Throws: ``RootKeyError`` if it is missing, has another length, or others may read it.
    package func load() throws(RootKeyError) -> SecretBytes {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw errno == ENOENT ? .missing(path) : .system("open", path, errno) }
        defer { close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else { throw .system("fstat", path, errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile(path) }
        guard status.st_mode & 0o077 == 0 else { throw .readableByOthers(path, mode: status.st_mode & 0o777) }
        guard status.st_size == Self.count else { throw .wrongSize(path, Int(status.st_size)) }
        let path = path
        return try SecretBytes(count: Self.count) { (span: inout MutableRawSpan) throws(RootKeyError) in
            let count = unsafe span.withUnsafeMutableBytes { unsafe read(file, $0.baseAddress, $0.count) }
            guard count >= 0 else { throw .system("read", path, errno) }
            guard count == Self.count else { throw .wrongSize(path, count) }
        }
    }

    /// Makes a key where there is none and writes it durably. An existing one is never replaced, nor is a half-written one
    /// ever seen, whatever happens in between.
    ///
    /// - Throws: ``RootKeyError/system(_:_:_:)``, with EEXIST if there is a key already.
    package func make() throws(RootKeyError) {
        let draft = path + ".new"
        // Left behind by a process that ended here; no key that was ever used has this name.
        _ = unsafe unlink(draft)
        let file = unsafe open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw .system("create", draft, errno) }
        defer { close(file) }
        let key = SecureRandom.secret(Self.count)
        let count = key.withBytes { unsafe $0.withUnsafeBytes { unsafe write(file, $0.baseAddress, $0.count) } }
        guard count == Self.count, fsync(file) == 0 else { throw .system("write", draft, errno) }
        // Unlike a rename, a link does not replace what is there.
        guard unsafe link(draft, path) == 0 else {
            let reason = errno
            _ = unsafe unlink(draft)
            throw .system("create", path, reason)
        }
        _ = unsafe unlink(draft)
        try syncDirectory()
    }

    private func syncDirectory() throws(RootKeyError) {
        let end = path.lastIndex(of: "/")
        let directory = end.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let file = unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard file >= 0 else { throw .system("open", directory, errno) }
        defer { close(file) }
        guard fsync(file) == 0 else { throw .system("sync", directory, errno) }
    }
}
