import CofferCore
import CofferModel
import CofferMonitor
import CofferPlatform
import Synchronization
import Testing

@Suite struct StoreAuditLogTests {
    private static func event(_ number: Int) -> AuditEvent {
        AuditEvent(
            time: Timestamp(milliseconds: Int64(number)),
            resource: ResourceID(subscription: "s", group: "g", namespace: "Microsoft.KeyVault", type: "vaults", name: "kv"),
            operation: "KeyUnwrap", status: 200, resultDescription: nil, durationMilliseconds: 1, callerAddress: "127.0.0.1",
            callerObjectID: "o", callerApplicationID: "a", correlationID: "\(number)", object: nil, clientInfo: nil, requestURI: nil)
    }

    @Test(arguments: StoreKind.available)
    func everyEventIsReadBackInOrder(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let log = StoreAuditLog(store: store)
            for number in 0..<5 { try await log.record(Self.event(number)) }
            let first = try await log.events(after: 0, limit: 3)
            #expect(first.map(\.event) == (0..<3).map(Self.event))
            let rest = try await log.events(after: first.last?.sequence ?? 0, limit: 9)
            #expect(rest.map(\.event) == (3..<5).map(Self.event))
        }
    }

    @Test(arguments: StoreKind.available)
    func concurrentEventsAreAllKept(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let log = StoreAuditLog(store: store)
            try await withThrowingTaskGroup { group in
                for number in 0..<300 { group.addTask { try await log.record(Self.event(number)) } }
                try await group.waitForAll()
            }
            let entries = try await log.events(after: 0, limit: 1000)
            #expect(entries.count == 300)
            #expect(Set(entries.map(\.event.correlationID)).count == 300)
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

/// A store that counts what is appended in each transaction, and whose first write waits to be released.
private final class CountingStore: Store {
    private struct State {
        var batches: [Int] = []
        var isFailing = false
        var blocked: CheckedContinuation<Void, Never>?
        var isReleased = false
        var watcher: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    var batches: [Int] { state.withLock { $0.batches } }

    func fail() { state.withLock { $0.isFailing = true } }

    func untilBlocked() async {
        await withCheckedContinuation { continuation in
            let isBlocked = state.withLock { state in
                if state.blocked == nil { state.watcher = continuation }
                return state.blocked != nil
            }
            if isBlocked { continuation.resume() }
        }
    }

    func release() {
        state.withLock { state in
            state.isReleased = true
            return state.blocked
        }?.resume()
    }

    func read<R: Sendable>(_ body: @escaping @Sendable (any ReadTransaction) throws -> R) async throws -> R {
        throw StoreError.unavailable("not read here")
    }

    func write<R: Sendable>(_ body: @escaping @Sendable (any WriteTransaction) throws -> R) async throws -> R {
        if !state.withLock({ $0.isReleased }) {
            await withCheckedContinuation { continuation in
                state.withLock { state in
                    state.blocked = continuation
                    return state.watcher
                }?.resume()
            }
        }
        if state.withLock({ $0.isFailing }) { throw StoreError.unavailable("full") }
        let transaction = CountingTransaction()
        let result = try body(transaction)
        state.withLock { $0.batches.append(transaction.count) }
        return result
    }
}

private final class CountingTransaction: WriteTransaction {
    private(set) var count = 0

    func document(_ id: String, in collection: String) throws -> Document? { nil }
    func documents(in collection: String, prefix: String, after: String?, limit: Int) throws -> [Document] { [] }
    func events(in stream: String, after: Int64, limit: Int) throws -> [Event] { [] }
    func put(_ id: String, in collection: String, body: [UInt8], if condition: WriteCondition) throws -> String { "" }
    func remove(_ id: String, in collection: String, if condition: WriteCondition) throws -> Bool { false }
    func append(_ body: [UInt8], to stream: String) throws -> Int64 {
        count += 1
        return Int64(count)
    }
}
