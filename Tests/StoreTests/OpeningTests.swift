import CofferPlatform
import CofferPostgres
import CofferSQLite
import Foundation
import Glibc
import Testing

@Suite struct OpeningTests {
    @Test(.enabled(if: PostgresServer.isInstalled, "PostgreSQL is not installed: its share of every store test was left out"))
    func postgresTakesPartInTheStoreTests() {
        #expect(PostgresServer.shared != nil)
    }

    @Test(arguments: StoreKind.durable)
    func whatWasWrittenIsThereWhenTheStoreIsOpenedAgain(_ kind: StoreKind) async throws {
        let place = try kind.makePlace()
        for number in 0..<3 {
            let store = try await place.open()
            let found = try await store.read { try $0.documents(in: "things", prefix: "", after: nil, limit: 9).count }
            #expect(found == number)
            #expect(try await store.events(in: "log", after: 0, limit: 9).count == number)
            try await store.write { transaction in
                try transaction.put("d\(number)", in: "things", body: [1], if: .absent)
                try transaction.append([1], to: "log")
            }
        }
    }

    @Test(arguments: StoreKind.durable)
    func processesThatStartTogetherMakeTheTablesOnce(_ kind: StoreKind) async throws {
        let place = try kind.makePlace()
        try await withThrowingTaskGroup { group in
            for number in 0..<4 {
                group.addTask {
                    let store = try await place.open()
                    try await store.write { _ = try $0.put("d\(number)", in: "things", body: [], if: .absent) }
                }
            }
            try await group.waitForAll()
        }
        let store = try await place.open()
        #expect(try await store.read { try $0.documents(in: "things", prefix: "", after: nil, limit: 9).count } == 4)
    }

    @Test func aSQLiteStoreSyncsEveryCommitAndIsItsOwnersAlone() async throws {
        let place = try StoreKind.sqlite.makePlace()
        let store = try SQLiteStore(path: place.address)
        try await store.write { _ = try $0.put("a", in: "things", body: [1], if: .any) }
        let durability = try await store.durability()
        #expect(durability.journal == "wal")
        #expect(durability.synchronous == 2)
        for suffix in ["", "-wal", "-shm"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: place.address + suffix)
            #expect(attributes[.posixPermissions] as? Int == 0o600, "\(suffix)")
        }
    }

    @Test func aSQLiteFileOfANewerCofferOrOfAnotherProgramIsRefused() async throws {
        // Offsets of the file header: https://www.sqlite.org/fileformat2.html section 1.3.
        let userVersion = 60
        let applicationID = 68
        for (offset, word) in [(userVersion, "newer"), (applicationID, "another program")] {
            let place = try StoreKind.sqlite.makePlace()
            do { _ = try SQLiteStore(path: place.address) }
            var bytes = try Data(contentsOf: URL(filePath: place.address))
            bytes[offset..<offset + 4] = Data([0, 0, 0, 77])
            try bytes.write(to: URL(filePath: place.address))
            let error = #expect(throws: StoreError.self) { _ = try SQLiteStore(path: place.address) }
            guard case .unavailable(let text) = error else { throw ExpectedUnavailable() }
            #expect(text.contains(word) && text.contains(place.address), "\(text)")
        }
    }

    /// Version 3 took the counters of the audit log's blocks away, and no other stream's.
    @Test func aSQLiteStoreOfVersion2LosesTheCountersOfChainsAlone() async throws {
        let place = try StoreKind.sqlite.makePlace()
        let streams = ["audit/chain", "audit-signatures/chain", "auditors"]
        do {
            let store = try SQLiteStore(path: place.address)
            for stream in streams { try await store.write { _ = try $0.append([1], to: stream) } }
        }
        var bytes = try Data(contentsOf: URL(filePath: place.address))
        bytes[60..<64] = Data([0, 0, 0, 2])
        try bytes.write(to: URL(filePath: place.address))
        let store = try SQLiteStore(path: place.address)
        for stream in streams {
            let next = try? await store.write { try $0.append([2], to: stream) }
            // Without its counter a stream would begin again, where it has an event already.
            #expect(next == (stream == "audit/chain" ? nil : 2), "\(stream)")
            #expect(try await store.events(in: stream, after: 0, limit: 9).first?.body == [1])
        }
    }

    @Test func aFileThatIsNoDatabaseIsRefusedAndLeftAlone() throws {
        let place = try StoreKind.sqlite.makePlace()
        let text = Data(String(repeating: "not a database\n", count: 100).utf8)
        try text.write(to: URL(filePath: place.address))
        let error = #expect(throws: StoreError.self) { _ = try SQLiteStore(path: place.address) }
        guard case .unavailable(let reason) = error else { throw ExpectedUnavailable() }
        #expect(reason.contains("not a SQLite database"), "\(reason)")
        #expect(try Data(contentsOf: URL(filePath: place.address)) == text)
        #expect(throws: StoreError.self) { _ = try SQLiteStore(path: "/nonexistent/coffer.db") }
    }

    @Test func aDatabaseThatAnotherProcessKeepsLockedIsToldSo() async throws {
        let place = try StoreKind.sqlite.makePlace()
        let first = try SQLiteStore(path: place.address)
        let second = try SQLiteStore(path: place.address, busyTimeout: .zero)
        try await first.write { transaction in
            try transaction.put("a", in: "things", body: [1], if: .any)
            // The body holds the write lock while the other store tries, on its own thread.
            let outcome = Outcome()
            Task {
                do {
                    try await second.write { _ = try $0.put("b", in: "things", body: [1], if: .any) }
                    outcome.set(nil)
                } catch {
                    outcome.set(error as? StoreError)
                }
            }
            guard case .unavailable(let reason) = outcome.wait() else { throw ExpectedUnavailable() }
            #expect(reason.contains("locked"), "\(reason)")
        }
        try await second.write { _ = try $0.put("b", in: "things", body: [1], if: .absent) }
    }

    @Test(.enabled(if: PostgresServer.isInstalled))
    func aPostgresDatabaseOfANewerCofferOrInAnotherEncodingIsRefused() async throws {
        guard let server = PostgresServer.shared else { throw ExpectedUnavailable() }
        let url = try server.makeDatabase()
        do { _ = try await PostgresStore(url: url) }
        try server.run("UPDATE coffer.schema_version SET version = 99", in: url)
        var error = await #expect(throws: StoreError.self) { _ = try await PostgresStore(url: url) }
        guard case .unavailable(let text) = error else { throw ExpectedUnavailable() }
        #expect(text.contains("newer Coffer (schema 99"), "\(text)")
        let ascii = try server.makeDatabase(encoding: "SQL_ASCII")
        error = await #expect(throws: StoreError.self) { _ = try await PostgresStore(url: ascii) }
        guard case .unavailable(let text) = error else { throw ExpectedUnavailable() }
        #expect(text.contains("SQL_ASCII"), "\(text)")
    }

    @Test func aServerThatIsNotThereIsToldSoWithoutThePassword() async throws {
        let error = await #expect(throws: StoreError.self) {
            _ = try await PostgresStore(url: "postgres://coffer:hunter2@127.0.0.1:1/coffer")
        }
        guard case .unavailable(let text) = error else { throw ExpectedUnavailable() }
        #expect(text.contains("cannot be reached") && text.contains("127.0.0.1"), "\(text)")
        #expect(!text.contains("hunter2"))
    }
}

struct ExpectedUnavailable: Error {}

/// One value handed from a task to a thread that waits for it.
final class Outcome: @unchecked Sendable {
    // SAFETY: written once before the signal, read once after it.
    private let ready = DispatchSemaphore(value: 0)
    private var error: StoreError?

    func set(_ error: StoreError?) {
        self.error = error
        ready.signal()
    }

    func wait() -> StoreError? {
        ready.wait()
        return error
    }
}
