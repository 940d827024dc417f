import Synchronization

/// Lets one operation at a time work on a resource, in order of arrival; operations on different resources run side by side.
///
/// This orders what happens in one process. What must hold over several is held by transactions of the store and by the disk host.
package final class Turns: Sendable {
    package init() {}

    /// A resource that someone works on, with those who wait for it.
    private let waiting = Mutex<[String: [CheckedContinuation<Void, Never>]]>([:])

    /// Runs `body` when nobody else works on `resource`. Whoever holds a set's turn may take a disk's, never the other way round.
    package func take<R>(_ resource: String, _ body: () async throws -> R) async throws -> R {
        await withCheckedContinuation { continuation in
            let isFree = waiting.withLock { waiting in
                guard var line = waiting[resource] else {
                    waiting[resource] = []
                    return true
                }
                line.append(continuation)
                waiting[resource] = line
                return false
            }
            if isFree { continuation.resume() }
        }
        defer { pass(resource) }
        return try await body()
    }

    /// Whether somebody works on a resource just now.
    package func isTaken(_ resource: String) -> Bool { waiting.withLock { $0[resource] != nil } }

    private func pass(_ resource: String) {
        let next = waiting.withLock { waiting -> CheckedContinuation<Void, Never>? in
            guard var line = waiting[resource], !line.isEmpty else {
                waiting[resource] = nil
                return nil
            }
            let next = line.removeFirst()
            waiting[resource] = line
            return next
        }
        next?.resume()
    }
}
