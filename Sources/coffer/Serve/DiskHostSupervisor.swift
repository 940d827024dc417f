import CLinux
import CofferModel
import CofferPlatform
import Glibc
import Logging
import ServiceLifecycle

/// Keeps one `coffer-diskd` running beside `coffer serve`.
///
/// The disk host is a session of its own: it goes on serving guests when this process ends or is killed, and the next one
/// finds it through its socket.
struct DiskHostSupervisor: Service {
    let program: String
    let dataPath: String
    let logPath: String
    let host: any DiskHost
    let logger: Logger
    /// Called after a host was found or started whose disks are not known to be open.
    let onHostChange: @Sendable () async throws -> Void

    /// Finds the running host or starts one; returns when it answers.
    /// - Throws: ``StartFailure`` if it does not answer within ten seconds.
    func ensure() async throws -> DiskHostGreeting {
        if let greeting = await greeting() { return greeting }
        let process = try spawn()
        logger.info("started coffer-diskd", metadata: ["pid": "\(process)"])
        let deadline = ContinuousClock.now + .seconds(10)
        while ContinuousClock.now < deadline {
            if let greeting = await greeting() { return greeting }
            var status: Int32 = 0
            if unsafe waitpid(process, &status, WNOHANG) == process {
                throw StartFailure.busy("coffer-diskd ended as it started: its reason is at the end of \(logPath).")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw StartFailure.busy("coffer-diskd does not answer: its log is \(logPath).")
    }

    /// Looks after the host until graceful shutdown; starts another when it is gone.
    func run() async throws {
        let first = await greeting()?.processID
        await cancelWhenGracefulShutdown {
            var process = first
            while (try? await Task.sleep(for: .seconds(1))) != nil {
                // Reaps a host that this process started; one of an earlier process is no child, and other children have their own.
                var status: Int32 = 0
                if let process { _ = unsafe waitpid(process, &status, WNOHANG) }
                if let found = await greeting() {
                    if found.processID != process {
                        process = found.processID
                        await adopt()
                    }
                    continue
                }
                logger.error("coffer-diskd does not answer; starting another")
                do {
                    process = try await ensure().processID
                    await adopt()
                } catch {
                    logger.error("coffer-diskd cannot be started", metadata: ["error": "\(error)"])
                }
            }
        }
    }

    private func adopt() async {
        do {
            try await onHostChange()
        } catch {
            logger.error("disks could not be taken up again", metadata: ["error": "\(error)"])
        }
    }

    private func greeting() async -> DiskHostGreeting? {
        guard case .greeting(let greeting)? = try? await host.perform(.hello(version: DiskControlVersion.current)) else { return nil }
        return greeting
    }

    private func spawn() throws -> pid_t {
        let log = unsafe open(logPath, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
        guard log >= 0 else { throw StartFailure.system("cannot open \(logPath)", errno) }
        defer { close(log) }
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        unsafe posix_spawn_file_actions_adddup2(&actions, log, STDOUT_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, log, STDERR_FILENO)
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        // POSIX_SPAWN_SETSID: its value is not imported by name on every system.
        unsafe posix_spawnattr_setflags(&attributes, 0x80)
        // The host outlives this process, so it must hold none of its sockets: not every library opens them close-on-exec.
        _ = coffer_close_on_exec_from(3)
        var process = pid_t()
        let words = [program, "--data", dataPath]
        var arguments: [UnsafeMutablePointer<CChar>?] = unsafe words.map { unsafe strdup($0) } + [nil]
        defer { for unsafe word in unsafe arguments { unsafe free(word) } }
        let status = unsafe posix_spawn(&process, program, &actions, &attributes, &arguments, environ)
        guard status == 0 else { throw StartFailure.system("cannot start \(program)", status) }
        return process
    }
}
