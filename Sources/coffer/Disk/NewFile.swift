import ArgumentParser
import Glibc

/// A file that did not exist before, mode 0600.
struct NewFile: ~Copyable {
    private let file: Int32
    private let path: String

    init(path: String) throws {
        file = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        self.path = path
        guard file >= 0 else { throw ValidationError("cannot make \(path): \(unsafe String(cString: strerror(errno)))") }
    }

    func write(_ bytes: RawSpan) throws {
        let count = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress, $0.count) }
        guard count == bytes.byteCount else { throw ValidationError("cannot write \(path): \(unsafe String(cString: strerror(errno)))") }
    }

    func sync() throws {
        guard fsync(file) == 0 else { throw ValidationError("cannot sync \(path): \(unsafe String(cString: strerror(errno)))") }
    }

    deinit {
        if file >= 0 { close(file) }
    }
}
