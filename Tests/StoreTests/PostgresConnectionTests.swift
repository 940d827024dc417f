import CofferPlatform
import CofferPostgres
import Synchronization
import Testing

@Suite(.enabled(if: PostgresServer.isInstalled)) struct PostgresConnectionTests {
    private let server: PostgresServer
    private let url: String

    init() throws {
        guard let server = PostgresServer.shared else { throw PostgresServerError(text: "no server") }
        self.server = server
        url = try server.makeDatabase()
    }

    private static let hangUp = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"

    @Test func aStoreConnectsAgainAfterItsConnectionsWereLost() async throws {
        let store = try await PostgresStore(url: url, connections: 3)
        for number in 0..<3 {
            try await store.write { _ = try $0.put("d\(number)", in: "things", body: [1], if: .absent) }
            try server.run(Self.hangUp, in: url)
            #expect(try await store.read { try $0.documents(in: "things", prefix: "", after: nil, limit: 9).count } == number + 1)
            try server.run(Self.hangUp, in: url)
        }
    }

    @Test func aTransactionWhoseConnectionIsLostBeforeTheCommitIsRunAgain() async throws {
        let store = try await PostgresStore(url: url, connections: 3)
        let runs = Mutex(0)
        try await store.write { [server, url] transaction in
            let run = runs.withLock { count in
                count += 1
                return count
            }
            try transaction.put("a", in: "things", body: [UInt8(run)], if: .absent)
            if run == 1 { try server.run(Self.hangUp, in: url) }
            try transaction.append([UInt8(run)], to: "log")
        }
        #expect(runs.withLock { $0 } == 2)
        #expect(try await store.read { try $0.document("a", in: "things")?.body } == [2])
        #expect(try await store.events(in: "log", after: 0, limit: 9).map(\.body) == [[2]])
        let reads = Mutex(0)
        let body = try await store.read { [server, url] transaction in
            let run = reads.withLock { count in
                count += 1
                return count
            }
            if run == 1 { try server.run(Self.hangUp, in: url) }
            return try transaction.document("a", in: "things")?.body
        }
        #expect(body == [2])
        #expect(reads.withLock { $0 } == 2)
    }

    /// COMMIT of a failed transaction is no error to PostgreSQL; taking it for one would acknowledge what is not kept.
    @Test func aBodyThatPassesOverAFailureOfTheServerIsNotTakenForWhole() async throws {
        let store = try await PostgresStore(url: url, connections: 3)
        try await store.write { _ = try $0.put("a", in: "things", body: [0], if: .any) }
        let runs = Mutex(0)
        try await store.write { [server, url] transaction in
            let run = runs.withLock { count in
                count += 1
                return count
            }
            _ = try transaction.document("a", in: "things")
            if run == 1 { try server.run("UPDATE coffer.documents SET etag = 'x' WHERE id = 'a'", in: url) }
            // The first time the server refuses with 40001, for the document has changed since it was read.
            _ = try? transaction.put("a", in: "things", body: [UInt8(run)], if: .any)
        }
        #expect(runs.withLock { $0 } == 2)
        #expect(try await store.read { try $0.document("a", in: "things")?.body } == [2])
    }

    @Test func aCommitWhoseAnswerIsLostIsNeitherLostNorMadeTwice() async throws {
        let thief = try CommitThief(before: url)
        defer { thief.stop() }
        let store = try await PostgresStore(url: thief.url, connections: 2)
        for (theft, expectedRuns) in [(CommitThief.Theft.answer, 1), (.request, 2)] {
            let runs = Mutex(0)
            let before = try await store.events(in: "log", after: 0, limit: 99).count
            thief.steal(theft)
            let run = try await store.write { transaction in
                try transaction.append([1], to: "log")
                return runs.withLock { count in
                    count += 1
                    return count
                }
            }
            #expect(run == expectedRuns)
            #expect(runs.withLock { $0 } == expectedRuns)
            #expect(try await store.events(in: "log", after: 0, limit: 99).count == before + 1)
        }
    }

    @Test func placedEventsWhoseAnswerIsLostAreThereOnce() async throws {
        let thief = try CommitThief(before: url)
        defer { thief.stop() }
        let store = try await PostgresStore(url: thief.url, connections: 2)
        for (number, theft) in [CommitThief.Theft.answer, .request, .answer].enumerated() {
            let placed = ["placed/a", "placed/b"].map { PlacedEvent(stream: $0, sequence: Int64(number + 1), body: [UInt8(number)]) }
            thief.steal(theft, of: "placed/")
            try store.appendHere(placed)
        }
        for stream in ["placed/a", "placed/b"] {
            #expect(try await store.events(in: stream, after: 0, limit: 9).map(\.body) == [[0], [1], [2]])
        }
        // Another's event in the place is not taken for ours.
        thief.steal(.answer, of: "placed/")
        #expect(throws: StoreError.preconditionFailed) {
            try store.appendHere([PlacedEvent(stream: "placed/a", sequence: 3, body: [9])])
        }
    }

    @Test func twoStoresOnOneDatabaseKeepEachOthersWrites() async throws {
        let stores = [try await PostgresStore(url: url, connections: 3), try await PostgresStore(url: url, connections: 3)]
        try await withThrowingTaskGroup { group in
            for worker in 0..<8 {
                group.addTask {
                    for _ in 0..<10 {
                        try await stores[worker % 2].write { transaction in
                            let old = try transaction.value(Int.self, "n", in: "counters")?.value ?? 0
                            try transaction.put(old + 1, "n", in: "counters")
                            try transaction.append([UInt8(worker)], to: "log")
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await stores[0].read { try $0.value(Int.self, "n", in: "counters")?.value } == 80)
        #expect(try await stores[1].events(in: "log", after: 0, limit: 100).map(\.sequence) == Array(1...80))
    }

    @Test func aHostileValueIsAValue() async throws {
        let store = try await PostgresStore(url: url, connections: 1)
        let nasty = "'; DROP TABLE coffer.documents; --"
        try await store.write { _ = try $0.put(nasty, in: nasty, body: Array(nasty.utf8), if: .absent) }
        #expect(try await store.read { try $0.documents(in: nasty, prefix: nasty, after: nil, limit: 9).map(\.id) } == [nasty])
    }
}
