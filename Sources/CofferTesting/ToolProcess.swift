package import CofferCore
import Glibc
import Synchronization

/// A program of the machine that a test runs, with an empty standard input.
///
/// Foundation's `Process` is no help here: it learns of an end by a socket, which a program that another test starts meanwhile may
/// inherit, so that it waits for that one too.
package final class ToolProcess: Sendable {
    package let id: Int32
    private let status = Mutex<Int32?>(nil)

    /// Starts a program that nobody listens to.
    ///
    /// - Parameters:
    ///   - words: The program, which is looked for in the PATH unless it has a slash, and its arguments.
    ///   - directory: Where it works; nil for where this process does.
    package init(_ words: [String], in directory: String? = nil) throws {
        let nothing = unsafe open("/dev/null", O_WRONLY | O_CLOEXEC)
        defer { close(nothing) }
        id = try ProgramStart(words, family: .group, in: directory).start(output: nothing, errors: nothing)
    }

    /// Runs a program to its end, on the calling thread.
    package static func run(_ words: [String], in directory: String? = nil, errors: ProgramResult.Errors = .amongOutput) throws -> ProgramResult {
        try ProgramStart(words, family: .group, in: directory).run(errors: errors)
    }

    package var isRunning: Bool { reap(WNOHANG) == nil }

    /// Sends a signal, unless the program has ended.
    package func send(_ signal: Int32) {
        status.withLock { status in
            if status == nil { kill(id, signal) }
        }
    }

    /// Waits for the end, on the calling thread.
    ///
    /// - Returns: The exit status, or 128 and the signal's number.
    @discardableResult
    package func end() -> Int32 {
        // Leaves what is left of the process where it is, so that `send` never meets another one of the same number.
        var information = unsafe siginfo_t()
        while unsafe waitid(P_PID, id_t(id), &information, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        return reap(0) ?? -1
    }

    private func reap(_ options: Int32) -> Int32? {
        status.withLock { status in
            if let status { return status }
            var word: Int32 = 0
            var found: Int32
            repeat { found = unsafe waitpid(id, &word, options) } while found < 0 && errno == EINTR
            guard found == id else { return nil }
            status = ProgramStart.exitStatus(word)
            return status
        }
    }
}
