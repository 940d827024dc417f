import CofferCore
import Glibc

/// A script with all that it starts: a process group, which is ended as a whole and only by this program. Ctrl-C does not reach it.
enum ScriptProcess {
    /// Runs a script to its end. If the task is cancelled, the script is told to end (SIGTERM) and waited for.
    ///
    /// - Parameter capturesOutput: Whether its standard output is returned, or goes where this program's goes.
    /// - Returns: Its standard output, 64 KiB at most, or an empty text.
    /// - Throws: ``ImageFailure`` if it fails, having said why on standard error; `CancellationError`.
    static func run(_ words: [String], capturesOutput: Bool) async throws -> String {
        try Task.checkCancellation()
        let process: pid_t
        let reading: Int32
        do throws(ProgramStart.Failure) {
            let pipe = try ProgramPipe()
            defer { close(pipe.writing) }
            do throws(ProgramStart.Failure) {
                process = try ProgramStart(words, family: .group).start(output: capturesOutput ? pipe.writing : STDOUT_FILENO, errors: STDERR_FILENO)
            } catch {
                close(pipe.reading)
                throw error
            }
            reading = pipe.reading
        } catch {
            throw ImageFailure("\(words.first ?? "") cannot be started: \(unsafe String(cString: strerror(error.code)))")
        }
        defer { close(reading) }
        let (status, output) = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                PosixThread.start(name: "script") {
                    let output = readAll(reading)
                    continuation.resume(returning: (wait(for: process), output))
                }
            }
        } onCancel: {
            // The group's number is the script's, which is not reaped before the group is gone or the script has ended.
            kill(-process, SIGTERM)
        }
        try Task.checkCancellation()
        guard status == 0 else { throw ImageFailure("\(words.first ?? "") ended with status \(status).") }
        return String(decoding: output, as: UTF8.self)
    }

    private static func readAll(_ file: Int32) -> [UInt8] {
        var all: [UInt8] = []
        var bytes = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(file, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return all }
            if all.count < 64 << 10 { all += bytes.prefix(count) }
        }
    }

    private static func wait(for process: pid_t) -> Int32 {
        var status: Int32 = 0
        while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
        return ProgramStart.exitStatus(status)
    }
}
