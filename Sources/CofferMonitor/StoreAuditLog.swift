import CofferCore
import CofferModel
package import CofferPlatform
import Glibc
import Synchronization

/// The audit log in the store, a hash chain for each resource. One thread commits: what is recorded while a commit is under way
/// shares the next one, and a chain's part of a commit is one block.
///
/// A chain's order is the order in which the recorders came, which is that in which the operations ended.
package final class StoreAuditLog: AuditLog {
    /// After so many records without a signature a chain's head is signed before the period ends.
    static let longestUnsigned: Int64 = 10_000
    /// How long a commit waits for more records while many come at once, for the commit costs more than they do, and how often it does so
    /// again while as many operations are under way. A caller that is alone never waits. PostgreSQL's `commit_delay` and
    /// `commit_siblings` are the same.
    private static let gatheringMicroseconds: UInt32 = 500
    private static let mostGatherings = 4

    /// How often it is tried to get in between what other processes add to the same chains.
    private static let attempts = 200
    /// For so many commits after one was met.
    private static let rivalryCommits = 16

    private let store: any Store
    private let thread = WorkerPool(name: "audit", threads: 1)
    private let queue = Mutex(Queue())
    private let operations = Atomic<Int>(0)
    /// For so many commits more an end is looked for before a block is put behind it: other processes have lengthened the same chains.
    private let rivalry = Atomic<Int>(0)
    private let ends = Mutex(AuditEnds())
    /// The ends of the chains that were lengthened here and not signed since.
    private let moved = Mutex<[AuditChain: AuditEnd]>([:])
    /// Rung when a chain has many records without a signature.
    let isDue = EventBell()

    package init(store: any Store) {
        self.store = store
    }

    /// Returns once the event is durable.
    ///
    /// - Throws: ``StoreError``; then it is not in the log, or no one knows.
    package func record(_ event: AuditEvent) async throws {
        let entry = Entry(event)
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            let isFirst = queue.withLock { $0.enter(Waiting(entry: entry, continuation: continuation)) }
            if isFirst { thread.start { self.commitWaiting() } }
        }
        // Who took the memory gives it back: what wanders between threads costs the allocator as much as all the rest of a record.
        withExtendedLifetime(entry) {}
    }

    package func operationBegan() { operations.add(1, ordering: .relaxed) }

    package func operationEnded() { operations.subtract(1, ordering: .relaxed) }

    /// How many events wait for the next commit.
    package var waitingCount: Int { queue.withLock { $0.count } }

    /// How many records the chain of the resource with this key is known to have; nil if nothing was recorded here lately.
    func knownCount(_ key: String) -> Int64? { ends.withLock { $0[key]?.count } }

    /// The ends of the chains that were lengthened since this was last asked.
    func takeMoved() -> [AuditEnd] {
        moved.withLock { moved in
            defer { moved = [:] }
            return Array(moved.values)
        }
    }

    /// The records of a chain up to `count` are signed.
    func noteSigned(_ chain: AuditChain, count: Int64) {
        ends.withLock { $0.noteSigned(chain.key, count: count) }
    }

    /// Commits until nobody waits.
    private func commitWaiting() {
        while true {
            gather()
            let outcomes = commitBatch()
            if outcomes.isEmpty { return }
            for (recorder, failure) in outcomes {
                if let failure { recorder.resume(throwing: failure) } else { recorder.resume() }
            }
        }
    }

    /// Waits where many events come at once.
    private func gather() {
        guard queue.withLock({ $0.isCrowded }) else { return }
        for _ in 0..<Self.mostGatherings {
            usleep(Self.gatheringMicroseconds)
            // Private-key operations take long enough for events to come one by one.
            guard operations.load(ordering: .relaxed) >= Queue.crowd, waitingCount < Queue.enough else { return }
        }
    }

    /// Commits what waits, and lets go of it before those who wait for it go on.
    private func commitBatch() -> [(recorder: CheckedContinuation<Void, any Error>, failure: (any Error)?)] {
        let batch = queue.withLock { $0.takeBatch() }
        if batch.isEmpty { return [] }
        let failures = write(batch.map(\.entry))
        return batch.map { ($0.continuation, failures.isEmpty ? nil : failures[$0.entry.chainKey]) }
    }

    /// Commits `entries` and tells of which chains it failed. One that is damaged fails alone.
    private func write(_ entries: [Entry]) -> [String: any Error] {
        let parts = Self.parts(entries)
        do {
            try append(parts)
            return [:]
        } catch StoreError.corrupt where parts.count > 1 {
            var failures: [String: any Error] = [:]
            for part in parts {
                failures.merge(write(entries.filter { $0.chainKey == part.key })) { first, _ in first }
            }
            return failures
        } catch {
            return Dictionary(parts.map { ($0.key, error) }, uniquingKeysWith: { first, _ in first })
        }
    }

    /// Adds a block to each chain, behind the end that is known. Where another process has put a block there, behind that one.
    private func append(_ parts: [Part]) throws {
        var known = ends.withLock { ends in parts.map { ends[$0.key] } }
        for attempt in 0..<Self.attempts {
            do {
                let current = try current(parts, known, looks: attempt > 0 || rivalry.load(ordering: .relaxed) > 0)
                known = current
                let next = try zip(parts, current).map { part, end in try end.lengthened(by: part.records) }
                try store.appendHere(next.map(\.block))
                return note(next.map(\.end))
            } catch StoreError.preconditionFailed {
                rivalry.store(Self.rivalryCommits, ordering: .relaxed)
            }
        }
        throw StoreError.unavailable(
            "other processes were first \(Self.attempts) times to add to the audit log: too many write to one chain at once, try again later")
    }

    /// The ends of the chains.
    ///
    /// - Parameter looks: Whether other processes may have moved those that are known.
    private func current(_ parts: [Part], _ known: [AuditEnd?], looks: Bool) throws -> [AuditEnd] {
        var hasRivals = false
        let ends = try zip(parts, known).map { part, known in
            guard var end = known else {
                return try store.writeHere { try $0.openAuditChain(AuditChain(key: part.key), of: part.resource) }
            }
            guard looks else { return end }
            let stream = end.chain.stream
            try end.move { try store.eventsHere(in: stream, after: $0, limit: $1) }
            hasRivals = hasRivals || end != known
            return end
        }
        if hasRivals { rivalry.store(Self.rivalryCommits, ordering: .relaxed) } else if looks { rivalry.subtract(1, ordering: .relaxed) }
        return ends
    }

    private func note(_ lengthened: [AuditEnd]) {
        let isDue = ends.withLock { ends in
            for end in lengthened { ends.note(end) }
            return lengthened.contains { end in (ends[end.chain.key]?.signed ?? 0) <= end.count - Self.longestUnsigned }
        }
        moved.withLock { moved in
            for end in lengthened { moved[end.chain] = end }
        }
        if isDue { self.isDue.ring() }
    }

    private static func parts(_ entries: [Entry]) -> [Part] {
        var parts: [Part] = []
        var places: [String: Int] = [:]
        for entry in entries {
            if parts.last?.key == entry.chainKey {
                parts[parts.count - 1].records.append(entry.json)
            } else if let place = places[entry.chainKey] {
                parts[place].records.append(entry.json)
            } else {
                places[entry.chainKey] = parts.count
                parts.append(Part(key: entry.chainKey, resource: entry.resource, records: [entry.json]))
            }
        }
        return parts
    }

    /// A record on its way to its chain.
    private final class Entry: Sendable {
        let chainKey: String
        let resource: ResourceID
        let json: [UInt8]

        init(_ event: AuditEvent) {
            chainKey = event.resource.key
            resource = event.resource
            json = AuditRecordWriter.json(AuditRecord(event))
        }
    }

    /// What one commit adds to one chain.
    private struct Part: Sendable {
        let key: String
        let resource: ResourceID
        var records: [[UInt8]]
    }

    private struct Waiting: Sendable {
        let entry: Entry
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct Queue: Sendable {
        /// One transaction holds no more events than this, and is full when it has so many bytes.
        static let longestBatch = 500
        static let fullBatch = 256 * 1024
        /// A last batch of so many shows that many come at once.
        static let crowd = 4
        /// So many records make a commit cheap for each.
        static let enough = 24

        private var waiting: [Waiting] = []
        private var isCommitting = false
        private var lastCount = 0

        var isCrowded: Bool { lastCount >= Self.crowd }

        var count: Int { waiting.count }

        /// Whether the newcomer is the first, for whom somebody must begin to commit.
        mutating func enter(_ newcomer: Waiting) -> Bool {
            waiting.append(newcomer)
            defer { isCommitting = true }
            return !isCommitting
        }

        /// What is to be committed next; empty if nobody waits, and then the next newcomer is a first one.
        mutating func takeBatch() -> [Waiting] {
            var count = 0
            var byteCount = 0
            while count < min(waiting.count, Self.longestBatch), byteCount < Self.fullBatch {
                byteCount += waiting[count].entry.json.count
                count += 1
            }
            let batch: [Waiting]
            if count == waiting.count {
                batch = waiting
                waiting = []
            } else {
                batch = Array(waiting.prefix(count))
                waiting.removeFirst(count)
            }
            lastCount = batch.count
            isCommitting = !batch.isEmpty
            return batch
        }
    }
}
