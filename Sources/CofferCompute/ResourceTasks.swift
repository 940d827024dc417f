import CofferModel
import Synchronization

/// Work on resources that may take longer than a request should, one task of this process for each. A crash ends it.
final class ResourceTasks: Sendable {
    private struct State: Sendable {
        var running: [ResourceID: Task<APIError?, Never>] = [:]
        /// Why work could not be done that ended before anybody waited for it.
        var refusals: [ResourceID: APIError] = [:]
    }

    private let state = Mutex(State())

    /// How long a request waits for its work.
    private static let patience = Duration.seconds(20)

    /// Begins work on a resource, which returns why it could not be done.
    func begin(_ id: ResourceID, _ body: @escaping @Sendable () async -> APIError?) {
        state.withLock { state in
            state.refusals[id] = nil
            state.running[id] = Task {
                let refusal = await body()
                self.state.withLock { ($0.running[id], $0.refusals[id]) = (nil, refusal) }
                return refusal
            }
        }
    }

    func isRunning(_ id: ResourceID) -> Bool { state.withLock { $0.running[id] != nil } }

    /// Waits until the work is done, or for as long as a request should take.
    ///
    /// - Throws: ``APIError``: why it could not be done.
    func wait(for id: ResourceID) async throws {
        guard let task = state.withLock({ $0.running[id] }) else { return try tell(id, nil) }
        let refusal = await withTaskGroup(of: APIError?.self) { group in
            group.addTask { await task.value }
            group.addTask {
                try? await Task.sleep(for: Self.patience)
                return nil
            }
            let first = await group.next()
            group.cancelAll()
            return first ?? nil
        }
        try tell(id, refusal)
    }

    /// Waits until the work is done however long it takes. It is cancelled with who waits.
    ///
    /// - Throws: ``APIError``: why it could not be done.
    func finish(_ id: ResourceID) async throws {
        guard let task = state.withLock({ $0.running[id] }) else { return try tell(id, nil) }
        try tell(id, await withTaskCancellationHandler { await task.value } onCancel: { task.cancel() })
    }

    /// Ends the work and waits for its end.
    func cancel(_ id: ResourceID) async {
        guard let task = state.withLock({ $0.running[id] }) else { return }
        task.cancel()
        _ = await task.value
        state.withLock { $0.refusals[id] = nil }
    }

    /// Throws why the work could not be done, as whoever waits learned it or as it was kept.
    private func tell(_ id: ResourceID, _ refusal: APIError?) throws {
        let kept = state.withLock { $0.refusals.removeValue(forKey: id) }
        if let refusal = refusal ?? kept { throw refusal }
    }
}
