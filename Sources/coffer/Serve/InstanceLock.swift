import Glibc

/// Keeps a data directory to one `coffer serve` at a time. The kernel lets go of it when the process ends, however it
/// ends.
struct InstanceLock: ~Copyable {
    private let file: Int32

    struct Taken: Error, CustomStringConvertible {
        let path: String
        let holder: String

        var description: String {
            "another `coffer serve`\(holder) already serves this data directory (its lock is \(path)). Stop it first, or use "
                + "another --data."
        }
    }

    /// - Throws: ``Taken`` if another process has it.
    init(path: String) throws {
        let file = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw StartFailure.system("cannot open \(path)", errno) }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            var text = [UInt8](repeating: 0, count: 32)
            let count = unsafe text.withUnsafeMutableBytes { unsafe read(file, $0.baseAddress, $0.count) }
            close(file)
            let process = String(decoding: text.prefix(max(0, count)), as: UTF8.self)
            throw Taken(path: path, holder: process.isEmpty ? "" : " (process \(process))")
        }
        _ = ftruncate(file, 0)
        let process = Array(String(getpid()).utf8)
        _ = unsafe process.withUnsafeBytes { unsafe pwrite(file, $0.baseAddress, $0.count, 0) }
        self.file = file
    }

    deinit {
        close(file)
    }
}
