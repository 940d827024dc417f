import Glibc
import Synchronization

/// The processes that this one started, so that what is left of each is cleared away when it has ended.
final class ChildProcesses: Sendable {
    private let running = Mutex<Set<Int32>>([])

    func add(_ process: Int32) {
        running.withLock { _ = $0.insert(process) }
    }

    /// Clears away what is left of those that have ended.
    func reap() {
        running.withLock { running in
            for process in running where Self.isGone(process) { running.remove(process) }
        }
    }

    /// Whether a process that was added has ended.
    func hasEnded(_ process: Int32) -> Bool {
        reap()
        return running.withLock { !$0.contains(process) }
    }

    /// Clears away what is left of a process that is ending, if it is one of these.
    func awaitEnd(of process: Int32) {
        for _ in 0..<500 where !hasEnded(process) { usleep(10_000) }
    }

    private static func isGone(_ process: Int32) -> Bool {
        var status: Int32 = 0
        return unsafe waitpid(process, &status, WNOHANG) != 0
    }
}
