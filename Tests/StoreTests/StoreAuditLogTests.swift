import CofferCore
import CofferModel
import CofferMonitor
import CofferPlatform
import CofferSeal
import CofferTesting
import Glibc
import Synchronization
import Testing

@Suite struct StoreAuditLogTests {
    private static func vault(_ name: String) -> ResourceID {
        ResourceID(subscription: "s", group: "g", namespace: "Microsoft.KeyVault", type: "vaults", name: name)
    }

    private static func event(_ number: Int, by recorder: Int = 0, on vault: String = "kv") -> AuditEvent {
        AuditEvent(
            time: Timestamp(milliseconds: Int64(number)), resource: Self.vault(vault), operation: "KeyUnwrap", status: 200,
            resultDescription: nil, durationMilliseconds: 1, callerAddress: "127.0.0.1", callerObjectID: "\(recorder)",
            callerApplicationID: "a", correlationID: "\(number)", object: nil, clientInfo: nil, requestURI: nil)
    }

    private static func events(_ store: any Store, on vault: String = "kv") async throws -> [AuditEvent] {
        var events: [AuditEvent] = []
        try await AuditTrail(source: StoreAuditSource(store: store)).each(of: Self.vault(vault)) { entry in
            events.append(entry.event)
            #expect(entry.number == Int64(events.count))
            return true
        }
        return events
    }

    /// Verifies the chain as its source says it is.
    private static func verify(_ store: any Store, on vault: String = "kv") async throws -> AuditReport {
        let source = StoreAuditSource(store: store)
        let count = try await source.allChains().first { $0.resource == Self.vault(vault) }?.count
        let key = try await AuditSigningKey.open(store: store, sealer: PlainSealer()).publicKey
        return try await AuditVerification(source: source, keys: [key]).verify(Self.vault(vault), count: count)
    }

    private static func signing(_ log: StoreAuditLog, _ store: any Store) async throws -> HeadSigning {
        let key = try await AuditSigningKey.open(store: store, sealer: PlainSealer())
        return HeadSigning(log: log, store: store, signer: key, clock: ManualClock(), report: { _ in })
    }

    @Test(arguments: StoreKind.available)
    func everyEventIsReadBackInOrder(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let log = StoreAuditLog(store: store)
            for number in 0..<70 { try await log.record(Self.event(number)) }
            #expect(try await Self.events(store) == (0..<70).map { Self.event($0) })
            #expect(try await Self.verify(store).holds)
        }
    }

    @Test(arguments: StoreKind.available)
    func concurrentEventsAreAllKeptAndEachRecordersInItsOrder(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let log = StoreAuditLog(store: store)
            try await withThrowingTaskGroup { group in
                for recorder in 0..<30 {
                    group.addTask {
                        for number in 0..<10 { try await log.record(Self.event(number, by: recorder)) }
                    }
                }
                try await group.waitForAll()
            }
            let events = try await Self.events(store)
            for recorder in 0..<30 {
                let own = events.filter { $0.callerObjectID == "\(recorder)" }.map(\.correlationID)
                #expect(own == (0..<10).map(String.init), "recorder \(recorder)")
            }
            let report = try await Self.verify(store)
            #expect(report.holds && report.count == 300)
        }
    }

    @Test(arguments: StoreKind.available)
    func eachResourceHasAChainOfItsOwn(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let log = StoreAuditLog(store: store)
            try await withThrowingTaskGroup { group in
                for number in 0..<40 { group.addTask { try await log.record(Self.event(number, on: "kv\(number % 4)")) } }
                // Letter case makes no other resource.
                group.addTask { try await log.record(Self.event(99, on: "KV0")) }
                try await group.waitForAll()
            }
            for vault in 0..<4 {
                let report = try await Self.verify(store, on: "kv\(vault)")
                #expect(report.holds && report.count == (vault == 0 ? 11 : 10))
            }
            let chains = try await StoreAuditSource(store: store).allChains()
            #expect(chains.map(\.count) == [11, 10, 10, 10])
        }
    }

    @Test(arguments: StoreKind.durable)
    func aChainGoesOnAfterARestart(_ kind: StoreKind) async throws {
        let place = try kind.makePlace()
        for run in 0..<3 {
            let store = try await place.open()
            let log = StoreAuditLog(store: store)
            for number in 0..<4 { try await log.record(Self.event(run * 4 + number)) }
            await (try Self.signing(log, store)).signMoved()
        }
        let report = try await Self.verify(try await place.open())
        #expect(report.holds && report.count == 12 && report.signedCount == 12)
    }

    /// Two logs on stores of their own over one database, as two processes have them.
    @Test(arguments: StoreKind.durable)
    func twoProcessesLengthenOneChain(_ kind: StoreKind) async throws {
        let place = try kind.makePlace()
        let stores = [try await place.open(), try await place.open()]
        let logs = stores.map { StoreAuditLog(store: $0) }
        try await withThrowingTaskGroup { group in
            for recorder in 0..<8 {
                group.addTask {
                    let index = recorder % 2
                    for number in 0..<15 {
                        try await logs[index].record(Self.event(number, by: recorder))
                        if number % 5 == 0 { await (try Self.signing(logs[index], stores[index])).signMoved() }
                    }
                }
            }
            try await group.waitForAll()
        }
        for (log, store) in zip(logs, stores) { await (try Self.signing(log, store)).signMoved() }
        let report = try await Self.verify(stores[0])
        #expect(report.findings == [])
        #expect(report.count == 120 && report.signedCount == 120)
        let events = try await Self.events(stores[1])
        for recorder in 0..<8 {
            #expect(events.filter { $0.callerObjectID == "\(recorder)" }.map(\.correlationID) == (0..<15).map(String.init))
        }
    }

    @Test(arguments: StoreKind.available)
    func whatAKilledProcessLeftUnsignedIsSignedAtTheNextStart(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let killed = StoreAuditLog(store: store)
            for number in 0..<3 { try await killed.record(Self.event(number)) }
            let log = StoreAuditLog(store: store)
            await (try Self.signing(log, store)).signMoved()
            #expect(try await Self.verify(store).signedCount == 0)
            await (try Self.signing(log, store)).signUnsigned()
            #expect(try await Self.verify(store).signedCount == 3)
        }
    }

    @Test(arguments: StoreKind.available)
    func aHeadIsSignedOnceForEachTimeItMoved(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let log = StoreAuditLog(store: store)
            let signing = try await Self.signing(log, store)
            try await log.record(Self.event(1))
            await signing.signMoved()
            await signing.signMoved()
            await signing.signUnsigned()
            let page = try await StoreAuditSource(store: store).page(.signatures, of: Self.vault("kv"), after: 0)
            #expect(page.value.count == 1)
        }
    }

    @Test(arguments: StoreKind.available)
    func aChainWhoseEndWasTamperedWithTakesNoMoreAndHindersNoOther(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let log = StoreAuditLog(store: store)
            try await log.record(Self.event(1))
            try await log.record(Self.event(1, on: "kv2"))
            _ = try await store.write { transaction in
                for head in try transaction.documents(in: AuditHead.collection, prefix: "", after: nil, limit: 1) {
                    try transaction.remove(head.id, in: AuditHead.collection, if: .any)
                }
            }
            try await withThrowingTaskGroup { group in
                for number in 2..<20 {
                    group.addTask {
                        await #expect(throws: StoreError.self) { try await log.record(Self.event(number)) }
                        try await log.record(Self.event(number, on: "kv2"))
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await Self.events(store).count == 1)
            #expect(try await Self.verify(store, on: "kv2").count == 19)
        }
    }

    @Test func eventsThatWaitShareACommitAndItsFailure() async throws {
        let store = CountingStore()
        let log = StoreAuditLog(store: store)
        async let first: Void = log.record(Self.event(0))
        await store.untilBlocked()
        let recorders = (1...50).map { number in Task { try await log.record(Self.event(number)) } }
        while log.waitingCount < 50 { await Task.yield() }
        store.release()
        try await first
        for recorder in recorders { try await recorder.value }
        // The first alone, then all that had waited for it.
        #expect(store.batches == [1, 50])
        store.fail()
        await #expect(throws: StoreError.unavailable("full")) { try await log.record(Self.event(99)) }
        await #expect(throws: StoreError.unavailable("full")) { try await log.record(Self.event(100)) }
    }
}

/// A store that counts the records that are appended in each transaction, and whose first write waits to be released.
private final class CountingStore: Store {
    private struct State {
        var batches: [Int] = []
        var isFailing = false
        var isBlocked = false
        var isReleased = false
    }

    private let state = Mutex(State())

    var batches: [Int] { state.withLock { $0.batches } }

    func fail() { state.withLock { $0.isFailing = true } }

    func untilBlocked() async {
        while !state.withLock({ $0.isBlocked }) { await Task.yield() }
    }

    func release() { state.withLock { $0.isReleased = true } }

    func read<R: Sendable>(_ body: @escaping @Sendable (any ReadTransaction) throws -> R) async throws -> R {
        throw StoreError.unavailable("not read here")
    }

    func write<R: Sendable>(_ body: @escaping @Sendable (any WriteTransaction) throws -> R) async throws -> R {
        throw StoreError.unavailable("not written here")
    }

    func writeHere<R: Sendable>(_ body: @escaping @Sendable (any WriteTransaction) throws -> R) throws -> R {
        state.withLock { $0.isBlocked = true }
        while !state.withLock({ $0.isReleased }) { usleep(1000) }
        if state.withLock({ $0.isFailing }) { throw StoreError.unavailable("full") }
        let transaction = CountingTransaction(sequence: Int64(batches.count))
        let result = try body(transaction)
        state.withLock { $0.batches.append(transaction.count) }
        return result
    }
}

private final class CountingTransaction: WriteTransaction {
    private(set) var count = 0
    private var sequence: Int64

    init(sequence: Int64) { self.sequence = sequence }

    func document(_ id: String, in collection: String) throws -> Document? { nil }
    func documents(in collection: String, prefix: String, after: String?, limit: Int) throws -> [Document] { [] }
    func events(in stream: String, after: Int64, limit: Int) throws -> [Event] { [] }
    func put(_ id: String, in collection: String, body: [UInt8], if condition: WriteCondition) throws -> String { "" }
    func remove(_ id: String, in collection: String, if condition: WriteCondition) throws -> Bool { false }
    func append(_ body: [UInt8], to stream: String) throws -> Int64 {
        count += AuditBlock(body)?.lines.count ?? 0
        sequence += 1
        return sequence
    }
}
