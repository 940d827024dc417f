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
            let chains = try await StoreAuditSource(store: store, log: log).allChains()
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

    /// How a chain can be damaged so that nothing more may be added to it.
    enum Damage: CaseIterable {
        case documentRemoved, documentIsNone, blockOfDocumentRemoved, lastBlockIsNone
    }

    @Test(arguments: StoreKind.available, Damage.allCases)
    func aDamagedChainTakesNoMoreAndHindersNoOther(_ kind: StoreKind, _ damage: Damage) async throws {
        try await withStore(kind) { store in
            let before = StoreAuditLog(store: store)
            try await before.record(Self.event(1))
            try await before.record(Self.event(1, on: "kv2"))
            await (try Self.signing(before, store)).signMoved()
            let chain = AuditChain(Self.vault("kv"))
            if damage == .lastBlockIsNone {
                try store.appendHere([PlacedEvent(stream: chain.stream, sequence: 2, body: Array("nonsense".utf8))])
            }
            try await store.write { transaction in
                switch damage {
                case .documentRemoved: try transaction.remove(chain.key, in: AuditHead.collection, if: .any)
                case .documentIsNone: try transaction.put(chain.key, in: AuditHead.collection, body: [1], if: .any)
                case .blockOfDocumentRemoved:
                    // As if the stream had lost its last block: the document names one that is not there.
                    let document = try #require(try transaction.document(chain.key, in: AuditHead.collection))
                    let text = String(decoding: document.body, as: UTF8.self).replacing("\"sequence\":1", with: "\"sequence\":2")
                    try transaction.put(chain.key, in: AuditHead.collection, body: Array(text.utf8), if: .any)
                case .lastBlockIsNone: break
                }
            }
            let log = StoreAuditLog(store: store)
            try await withThrowingTaskGroup { group in
                for number in 2..<20 {
                    group.addTask {
                        await #expect(throws: StoreError.self) { try await log.record(Self.event(number)) }
                        try await log.record(Self.event(number, on: "kv2"))
                    }
                }
                try await group.waitForAll()
            }
            let events = try await store.events(in: chain.stream, after: 0, limit: 9)
            #expect(events.count == (damage == .lastBlockIsNone ? 2 : 1))
            let other = AuditVerification(source: StoreAuditSource(store: store), keys: [])
            #expect(try await other.verify(Self.vault("kv2"), count: nil).count == 19)
            // At the next start the other chain is signed all the same.
            if damage != .documentIsNone {
                await (try Self.signing(log, store)).signUnsigned()
                #expect(try await Self.verify(store, on: "kv2").signedCount == 19)
            }
        }
    }

    /// Somebody who could write the database has changed a record: that is for the verifier to find, and the vault goes on.
    @Test(arguments: StoreKind.available)
    func aChainWithAnAlteredRecordGoesOn(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let before = StoreAuditLog(store: store)
            for number in 1...3 { try await before.record(Self.event(number)) }
            let chain = AuditChain(Self.vault("kv"))
            var forged = try #require(try await store.events(in: chain.stream, after: 2, limit: 1).first).body
            let place = try #require(forged.lastIndex(of: UInt8(ascii: "3")))
            forged[place] = UInt8(ascii: "7")
            let other = try await Self.copy(store, of: chain) { $0.sequence == 3 ? forged : $0.body }
            let log = StoreAuditLog(store: other)
            try await log.record(Self.event(4))
            #expect(try await Self.verify(other).findings == [.altered(record: 3)])
        }
    }

    /// A store in memory with the chain's document and its blocks, changed.
    private static func copy(_ store: any Store, of chain: AuditChain, _ change: (Event) -> [UInt8]) async throws -> InMemoryStore {
        let copy = InMemoryStore()
        let document = try #require(try await store.read { try $0.document(chain.key, in: AuditHead.collection) })
        try await copy.write { _ = try $0.put(chain.key, in: AuditHead.collection, body: document.body, if: .absent) }
        for event in try await store.events(in: chain.stream, after: 0, limit: 99) {
            try copy.appendHere([PlacedEvent(stream: chain.stream, sequence: event.sequence, body: change(event))])
        }
        return copy
    }

    /// Records behind the last signature are known to the process that wrote them.
    @Test func whatIsCutOffBehindTheLastSignatureIsMissedByTheServerThatWroteIt() async throws {
        let store = InMemoryStore()
        let log = StoreAuditLog(store: store)
        for number in 1...3 { try await log.record(Self.event(number)) }
        await (try Self.signing(log, store)).signMoved()
        for number in 4...6 { try await log.record(Self.event(number)) }
        let chain = AuditChain(Self.vault("kv"))
        let cut = InMemoryStore()
        let document = try #require(try await store.read { try $0.document(chain.key, in: AuditHead.collection) })
        try await cut.write { _ = try $0.put(chain.key, in: AuditHead.collection, body: document.body, if: .absent) }
        for event in try await store.events(in: chain.stream, after: 0, limit: 5) {
            try cut.appendHere([PlacedEvent(stream: chain.stream, sequence: event.sequence, body: event.body)])
        }
        for (source, findings) in [
            (StoreAuditSource(store: cut), []), (StoreAuditSource(store: cut, log: log), [AuditFinding.truncated(last: 5, expected: 6)]),
        ] {
            let reports = try await AuditVerification(source: source, keys: []).verifyAll()
            #expect(reports.map(\.findings) == [findings])
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

/// A store that counts the records of each commit, and whose first one waits to be released.
private final class CountingStore: Store {
    private struct State {
        var batches: [Int] = []
        var isFailing = false
        var isBlocked = false
        var isReleased = false
    }

    private let state = Mutex(State())
    private let beginning = InMemoryStore()

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

    /// Every chain begins here.
    func writeHere<R: Sendable>(_ body: @escaping @Sendable (any WriteTransaction) throws -> R) throws -> R {
        try beginning.writeHere(body)
    }

    func eventsHere(in stream: String, after: Int64, limit: Int) throws -> [Event] { [] }

    func appendHere(_ events: [PlacedEvent]) throws {
        state.withLock { $0.isBlocked = true }
        while !state.withLock({ $0.isReleased }) { usleep(1000) }
        if state.withLock({ $0.isFailing }) { throw StoreError.unavailable("full") }
        state.withLock { $0.batches.append(events.reduce(0) { $0 + (AuditBlock($1.body)?.lines.count ?? 0) }) }
    }
}
