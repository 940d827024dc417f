import Glibc

/// A file that only its owner may read: a key, a PIN.
package struct PrivateFile: Sendable {
    package let path: String

    package init(path: String) {
        self.path = path
    }

    /// Whether there is something at the path.
    package var exists: Bool { unsafe access(path, F_OK) == 0 }

    /// Everything in it.
    ///
    /// - Parameter limit: How many bytes it may have.
    /// - Throws: ``PrivateFileError`` if it is missing, longer, or others may read it.
    package func read(atMost limit: Int) throws(PrivateFileError) -> SecretBytes {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw errno == ENOENT ? .missing(path) : .system("open", path, errno) }
        defer { close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else { throw .system("fstat", path, errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile(path) }
        guard status.st_mode & 0o077 == 0 else { throw .readableByOthers(path, mode: status.st_mode & 0o777) }
        let size = Int(status.st_size)
        guard size <= limit else { throw .tooLong(path, size) }
        let path = path
        return try SecretBytes(count: size) { (span: inout MutableRawSpan) throws(PrivateFileError) in
            let count = unsafe span.withUnsafeMutableBytes { unsafe Glibc.read(file, $0.baseAddress, $0.count) }
            guard count == size else { throw .system("read", path, count < 0 ? errno : EIO) }
        }
    }

    /// Writes it durably where there is none. An existing one is never replaced, nor is a half-written one ever seen, whatever
    /// happens in between.
    ///
    /// - Throws: ``PrivateFileError/system(_:_:_:)``, with EEXIST if there is one already.
    package func create(_ bytes: RawSpan) throws(PrivateFileError) {
        let draft = path + ".new"
        // Left behind by a process that ended here; nothing that was ever used has this name.
        _ = unsafe unlink(draft)
        let file = unsafe open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw .system("create", draft, errno) }
        defer { close(file) }
        let count = unsafe bytes.withUnsafeBytes { unsafe write(file, $0.baseAddress, $0.count) }
        guard count == bytes.byteCount, fsync(file) == 0 else { throw .system("write", draft, errno) }
        // Unlike a rename, a link does not replace what is there.
        guard unsafe link(draft, path) == 0 else {
            let reason = errno
            _ = unsafe unlink(draft)
            throw .system("create", path, reason)
        }
        _ = unsafe unlink(draft)
        try syncDirectory()
    }

    private func syncDirectory() throws(PrivateFileError) {
        let end = path.lastIndex(of: "/")
        let directory = end.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let file = unsafe open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard file >= 0 else { throw .system("open", directory, errno) }
        defer { close(file) }
        guard fsync(file) == 0 else { throw .system("sync", directory, errno) }
    }
}

/// Why a private file cannot be read or written. The first value is its path.
package enum PrivateFileError: Error, Equatable, Sendable {
    case missing(String)
    case notAFile(String)
    /// It has more bytes than it may.
    case tooLong(String, Int)
    /// Its mode lets the group or the world in.
    case readableByOthers(String, mode: UInt32)
    /// The operating system refused: what was tried, on which path, and `errno`.
    case system(String, String, Int32)

    package var isMissing: Bool {
        if case .missing = self { true } else { false }
    }
}

extension PrivateFileError: CustomStringConvertible {
    /// A sentence for the operator that says what to do.
    package var description: String {
        switch self {
        case .missing(let path):
            "there is no file \(path)"
        case .notAFile(let path):
            "\(path) is not a regular file"
        case .tooLong(let path, let count):
            "\(path) is too long with \(count) bytes"
        case .readableByOthers(let path, let mode):
            "\(path) has the mode 0\(String(mode, radix: 8)), so others may read it; make it yours alone with: chmod 600 \(path)"
        case .system(let action, let path, let code):
            "cannot \(action) \(path): \(unsafe String(cString: strerror(code)))"
        }
    }
}
