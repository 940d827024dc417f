import Foundation
import Synchronization

/// Work that Ctrl-C ends early and cleanly.
enum Interruptible {
    private final class Received: Sendable {
        let signal = Mutex<Int32?>(nil)
    }

    /// Runs `work` in a task that SIGINT, SIGTERM and SIGHUP cancel, and ends this process as the signal would have once the work has
    /// cleaned up after itself.
    ///
    /// - Throws: ``ImageFailure`` with what the work threw.
    static func run<Result: Sendable>(_ work: @escaping @Sendable () async throws -> Result) async throws -> Result {
        let received = Received()
        let task = Task(operation: work)
        Interrupt.catchSignals { signal in
            received.signal.withLock { $0 = signal }
            task.cancel()
        }
        do {
            return try await task.value
        } catch {
            if let signal = received.signal.withLock({ $0 }) {
                FileHandle.standardError.write(Data("\nInterrupted; nothing is left of it.\n".utf8))
                exit(128 + signal)
            }
            throw ImageFailure(error)
        }
    }
}
