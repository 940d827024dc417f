import Glibc

/// Files that are either the old or the new one after a crash: write new, fsync, rename, fsync the directory.
enum DurableFile {
    /// Replaces `path` by `bytes`.
    /// - Throws: ``StartFailure`` with the path and what the system said.
    static func write(_ bytes: [UInt8], to path: String, mode: mode_t) throws {
        let new = path + ".new"
        let file = unsafe open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        guard file >= 0 else { throw StartFailure.system("cannot write \(new)", errno) }
        defer { close(file) }
        var written = 0
        while written < bytes.count {
            let count = unsafe bytes[written...].withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress, $0.count) }
            guard count > 0 else { throw StartFailure.system("cannot write \(new)", errno) }
            written += count
        }
        guard fchmod(file, mode) == 0, fsync(file) == 0, unsafe rename(new, path) == 0 else {
            throw StartFailure.system("cannot write \(path)", errno)
        }
        try syncDirectory(of: path)
    }

    private static func syncDirectory(of path: String) throws {
        let end = path.lastIndex(of: "/") ?? path.startIndex
        let directory = unsafe open(String(path[..<end]), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw StartFailure.system("cannot open the directory of \(path)", errno) }
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw StartFailure.system("cannot sync the directory of \(path)", errno) }
    }

    /// Makes a directory that only this user can enter, if there is none.
    static func makeDirectory(_ path: String) throws {
        if unsafe mkdir(path, 0o700) != 0, errno != EEXIST { throw StartFailure.system("cannot make \(path)", errno) }
    }
}
