import CofferCache
import CofferPlatform
import CofferPostgres
import CofferTesting
import Dispatch
import Testing

/// Several processes over one PostgreSQL, each with a cache of its own.
@Suite(.enabled(if: PostgresServer.isInstalled)) struct ReplicaTests {
    private let address: String

    init() throws {
        address = try StoreKind.cachedPostgres.makePlace().address
    }

    @Test func eachReplicaSeesAtOnceWhatAnotherWrote() async throws {
        let replicas = [try await StoreKind.cachedPostgres.open(address), try await StoreKind.cachedPostgres.open(address)]
        for number in 0..<60 {
            let writer = replicas[number % 2]
            try await writer.write { _ = try $0.put(number, "n", in: "counters") }
            for reader in replicas {
                #expect(try await reader.read { try $0.value(Int.self, "n", in: "counters")?.value } == number)
                #expect(try await reader.read { try $0.values(Int.self, in: "counters") } == [number])
                let known = try await reader.read(answering: StoreQuestion("n")) { try $0.value(Int.self, "n", in: "counters")?.value }
                #expect(known == number)
            }
        }
        try await replicas[0].write { _ = try $0.remove("n", in: "counters", if: .any) }
        #expect(try await replicas[1].read { try $0.document("n", in: "counters") } == nil)
    }

    @Test func readsOfOneRequestShareALookAndTheNextRequestTakesAnother() async throws {
        let here = try await StoreKind.cachedPostgres.open(address)
        let there = try await StoreKind.cachedPostgres.open(address)
        for number in 0..<20 {
            try await there.write { _ = try $0.put(number, "n", in: "counters") }
            try await CachedStore.sharingOnePass {
                #expect(try await here.read { try $0.value(Int.self, "n", in: "counters")?.value } == number)
                try await here.write { _ = try $0.put(-number, "n", in: "counters") }
                // Its own writes a request always sees.
                #expect(try await here.read { try $0.value(Int.self, "n", in: "counters")?.value } == -number)
            }
        }
    }

    @Test func aWriterThatKnowsNothingOfCachesIsFollowedToo() async throws {
        let cached = try await StoreKind.cachedPostgres.open(address)
        try await cached.write { _ = try $0.put("a", in: "things", body: [1], if: .any) }
        #expect(try await cached.read { try $0.document("a", in: "things")?.body } == [1])
        let server = try #require(PostgresServer.shared)
        try server.run("UPDATE coffer.documents SET body = '\\x02' WHERE id = 'a'", in: address)
        #expect(try await cached.read { try $0.document("a", in: "things")?.body } == [2])
        try server.run("DELETE FROM coffer.documents WHERE id = 'a'", in: address)
        #expect(try await cached.read { try $0.document("a", in: "things") } == nil)
    }

    /// Its transaction began before looks that did not see it, and ends after them.
    @Test func aWriterThatCommitsLateIsNotMissed() async throws {
        let cached = try await StoreKind.cachedPostgres.open(address)
        let other = try await StoreKind.postgres.open(address)
        try await cached.write { _ = try $0.put(0, "n", in: "counters") }
        #expect(try await cached.read { try $0.value(Int.self, "n", in: "counters")?.value } == 0)
        let (started, start) = AsyncStream.makeStream(of: Void.self)
        let may = DispatchSemaphore(value: 0)
        async let late: String = other.write { transaction in
            let etag = try transaction.put(1, "n", in: "counters")
            start.finish()
            may.wait()
            return etag
        }
        for await _ in started {}
        for number in 0..<5 {
            try await cached.write { _ = try $0.put(number, "other", in: "counters") }
            #expect(try await cached.read { try $0.value(Int.self, "n", in: "counters")?.value } == 0)
        }
        may.signal()
        _ = try await late
        #expect(try await cached.read { try $0.value(Int.self, "n", in: "counters")?.value } == 1)
    }

    @Test func aReplicaWhoseConnectionIsCutBeginsAnew() async throws {
        let cached = try await StoreKind.cachedPostgres.open(address)
        let other = try await StoreKind.postgres.open(address)
        let server = try #require(PostgresServer.shared)
        for number in 0..<4 {
            try await other.write { _ = try $0.put(number, "n", in: "counters") }
            #expect(try await cached.read { try $0.value(Int.self, "n", in: "counters")?.value } == number)
            try await other.write { _ = try $0.put(100 + number, "n", in: "counters") }
            try server.run(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'coffer' AND datname = current_database()",
                in: address)
            #expect(try await cached.read { try $0.value(Int.self, "n", in: "counters")?.value } == 100 + number)
        }
    }

    /// Random writes on three replicas; after each, a replica that is chosen at random must agree with the database itself.
    @Test(arguments: [1, 2] as [UInt64])
    func replicasAgreeWithTheDatabaseOnRandomSteps(seed: UInt64) async throws {
        let plain = try await StoreKind.postgres.open(address)
        var replicas: [any Store] = []
        for _ in 0..<3 { replicas.append(try await StoreKind.cachedPostgres.open(address)) }
        var random = SeededRandom(seed: seed)
        for step in 0..<150 {
            let id = "d\(Int.random(in: 0..<6, using: &random))"
            let writer = replicas[Int.random(in: 0..<3, using: &random)]
            let removes = Int.random(in: 0..<4, using: &random) == 0
            try await writer.write { transaction in
                if removes { _ = try transaction.remove(id, in: "things", if: .any) } else { try transaction.put(step, id, in: "things") }
            }
            let reader = replicas[Int.random(in: 0..<3, using: &random)]
            let expected = try await plain.read { try $0.documents(in: "things", prefix: "", after: nil, limit: 99) }
            #expect(try await reader.read { try $0.documents(in: "things", prefix: "", after: nil, limit: 99) } == expected)
            let single = "d\(Int.random(in: 0..<6, using: &random))"
            #expect(try await reader.read { try $0.document(single, in: "things") } == expected.first { $0.id == single })
        }
    }
}
