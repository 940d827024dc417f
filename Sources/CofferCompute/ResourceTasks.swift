import CofferModel
import Synchronization

/// Work on resources that may take longer than a request should, one task of this process for each. A crash ends it.
final class ResourceTasks: Sendable {
    private let running = Mutex<[ResourceID: Task<APIError?, Never>]>([:])

    /// How long a request waits for its work.
    private static let patience = Duration.seconds(20)

    /// Begins work on a resource, which returns why it could not be done.
    func begin(_ id: ResourceID, _ body: @escaping @Sendable () async -> APIError?) {
        running.withLock { running in
            running[id] = Task {
                defer { self.running.withLock { $0[id] = nil } }
                return await body()
            }
        }
    }

    func isRunning(_ id: ResourceID) -> Bool { running.withLock { $0[id] != nil } }

    /// Waits until the work is done, or for as long as a request should take.
    ///
    /// - Throws: ``APIError``: why it could not be done.
    func wait(for id: ResourceID) async throws {
        guard let task = running.withLock({ $0[id] }) else { return }
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
        if let refusal { throw refusal }
    }

    /// Waits until the work is done however long it takes. It is cancelled with who waits.
    ///
    /// - Throws: ``APIError``: why it could not be done.
    func finish(_ id: ResourceID) async throws {
        guard let task = running.withLock({ $0[id] }) else { return }
        let refusal = await withTaskCancellationHandler { await task.value } onCancel: { task.cancel() }
        if let refusal { throw refusal }
    }

    /// Ends the work and waits for its end.
    func cancel(_ id: ResourceID) async {
        guard let task = running.withLock({ $0[id] }) else { return }
        task.cancel()
        _ = await task.value
    }
}
