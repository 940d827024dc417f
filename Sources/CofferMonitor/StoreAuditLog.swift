import CofferModel
package import CofferPlatform
import Synchronization

/// The audit log in a stream of the store. What is recorded while a commit is under way shares the next one.
package final class StoreAuditLog: AuditLog {
    /// The stream, one JSON document an event.
    package static let stream = "audit"

    private let store: any Store
    private let queue = Mutex(Queue())

    package init(store: any Store) {
        self.store = store
    }

    /// Returns once the event is durable.
    package func record(_ event: AuditEvent) async throws {
        let body = try JSON.encode(event)
        let turn = await withCheckedContinuation { continuation in
            let isFirst = queue.withLock { $0.enter(Waiting(body: body, turn: continuation)) }
            if isFirst { continuation.resume(returning: Turn.commit) }
        }
        switch turn {
        case .committed(let result): try result.get()
        case .commit: try await commit(body)
        }
    }

    /// How many events wait for the next commit.
    package var waitingCount: Int { queue.withLock { $0.count } }

    /// Up to `limit` events with a sequence number above `after`, oldest first.
    ///
    /// - Throws: ``StoreError/corrupt(_:)`` naming an event that does not decode.
    package func events(after: Int64, limit: Int) async throws -> [AuditEntry] {
        let events = try await store.read { try $0.events(in: Self.stream, after: after, limit: limit) }
        return try events.map { event in
            guard let decoded = try? JSON.decode(AuditEvent.self, from: event.body) else {
                throw StoreError.corrupt("\(Self.stream)/\(event.sequence)")
            }
            return AuditEntry(sequence: event.sequence, event: decoded)
        }
    }

    /// Commits `body` with all that wait, then lets the first of those that came meanwhile do the same.
    private func commit(_ body: [UInt8]) async throws {
        let batch = queue.withLock { $0.takeBatch() }
        let bodies = [body] + batch.map(\.body)
        let result: Result<Void, any Error>
        do {
            try await store.write { transaction in
                for body in bodies { try transaction.append(body, to: Self.stream) }
            }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        for recorder in batch { recorder.turn.resume(returning: .committed(result)) }
        queue.withLock { $0.leave() }?.turn.resume(returning: .commit)
        try result.get()
    }

    /// What a recorder is told.
    private enum Turn: Sendable {
        /// Its event was part of a commit that ended so.
        case committed(Result<Void, any Error>)
        /// It is its turn to commit.
        case commit
    }

    private struct Waiting: Sendable {
        let body: [UInt8]
        let turn: CheckedContinuation<Turn, Never>
    }

    private struct Queue: Sendable {
        /// One transaction holds no more events than this.
        static let longestBatch = 500
        private var waiting: [Waiting] = []
        private var isCommitting = false

        var count: Int { waiting.count }

        /// Whether the newcomer is to commit at once. If not, it waits.
        mutating func enter(_ newcomer: Waiting) -> Bool {
            if isCommitting {
                waiting.append(newcomer)
                return false
            }
            isCommitting = true
            return true
        }

        mutating func takeBatch() -> [Waiting] {
            let batch = Array(waiting.prefix(Self.longestBatch))
            waiting.removeFirst(batch.count)
            return batch
        }

        /// The next to commit, if somebody waits.
        mutating func leave() -> Waiting? {
            if waiting.isEmpty {
                isCommitting = false
                return nil
            }
            return waiting.removeFirst()
        }
    }
}

/// An event of the audit log and its place there.
package struct AuditEntry: Equatable, Sendable {
    package let sequence: Int64
    package let event: AuditEvent

    package init(sequence: Int64, event: AuditEvent) {
        self.sequence = sequence
        self.event = event
    }
}
