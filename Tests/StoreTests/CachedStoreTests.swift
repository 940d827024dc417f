import CofferCache
import CofferPlatform
import CofferPostgres
import CofferTesting
import Synchronization
import Testing

/// What the cache adds to a store. That it takes nothing away is told by the other suites, which run on it too.
@Suite struct CachedStoreTests {
    @Test func whatWasReadBeforeIsAnsweredWithoutTheStore() async throws {
        let store = CountingStore(InMemoryStore())
        let cached = CachedStore(store, feed: nil)
        try await cached.write { _ = try $0.put("a", in: "things", body: [1], if: .any) }
        for _ in 0..<3 {
            #expect(try await cached.read { try $0.document("a", in: "things")?.body } == [1])
            #expect(try await cached.read { try $0.document("b", in: "things") } == nil)
            #expect(try await cached.read { try $0.documents(in: "things", prefix: "", after: nil, limit: 9).map(\.id) } == ["a"])
        }
        #expect(store.reads == 3)
    }

    @Test func aWriteIsSeenByTheNextRead() async throws {
        let cached = CachedStore(InMemoryStore(), feed: nil)
        for number in 0..<50 {
            let body = [UInt8(number)]
            try await cached.write { _ = try $0.put("a", in: "things", body: body, if: .any) }
            #expect(try await cached.read { try $0.document("a", in: "things")?.body } == body)
            #expect(try await cached.read { try $0.documents(in: "things", prefix: "", after: nil, limit: 9).map(\.body) } == [body])
        }
        try await cached.write { _ = try $0.remove("a", in: "things", if: .any) }
        #expect(try await cached.read { try $0.document("a", in: "things") } == nil)
    }

    @Test func whatAWriteGaveUpIsNotSeen() async throws {
        struct Refusal: Error {}
        let cached = CachedStore(InMemoryStore(), feed: nil)
        try await cached.write { _ = try $0.put("a", in: "things", body: [1], if: .any) }
        await #expect(throws: Refusal.self) {
            try await cached.write { transaction in
                _ = try transaction.put("a", in: "things", body: [2], if: .any)
                throw Refusal()
            }
        }
        #expect(try await cached.read { try $0.document("a", in: "things")?.body } == [1])
    }

    /// A body that swallows what it is told cannot take a document that is not in memory for one that is not there.
    @Test func aBodyThatPassesOverAnErrorIsStillAnsweredByTheStore() async throws {
        let store = InMemoryStore()
        try await store.write { _ = try $0.put("a", in: "things", body: [1], if: .any) }
        let cached = CachedStore(store, feed: nil)
        #expect(try await cached.read { (try? $0.document("a", in: "things"))??.body } == [1])
    }

    @Test func aDocumentIsDecodedAnewWhenItIsAskedForAsAnotherType() async throws {
        let cached = CachedStore(InMemoryStore(), feed: nil)
        try await cached.write { _ = try $0.put(["n": 5], "a", in: "things") }
        for _ in 0..<3 {
            #expect(try await cached.read { try $0.value([String: Int].self, "a", in: "things")?.value } == ["n": 5])
            #expect(try await cached.read { try $0.value([String: Double].self, "a", in: "things")?.value } == ["n": 5])
            await #expect(throws: StoreError.corrupt("things/a")) { try await cached.read { try $0.value(Int.self, "a", in: "things")?.value } }
        }
    }

    @Test func theMemoryForDocumentsIsBounded() async throws {
        let store = CountingStore(InMemoryStore())
        let cached = CachedStore(store, feed: nil, byteCount: 100_000)
        try await cached.write { transaction in
            for number in 0..<300 { _ = try transaction.put("\(number)", in: "things", body: Array(repeating: 1, count: 1000), if: .any) }
        }
        for _ in 0..<2 {
            for number in 0..<300 { _ = try await cached.read { try $0.document("\(number)", in: "things") } }
        }
        // A hundredth of what was read fits, and the same order twice is the worst for it.
        #expect(store.reads == 600)
        let before = store.reads
        for _ in 0..<100 { _ = try await cached.read { try $0.document("7", in: "things") } }
        #expect(store.reads <= before + 1)
    }

    @Test func aQuestionIsAnsweredOnceUntilSomethingChangesThatItRestsOn() async throws {
        let cached = CachedStore(InMemoryStore(), feed: nil)
        let calls = Mutex(0)
        func sum() async throws -> Int {
            try await cached.read(answering: StoreQuestion("sum", "things")) { transaction in
                calls.withLock { $0 += 1 }
                return try transaction.values(Int.self, in: "things").reduce(0, +)
            }
        }
        try await cached.write { _ = try $0.put(1, "a", in: "things") }
        for _ in 0..<2 { #expect(try await sum() == 1) }
        calls.withLock { $0 = 0 }
        for _ in 0..<5 { #expect(try await sum() == 1) }
        try await cached.write { _ = try $0.put(7, "x", in: "others") }
        #expect(try await sum() == 1)
        #expect(calls.withLock { $0 } == 0)
        try await cached.write { _ = try $0.put(2, "b", in: "things") }
        for _ in 0..<3 { #expect(try await sum() == 3) }
        try await cached.write { _ = try $0.remove("a", in: "things", if: .any) }
        for _ in 0..<3 { #expect(try await sum() == 2) }
    }

    /// What is not there is an answer too, and other than no answer.
    @Test func aQuestionMayBeAnsweredByNothing() async throws {
        let cached = CachedStore(InMemoryStore(), feed: nil)
        func body() async throws -> [UInt8]? {
            try await cached.read(answering: StoreQuestion("body", "a")) { try $0.document("a", in: "things")?.body }
        }
        for _ in 0..<3 { #expect(try await body() == nil) }
        try await cached.write { _ = try $0.put("a", in: "things", body: [1], if: .any) }
        for _ in 0..<3 { #expect(try await body() == [1]) }
        try await cached.write { _ = try $0.remove("a", in: "things", if: .any) }
        for _ in 0..<3 { #expect(try await body() == nil) }
    }

    @Test func questionsAboutDifferentThingsHaveDifferentAnswers() async throws {
        let cached = CachedStore(InMemoryStore(), feed: nil)
        try await cached.write { transaction in
            for number in 1...3 { try transaction.put(number, "\(number)", in: "things") }
        }
        for _ in 0..<3 {
            for number in 1...3 {
                let found = try await cached.read(answering: StoreQuestion("one", "\(number)")) {
                    try $0.value(Int.self, "\(number)", in: "things")?.value
                }
                #expect(found == number)
            }
        }
        await #expect(throws: StoreError.corrupt("things/1")) {
            try await cached.read(answering: StoreQuestion("text", "1")) { try $0.value(String.self, "1", in: "things")?.value }
        }
    }

    /// Pairs are written together and read together: a read that finds two halves of different writes has mixed two states.
    @Test(arguments: StoreKind.available)
    func aReadNeverMixesTwoStates(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            try await store.write { transaction in
                for name in ["left", "right"] { try transaction.put(0, name, in: "pairs") }
            }
            try await withThrowingTaskGroup { group in
                for writer in 0..<2 {
                    group.addTask {
                        for number in 1...60 {
                            try await store.write { transaction in
                                for name in ["left", "right"] { try transaction.put(number * 2 + writer, name, in: "pairs") }
                            }
                        }
                    }
                }
                for _ in 0..<4 {
                    group.addTask {
                        for _ in 0..<300 {
                            let pair = try await store.read { transaction in
                                try ["left", "right"].map { try transaction.value(Int.self, $0, in: "pairs")?.value }
                            }
                            #expect(pair[0] == pair[1])
                            let all = try await store.read { try $0.values(Int.self, in: "pairs") }
                            #expect(Set(all).count == 1)
                            let known = try await store.read(answering: StoreQuestion("all", "pairs")) { try $0.values(Int.self, in: "pairs") }
                            #expect(Set(known).count == 1)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    /// A counter only rises, so nobody may ever see it fall, and whoever was told of a value must find it.
    @Test(arguments: StoreKind.available)
    func whatWasAcknowledgedIsSeenByEveryReadThatBeginsLater(_ kind: StoreKind) async throws {
        try await withStore(kind) { store in
            let acknowledged = Acknowledged()
            try await store.write { _ = try $0.put(0, "n", in: "counters") }
            try await withThrowingTaskGroup { group in
                group.addTask {
                    for number in 1...150 {
                        try await store.write { _ = try $0.put(number, "n", in: "counters") }
                        acknowledged.number.withLock { $0 = number }
                    }
                }
                for reader in 0..<4 {
                    group.addTask {
                        var last = 0
                        while last < 150 {
                            let least = max(last, acknowledged.number.withLock { $0 })
                            // Half of the readers ask a question that may be answered from memory.
                            last =
                                if reader.isMultiple(of: 2) {
                                    try await store.read { try $0.value(Int.self, "n", in: "counters")?.value } ?? -1
                                } else {
                                    try await store.read(answering: StoreQuestion("n")) { try $0.value(Int.self, "n", in: "counters")?.value } ?? -1
                                }
                            #expect(last >= least)
                            if last < least { return }
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }
}

private final class Acknowledged: Sendable {
    let number = Mutex(0)
}

/// Counts the reads that reach a store.
private final class CountingStore: Store {
    private let store: any Store
    private let count = Mutex(0)

    init(_ store: any Store) { self.store = store }

    var reads: Int { count.withLock { $0 } }

    func read<R: Sendable>(_ body: @escaping @Sendable (any ReadTransaction) throws -> R) async throws -> R {
        count.withLock { $0 += 1 }
        return try await store.read(body)
    }

    @discardableResult
    func write<R: Sendable>(_ body: @escaping @Sendable (any WriteTransaction) throws -> R) async throws -> R {
        try await store.write(body)
    }

    @discardableResult
    func writeHere<R: Sendable>(_ body: @escaping @Sendable (any WriteTransaction) throws -> R) throws -> R {
        try store.writeHere(body)
    }

    func appendHere(_ events: [PlacedEvent]) throws { try store.appendHere(events) }

    func eventsHere(in stream: String, after: Int64, limit: Int) throws -> [Event] {
        try store.eventsHere(in: stream, after: after, limit: limit)
    }
}
