import CLinux
import Glibc

/// The file system of this machine.
package struct SystemFiles: FileLayer {
    package init() {}

    package func perform(_ step: FileStep) throws(FileError) {
        switch step {
        case .makeDirectory(let path): try check(unsafe mkdir(path, 0o700), path)
        case .createFile(let path): try withFile(path, O_WRONLY | O_CREAT | O_EXCL) { (_) throws(FileError) in }
        case .write(let path, let bytes): try write(bytes, to: path)
        case .setByteCount(let path, let count):
            try withFile(path, O_WRONLY) { (file) throws(FileError) in
                try check(ftruncate(file, off_t(truncatingIfNeeded: count)), path)
            }
        case .syncFile(let path): try withFile(path, O_RDONLY) { (file) throws(FileError) in try check(fsync(file), path) }
        case .syncDirectory(let path):
            try withFile(path, O_RDONLY | O_DIRECTORY) { (file) throws(FileError) in try check(fsync(file), path) }
        case .rename(let from, let to): try check(unsafe rename(from, to), from)
        case .renameNew(let from, let to): try check(unsafe coffer_rename_noreplace(from, to), to)
        case .exchange(let first, let second): try check(unsafe coffer_rename_exchange(first, second), first)
        case .removeFile(let path): try check(unsafe unlink(path), path)
        case .removeDirectory(let path): try check(unsafe rmdir(path), path)
        }
    }

    package func read(_ path: String, limit: Int) throws(FileError) -> [UInt8] {
        try withFile(path, O_RDONLY) { (file) throws(FileError) in
            var bytes = [UInt8](repeating: 0, count: limit + 1)
            var count = 0
            while count < bytes.count {
                let got = unsafe bytes.withUnsafeMutableBytes { unsafe Glibc.read(file, $0.baseAddress?.advanced(by: count), $0.count - count) }
                if got < 0, errno == EINTR { continue }
                guard got >= 0 else { throw failure(path) }
                if got == 0 { break }
                count += got
            }
            guard count <= limit else { throw failure(path, EFBIG) }
            return Array(bytes.prefix(count))
        }
    }

    package func names(in directory: String) throws(FileError) -> [String] {
        guard let stream = unsafe opendir(directory) else { throw failure(directory) }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    package func byteCount(of path: String) -> UInt64? {
        var status = stat()
        guard unsafe lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return UInt64(clamping: status.st_size)
    }

    private func write(_ bytes: [UInt8], to path: String) throws(FileError) {
        try withFile(path, O_WRONLY) { (file) throws(FileError) in
            var done = 0
            while done < bytes.count {
                let put = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress?.advanced(by: done), $0.count - done) }
                if put < 0, errno == EINTR { continue }
                guard put > 0 else { throw failure(path) }
                done += put
            }
            try check(ftruncate(file, off_t(bytes.count)), path)
        }
    }

    private func withFile<R>(_ path: String, _ flags: Int32, _ body: (Int32) throws(FileError) -> R) throws(FileError) -> R {
        let file = unsafe open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw failure(path) }
        defer { close(file) }
        return try body(file)
    }

    private func check(_ status: Int32, _ path: String) throws(FileError) {
        guard status == 0 else { throw failure(path) }
    }

    private func failure(_ path: String, _ code: Int32 = errno) -> FileError {
        FileError(code: code, path: path, words: unsafe String(cString: strerror(code)))
    }
}
