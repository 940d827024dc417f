import CLinux
import Glibc

/// Programs that outlive the process that starts them: sessions of their own, with an empty standard input and without any other file
/// of this process.
package enum DetachedProcess {
    /// Why a program could not be started.
    package struct StartError: Error, Sendable {
        /// What could not be done, such as `open /var/log/x`.
        package let what: String
        package let code: Int32
    }

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - words: The program, which is looked for in the PATH unless it has a slash, and its arguments. They are for everybody to see.
    ///   - directory: Where it works; nil for where this process does.
    ///   - log: The file that its output is appended to, mode 0600.
    /// - Returns: The process, a child of this one as long as this one lives.
    package static func start(_ words: [String], in directory: String? = nil, log path: String) throws(StartError) -> Int32 {
        let log = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard log >= 0 else { throw StartError(what: "open \(path)", code: errno) }
        defer { close(log) }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, log, STDOUT_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, log, STDERR_FILENO)
        if let directory { _ = unsafe coffer_spawn_in(&actions, directory) }
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        // POSIX_SPAWN_SETSID: its value is not imported by name on every system.
        unsafe posix_spawnattr_setflags(&attributes, 0x80)
        // It must hold none of this process's sockets: not every library opens them close-on-exec.
        _ = coffer_close_on_exec_from(3)
        var process = pid_t()
        var arguments: [UnsafeMutablePointer<CChar>?] = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { for unsafe word in unsafe arguments { unsafe free(word) } }
        let status = unsafe posix_spawnp(&process, words.first ?? "", &actions, &attributes, &arguments, environ)
        guard status == 0 else { throw StartError(what: "start \(words.first ?? "nothing")", code: status) }
        return process
    }
}
