import CofferCore
import CofferModel
import CofferPlatform

/// Follows what happens to keys: rotates disk encryption sets to new versions, and stops and revives disks as their keys
/// become unusable and usable.
package struct KeyWatch: Sendable {
    let store: any Store
    let sets: EncryptionSetsService
    let rotation: KeyRotation
    let keeper: DiskKeeper
    let bell: EventBell
    let clock: any WallClock
    /// How long to wait when no bell rings.
    let poll: Duration
    /// How often all disks are looked at, which finds what no event tells: dates that have come, a host that lost its disks.
    let sweep: Duration
    let report: @Sendable (String) -> Void

    /// What the watch remembers from one step to the next. Everything else is in the store.
    struct Memory: Sendable {
        var hasStarted = false
        var nextSweep: Timestamp?
        /// Sets with something left to do.
        var retries: [ResourceID: Retry] = [:]
    }

    struct Retry: Sendable {
        var failures: Int
        var due: Timestamp
    }

    /// Follows keys until the task is cancelled.
    package func run() async {
        let (wakes, waker) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let rings = bell.rings()
        let poll = poll
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in rings { waker.yield() }
            }
            group.addTask {
                while (try? await Task.sleep(for: poll)) != nil { waker.yield() }
            }
            var memory = Memory()
            waker.yield()
            for await _ in wakes {
                await step(&memory)
            }
            group.cancelAll()
        }
    }

    /// Does everything that is to be done now.
    func step(_ memory: inout Memory) async {
        let isStart = !memory.hasStarted
        if isStart, await attempt("start", { try await start(&memory) }) { memory.hasStarted = true }
        await attempt("key changes", { try await follow(&memory) })
        let now = clock.now()
        for (set, retry) in memory.retries where retry.due <= now {
            await attempt("rotation of \(set.text)", { try await rotate(set, isThorough: true, &memory) })
        }
        if memory.nextSweep.map({ $0 <= now }) ?? true {
            if !isStart { await attempt("sweep", { try await keeper.keepAll() }) }
            memory.nextSweep = now.adding(sweep)
        }
        await attempt("next date", {
            if let due = try await keeper.nextDue(after: now) { memory.nextSweep = memory.nextSweep.map { min($0, due) } ?? due }
        })
    }

    /// After a start everything is looked at: what was interrupted, and what happened while nobody watched.
    private func start(_ memory: inout Memory) async throws {
        try await sets.finishDeletions()
        try await keeper.keepAll()
        for set in try await allSets() { try await rotate(set.id, isThorough: true, &memory) }
    }

    private func follow(_ memory: inout Memory) async throws {
        while true {
            let cursor = try await store.read { try $0.value(KeyWatchRecord.self, KeyWatchRecord.id, in: KeyWatchRecord.collection) }?.value
            let events = try await store.read { try $0.events(in: KeyChange.stream, after: cursor?.sequence ?? 0, limit: 500) }
            guard let last = events.last else { return }
            let changes = events.compactMap { event -> KeyChange? in
                if let change = try? JSON.decode(KeyChange.self, from: event.body) { return change }
                report("key change \(event.sequence) cannot be read and is passed over")
                return nil
            }
            let affected = try await allSets().filter { set in changes.contains { $0.affects(set) } }.map(\.id)
            // Losing a key is noticed before anything else is done.
            if changes.contains(where: { $0.kind != .newVersion }) { try await keeper.keep(disksOf: Set(affected)) }
            for set in affected { try await rotate(set, isThorough: false, &memory) }
            let record = KeyWatchRecord(sequence: last.sequence)
            _ = try await store.write { try $0.put(record, KeyWatchRecord.id, in: KeyWatchRecord.collection) }
        }
    }

    private func rotate(_ set: ResourceID, isThorough: Bool, _ memory: inout Memory) async throws {
        if try await rotation.rotate(set, isThorough: isThorough) {
            memory.retries[set] = nil
        } else {
            let failures = (memory.retries[set]?.failures ?? 0) + 1
            let delay = min(60, 1 << min(failures - 1, 6))
            memory.retries[set] = Retry(failures: failures, due: clock.now().adding(.seconds(delay)))
        }
    }

    private func allSets() async throws -> [EncryptionSetRecord] {
        try await store.read { try $0.values(EncryptionSetRecord.self, in: EncryptionSetRecord.collection) }
    }

    /// Runs `body`; what goes wrong is reported and tried again later.
    @discardableResult
    private func attempt(_ what: String, _ body: () async throws -> Void) async -> Bool {
        do {
            try await body()
            return true
        } catch {
            report("\(what): \(error.forLog)")
            return false
        }
    }
}

/// How far the stream of key changes was followed.
struct KeyWatchRecord: Codable, Sendable {
    static let collection = "key-watch"
    static let id = "cursor"

    let sequence: Int64
}

extension KeyChange {
    /// Whether it may concern the keys that a set's disks are wrapped by.
    func affects(_ set: EncryptionSetRecord) -> Bool {
        set.keys.contains { used in
            switch kind {
            // A permission may be given above the vault, on it, or on one key.
            case .access: scope.contains(used.vault) || used.vault.contains(scope)
            case .newVersion, .attributes, .deleted, .recovered:
                scope == used.vault && (key.map { $0.lowercased() == used.url.name.lowercased() } ?? true)
            }
        }
    }
}
