import CofferModel
import Synchronization

/// The imports of this process that are in progress, with how far they are.
final class RunningImports: Sendable {
    private struct Running: Sendable {
        var percent = 0.0
        var task: Task<Void, Never>?
        var reason: String?
    }

    private let running = Mutex<[ResourceID: Running]>([:])

    /// How much of an import is done, of 100; nil if none is in progress.
    func percent(_ id: ResourceID) -> Double? { running.withLock { $0[id]?.percent } }

    func task(_ id: ResourceID) -> Task<Void, Never>? { running.withLock { $0[id]?.task } }

    func begin(_ id: ResourceID) { running.withLock { $0[id] = Running() } }

    func note(_ percent: Double, of id: ResourceID) { running.withLock { $0[id]?.percent = percent } }

    func note(_ task: Task<Void, Never>, of id: ResourceID) { running.withLock { $0[id]?.task = task } }

    /// Ends an import for a reason, without waiting for its end.
    func stop(_ id: ResourceID, because reason: String) {
        let task = running.withLock { running in
            running[id]?.reason = reason
            return running[id]?.task
        }
        task?.cancel()
    }

    /// Why an import was ended.
    func reason(_ id: ResourceID) -> String? { running.withLock { $0[id]?.reason } }

    func end(_ id: ResourceID) { running.withLock { $0[id] = nil } }
}
