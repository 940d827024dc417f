import CLinux
import Glibc

/// How a program is started: with an empty standard input, and with no file of this process but those that are named.
package struct ProgramStart: Sendable {
    /// What a program belongs to, which says what signals reach it.
    package enum Family: Sendable {
        /// A session of its own: it outlives this process.
        case session
        /// A process group of its own, which is ended as a whole. Ctrl-C does not reach it.
        case group
        /// The group of this process: what ends this one ends it too.
        case shared
    }

    /// Why a program could not be started.
    package struct Failure: Error, Equatable, Sendable {
        /// Of the system: see errno(3).
        package let code: Int32

        package init(code: Int32) {
            self.code = code
        }
    }

    private let words: [String]
    private let family: Family
    private let directory: String?

    /// - Parameters:
    ///   - words: The program, which is looked for in the PATH unless it has a slash, and its arguments. They are for everybody to see.
    ///   - directory: Where it works; nil for where this process does.
    package init(_ words: [String], family: Family, in directory: String? = nil) {
        self.words = words
        self.family = family
        self.directory = directory
    }

    /// Starts it.
    ///
    /// - Parameters:
    ///   - output: The file that is its standard output.
    ///   - errors: The file that is its standard error.
    ///   - files: Others that it gets, at ``numbers(of:)``.
    /// - Returns: The process, a child of this one as long as this one lives.
    package func start(output: Int32, errors: Int32, files: [Int32] = []) throws(Failure) -> Int32 {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO)
        for (file, number) in zip(files, Self.numbers(of: files)) { unsafe posix_spawn_file_actions_adddup2(&actions, file, number) }
        if let directory { _ = unsafe coffer_spawn_in(&actions, directory) }
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        family.apply(to: &attributes)
        // It must hold none of this process's sockets: not every library opens them close-on-exec.
        _ = coffer_close_on_exec_from(3)
        var process = pid_t()
        var arguments: [UnsafeMutablePointer<CChar>?] = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { for unsafe word in unsafe arguments { unsafe free(word) } }
        let status = unsafe posix_spawnp(&process, words.first ?? "", &actions, &attributes, &arguments, environ)
        guard status == 0 else { throw Failure(code: status) }
        return process
    }

    /// The numbers that a program has files by: none that one of them has here.
    package static func numbers(of files: [Int32]) -> [Int32] {
        let first = (files + [STDERR_FILENO]).reduce(0, max) + 1
        return files.indices.map { first + Int32($0) }
    }

    /// - Parameter word: What wait(2) tells of a program's end.
    /// - Returns: The exit status, or 128 and the number of the signal that ended it.
    package static func exitStatus(_ word: Int32) -> Int32 {
        let signal = word & 0x7F
        return signal == 0 ? word >> 8 & 0xFF : 128 + signal
    }
}

extension ProgramStart.Family {
    /// POSIX_SPAWN_SETSID: its value is not imported by name on every system.
    private static let setSession: Int32 = 0x80

    fileprivate func apply(to attributes: inout posix_spawnattr_t) {
        let own: Int32
        switch self {
        case .shared: return
        case .group:
            unsafe posix_spawnattr_setpgroup(&attributes, 0)
            own = Int32(POSIX_SPAWN_SETPGROUP)
        case .session: own = Self.setSession
        }
        // Threads of the task pool block signals, and servers ignore some: a program would begin with both, and be deaf to SIGTERM.
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe posix_spawnattr_setsigmask(&attributes, &signals)
        unsafe sigfillset(&signals)
        unsafe posix_spawnattr_setsigdefault(&attributes, &signals)
        unsafe posix_spawnattr_setflags(&attributes, Int16(own | Int32(POSIX_SPAWN_SETSIGMASK) | Int32(POSIX_SPAWN_SETSIGDEF)))
    }
}
