import Synchronization

/// Wakes those who follow a stream of the store when something was appended to it here, so that they need not poll
/// often; what other replicas append is found by the slow poll that they keep.
package final class EventBell: Sendable {
    private let waiting = Mutex<[Int: AsyncStream<Void>.Continuation]>([:])
    private let next = Mutex(0)

    package init() {}

    /// Rings for every listener.
    package func ring() {
        for continuation in waiting.withLock({ Array($0.values) }) { continuation.yield() }
    }

    /// One element for each ring, rings that come together counted once.
    package func rings() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let id = next.withLock { number in
            number += 1
            return number
        }
        waiting.withLock { $0[id] = continuation }
        continuation.onTermination = { [weak self] _ in
            self?.waiting.withLock { $0[id] = nil }
        }
        return stream
    }
}
