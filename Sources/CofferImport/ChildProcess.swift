import CofferCore
import Glibc
import Synchronization

/// A program that this process runs and listens to. Its standard input is empty, and it has no other file of this process.
final class ChildProcess: Sendable {
    /// How a program ended.
    struct Result: Sendable {
        /// The exit status, or 128 and the signal's number.
        let status: Int32
        /// The first bytes of standard output.
        let output: [UInt8]
        /// The first bytes of standard error.
        let errors: [UInt8]

        /// The first line of what it complained of.
        var reason: String {
            let line = String(decoding: errors, as: UTF8.self).split(whereSeparator: \.isNewline).first
            return line.map { String($0.prefix(300)) } ?? "qemu-img ended with status \(status)"
        }
    }

    private enum State {
        case running(pid_t)
        case ended
    }

    private static let keptByteCount = 1 << 20

    private let state: Mutex<State>
    private let output: Int32
    private let errors: Int32

    /// Starts a program that is looked for in the PATH.
    init(_ words: [String]) throws(ProgramStart.Failure) {
        let output = try ProgramPipe()
        defer { close(output.writing) }
        let process: pid_t
        do throws(ProgramStart.Failure) {
            let errors = try ProgramPipe()
            defer { close(errors.writing) }
            self.errors = errors.reading
            do throws(ProgramStart.Failure) {
                process = try ProgramStart(words, family: .shared).start(output: output.writing, errors: errors.writing)
            } catch {
                close(errors.reading)
                throw error
            }
        } catch {
            close(output.reading)
            throw error
        }
        self.output = output.reading
        state = Mutex(.running(process))
    }

    deinit {
        close(output)
        close(errors)
    }

    /// Ends the program now, if it runs.
    func kill() {
        state.withLock { state in
            if case .running(let process) = state { _ = Glibc.kill(process, SIGKILL) }
        }
    }

    /// Waits for the program's end, on the calling thread.
    ///
    /// - Parameter listen: Called with pieces of standard output as they come.
    func finish(_ listen: ([UInt8]) -> Void) -> Result {
        var kept: (output: [UInt8], errors: [UInt8]) = ([], [])
        var open = [output, errors]
        while !open.isEmpty {
            var polled = open.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            guard unsafe poll(&polled, nfds_t(polled.count), -1) >= 0 || errno == EINTR else { break }
            for entry in polled where entry.revents != 0 {
                guard let bytes = Self.read(entry.fd) else {
                    open.removeAll { $0 == entry.fd }
                    continue
                }
                if entry.fd == output {
                    listen(bytes)
                    if kept.output.count < Self.keptByteCount { kept.output += bytes }
                } else if kept.errors.count < Self.keptByteCount {
                    kept.errors += bytes
                }
            }
        }
        return Result(status: reap(), output: kept.output, errors: kept.errors)
    }

    private func reap() -> Int32 {
        guard case .running(let process) = state.withLock({ $0 }) else { return -1 }
        // Waits without taking the end away, so that `kill` never meets another process of the same number.
        var information = unsafe siginfo_t()
        while unsafe waitid(P_PID, id_t(process), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        return state.withLock { state in
            var status: Int32 = 0
            while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
            state = .ended
            return ProgramStart.exitStatus(status)
        }
    }

    /// What there is to read, or nil at the end.
    private static func read(_ file: Int32) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let got = unsafe bytes.withUnsafeMutableBytes { unsafe Glibc.read(file, $0.baseAddress, $0.count) }
            if got < 0, errno == EINTR { continue }
            return got > 0 ? Array(bytes.prefix(got)) : nil
        }
    }
}
