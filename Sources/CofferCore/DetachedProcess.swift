import Glibc

/// Programs that outlive the process that starts them.
package enum DetachedProcess {
    /// Why a program could not be started.
    package struct StartError: Error, Sendable {
        /// What could not be done, such as `open /var/log/x`.
        package let what: String
        package let code: Int32
    }

    /// Starts a program in a session of its own.
    ///
    /// - Parameters:
    ///   - words: The program and its arguments, as of ``ProgramStart``.
    ///   - directory: Where it works; nil for where this process does.
    ///   - log: The file that its output is appended to, mode 0600.
    ///   - files: Others that it gets, at ``ProgramStart/numbers(of:)``.
    /// - Returns: The process, a child of this one as long as this one lives.
    package static func start(_ words: [String], in directory: String? = nil, log path: String, files: [Int32] = []) throws(StartError) -> Int32 {
        let log = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard log >= 0 else { throw StartError(what: "open \(path)", code: errno) }
        defer { close(log) }
        do {
            return try ProgramStart(words, family: .session, in: directory).start(output: log, errors: log, files: files)
        } catch {
            throw StartError(what: "start \(words.first ?? "nothing")", code: error.code)
        }
    }
}
