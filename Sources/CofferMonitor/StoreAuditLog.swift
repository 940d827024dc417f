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
    /// How long a commit waits for more records while many come at once, for the commit costs more than they do. A caller that is
    /// alone never waits. PostgreSQL's `commit_delay` and `commit_siblings` are the same.
    private static let gatheringMicroseconds: UInt32 = 500

    private let store: any Store
    private let thread = WorkerPool(name: "audit", threads: 1)
    private let queue = Mutex(Queue())
    /// The chains that were lengthened here and not signed since.
    private let moved = Mutex<Set<AuditChain>>([])
    /// The ends that were written here last, of as many chains as one commit may have.
    private let written = Mutex<[AuditChain: WrittenHead]>([:])
    /// Rung when a chain has many records without a signature.
    let isDue = EventBell()

    package init(store: any Store) {
        self.store = store
    }

    /// Returns once the event is durable.
    ///
    /// - Throws: ``StoreError``; then it is not in the log, or no one knows.
    package func record(_ event: AuditEvent) async throws {
        let entry = Entry(
            chainKey: event.resource.key, resource: event.resource, json: AuditRecordWriter.json(AuditRecord(event)))
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            let isFirst = queue.withLock { $0.enter(Waiting(entry: entry, continuation: continuation)) }
            if isFirst { thread.start { self.commitWaiting() } }
        }
    }

    /// How many events wait for the next commit.
    package var waitingCount: Int { queue.withLock { $0.count } }

    /// The chains that were lengthened since this was last asked.
    func takeMoved() -> [AuditChain] {
        moved.withLock { moved in
            defer { moved = [] }
            return Array(moved)
        }
    }

    /// Commits until nobody waits.
    private func commitWaiting() {
        while true {
            if queue.withLock({ $0.isCrowded }) { usleep(Self.gatheringMicroseconds) }
            let batch = queue.withLock { $0.takeBatch() }
            if batch.isEmpty { return }
            let results = write(batch.map(\.entry))
            for recorder in batch { recorder.continuation.resume(with: results[recorder.entry.chainKey] ?? .success(())) }
        }
    }

    /// Commits `entries` and tells how it ended for each chain. A chain that is damaged fails alone.
    private func write(_ entries: [Entry]) -> [String: Result<Void, any Error>] {
        let parts = Self.parts(entries)
        do {
            let known = written.withLock { $0 }
            let heads = try store.writeHere { transaction in
                try parts.map { try transaction.append($0.records, to: $0.chain, of: $0.resource, after: known[$0.chain]) }
            }
            note(parts.map(\.chain), heads)
            return Dictionary(parts.map { ($0.chain.key, .success(())) }, uniquingKeysWith: { first, _ in first })
        } catch StoreError.corrupt where parts.count > 1 {
            var results: [String: Result<Void, any Error>] = [:]
            for part in parts {
                let alone = write(entries.filter { $0.chainKey == part.chain.key })
                results.merge(alone) { first, _ in first }
            }
            return results
        } catch {
            return Dictionary(parts.map { ($0.chain.key, .failure(error)) }, uniquingKeysWith: { first, _ in first })
        }
    }

    private func note(_ chains: [AuditChain], _ heads: [WrittenHead]) {
        moved.withLock { $0.formUnion(chains) }
        written.withLock { $0 = Dictionary(zip(chains, heads), uniquingKeysWith: { _, last in last }) }
        if heads.contains(where: { $0.head.signed <= $0.head.count &- Self.longestUnsigned }) { isDue.ring() }
    }

    private static func parts(_ entries: [Entry]) -> [Part] {
        var parts: [Part] = []
        var places: [String: Int] = [:]
        for entry in entries {
            if let place = places[entry.chainKey] {
                parts[place].records.append(entry.json)
            } else {
                places[entry.chainKey] = parts.count
                parts.append(Part(chain: AuditChain(key: entry.chainKey), resource: entry.resource, records: [entry.json]))
            }
        }
        return parts
    }

    /// A record on its way to its chain.
    private struct Entry: Sendable {
        let chainKey: String
        let resource: ResourceID
        let json: [UInt8]
    }

    /// What one commit adds to one chain.
    private struct Part: Sendable {
        let chain: AuditChain
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
            let batch = Array(waiting.prefix(count))
            waiting.removeFirst(batch.count)
            lastCount = batch.count
            isCommitting = !batch.isEmpty
            return batch
        }
    }
}
