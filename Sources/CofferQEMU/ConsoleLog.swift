import Glibc

/// What a guest wrote to its serial console, in a file that keeps the last part.
struct ConsoleLog: Sendable {
    let path: String

    /// How much is kept, in bytes. The file may have twice as much for a while.
    private static let keptByteCount = 1 << 20

    func append(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard file >= 0 else { return }
        _ = unsafe bytes.withUnsafeBytes { unsafe write(file, $0.baseAddress, $0.count) }
        var status = stat()
        let isTooLong = unsafe fstat(file, &status) == 0 && status.st_size > 2 * off_t(Self.keptByteCount)
        close(file)
        if isTooLong { shorten() }
    }

    /// The last part.
    func read() -> [UInt8] {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return [] }
        defer { close(file) }
        let end = lseek(file, 0, SEEK_END)
        var bytes = [UInt8](repeating: 0, count: Int(min(max(0, end), off_t(Self.keptByteCount))))
        let got = unsafe bytes.withUnsafeMutableBytes { unsafe pread(file, $0.baseAddress, $0.count, end - off_t($0.count)) }
        return Array(bytes.prefix(max(0, got)))
    }

    private func shorten() {
        let kept = read()
        let new = path + ".new"
        let file = unsafe open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { return }
        _ = unsafe kept.withUnsafeBytes { unsafe write(file, $0.baseAddress, $0.count) }
        close(file)
        _ = unsafe rename(new, path)
    }
}
