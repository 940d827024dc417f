import CofferCore
import CofferModel
import CofferPlatform
import Foundation
import Glibc
import Logging
import ServiceLifecycle

/// Keeps one `coffer-diskd` of a role running beside `coffer serve`.
///
/// The disk host is a session of its own: it goes on serving guests when this process ends or is killed, and the next one
/// finds it through its socket.
struct DiskHostSupervisor: Service {
    let program: String
    /// Of `coffer-diskd --cipher`.
    let cipher: String
    let role: DiskHostRole
    /// Where the disks are that it has; nil of a host that has none but its own.
    let store: DiskStoreOptions?
    /// Where a host finds the storage service, as an NBD URI; nil for where that says it is.
    var storageLink: String?
    let dataPath: String
    let logPath: String
    let host: any DiskHost
    let logger: Logger
    /// Called after a host was found or started whose disks are not known to be open.
    let onHostChange: @Sendable () async throws -> Void

    /// Finds the running host or starts one; returns when it answers.
    /// - Throws: ``StartFailure`` if it does not answer within ten seconds, or sixty where it has to reach a cluster; or is of another role, or has
    ///   its disks elsewhere.
    func ensure() async throws -> DiskHostGreeting {
        if let greeting = await greeting() {
            guard greeting.role == role else {
                throw StartFailure.busy(
                    "a coffer-diskd of the role \(greeting.role.rawValue) serves the disks, and --disk-roles needs one of the role \(role.rawValue): "
                        + "detach all disks and stop coffer serve as it was started before, which ends it.")
            }
            guard greeting.store == store?.diskStore else {
                throw StartFailure.busy(
                    "the coffer-diskd that runs has the disks in \(greeting.store ?? "files"), and not in \(store?.diskStore ?? "files"): detach all disks "
                        + "and stop coffer serve as it was started before, which ends it.")
            }
            return greeting
        }
        let process = try spawn()
        logger.info("started coffer-diskd", metadata: ["pid": "\(process)", "role": "\(role.rawValue)"])
        let deadline = ContinuousClock.now + .seconds(store?.diskStore == nil ? 10 : 60)
        while ContinuousClock.now < deadline {
            if let greeting = await greeting() { return greeting }
            var status: Int32 = 0
            if unsafe waitpid(process, &status, WNOHANG) == process {
                throw StartFailure.busy("coffer-diskd ended as it started: \(lastWords() ?? "its reason is at the end of \(logPath).")")
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
                logger.error("coffer-diskd does not answer; starting another", metadata: ["role": "\(role.rawValue)"])
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

    /// What a host that ended gave as its reason.
    private func lastWords() -> String? {
        guard let log = FileHandle(forReadingAtPath: logPath), let end = try? log.seekToEnd() else { return nil }
        try? log.seek(toOffset: end - min(end, 4096))
        let text = String(decoding: (try? log.readToEnd()) ?? Data(), as: UTF8.self)
        return text.split(separator: "\n").last { $0.hasPrefix("coffer-diskd: ") }.map { String($0.dropFirst("coffer-diskd: ".count)) }
    }

    private func greeting() async -> DiskHostGreeting? {
        guard case .greeting(let greeting)? = try? await host.perform(.hello(version: DiskControlVersion.current)) else { return nil }
        return greeting
    }

    private func spawn() throws -> pid_t {
        do {
            var words = [program, "--data", dataPath, "--cipher", cipher, "--role", role.rawValue]
            words += store?.words ?? []
            if let storageLink { words += ["--storage", storageLink] }
            return try DetachedProcess.start(words, log: logPath)
        } catch {
            throw StartFailure.system("cannot \(error.what)", error.code)
        }
    }
}
