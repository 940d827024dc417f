import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferIdentity

@Suite struct SigningKeysTests {
    private func keyIDs(_ keys: SigningKeys) async throws -> [String] {
        try await keys.webKeySet()["keys"]?.array?.compactMap { $0["kid"]?.string } ?? []
    }

    @Test func `a key signs for thirty days and is published for a day more`() async throws {
        let fixture = try await Fixture()
        let first = try await keyIDs(fixture.keys)
        #expect(first.count == 1)
        fixture.clock.advance(by: .seconds(30 * 86_400 - 10))
        let token = try await fixture.token()
        #expect(try await keyIDs(fixture.keys) == first)

        fixture.clock.advance(by: .seconds(20))
        let newer = try await fixture.token()
        let both = try await keyIDs(fixture.keys)
        #expect(both.count == 2 && both.first == first.first)
        #expect(try JWTParser.parse(Array(newer.utf8)).keyID == both.last)
        // A token of the old key lives as long as it was promised.
        _ = try await fixture.caller(token)

        fixture.clock.advance(by: .seconds(86_400))
        #expect(try await keyIDs(fixture.keys) == Array(both.dropFirst()))
    }

    @Test func `a retired key verifies nothing`() async throws {
        let fixture = try await Fixture()
        let token = try await fixture.token()
        _ = try await fixture.caller(token)
        let keyID = try JWTParser.parse(Array(token.utf8)).keyID
        fixture.clock.advance(by: .seconds(31 * 86_400))
        _ = try await fixture.token()
        #expect(try await fixture.keys.verifier(keyID) == nil)
    }

    @Test func `replicas believe one another's tokens`() async throws {
        let fixture = try await Fixture()
        let replica = SigningKeys(store: fixture.store, sealer: PlainSealer(), clock: fixture.clock, workers: fixture.workers)
        try await replica.prepare()
        #expect(try await keyIDs(replica) == keyIDs(fixture.keys))
        _ = try await fixture.caller(fixture.token())
        fixture.clock.advance(by: .seconds(30 * 86_400))
        // The replica begins the next key; the first one finds it when it meets a token of it.
        let service = TokenService(store: fixture.store, keys: replica, clock: fixture.clock, settings: fixture.settings)
        let principal = try #require(try await fixture.principals.principal(fixture.administrator.objectID))
        let token = try await service.token(for: principal, audience: Fixture.management).text
        _ = try await fixture.caller(token)
        #expect(try await keyIDs(replica) == keyIDs(fixture.keys))
    }

    @Test func `replicas that start together agree on one key`() async throws {
        let store = InMemoryStore()
        let clock = ManualClock()
        let workers = WorkerPool(name: "test", threads: 2)
        let replicas = (0..<4).map { _ in SigningKeys(store: store, sealer: PlainSealer(), clock: clock, workers: workers) }
        try await withThrowingTaskGroup { group in
            for replica in replicas { group.addTask { try await replica.prepare() } }
            try await group.waitForAll()
        }
        let sets = try await replicas.concurrentKeyIDs()
        #expect(Set(sets).count == 1)
        #expect(sets.first?.count == 1)
    }

    @Test func `a key's private half is stored only as the sealer gave it`() async throws {
        let store = InMemoryStore()
        let keys = SigningKeys(
            store: store, sealer: PlainSealer(), clock: ManualClock(), workers: WorkerPool(name: "test", threads: 1)
        )
        try await keys.prepare()
        let records = try await store.read { try $0.values(SigningKeyRecord.self, in: SigningKeyRecord.collection) }
        let record = try #require(records.first)
        let sealed = try #require(Base64URL.decode(record.sealedPrivateKey))
        _ = try await PlainSealer().open(sealed, realm: "tokens", name: record.keyID)
        await #expect(throws: SealError.notAuthentic) {
            _ = try await PlainSealer().open(sealed, realm: "tokens", name: "another")
        }
    }

    @Test func `a thumbprint is that of RFC 7638's example`() {
        let modulus = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
        #expect(
            SigningKeyRecord.thumbprint(modulus: modulus, exponent: "AQAB") == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
        )
    }
}

extension [SigningKeys] {
    fileprivate func concurrentKeyIDs() async throws -> [[String]] {
        var sets: [[String]] = []
        for keys in self {
            sets.append(try await keys.webKeySet()["keys"]?.array?.compactMap { $0["kid"]?.string } ?? [])
        }
        return sets
    }
}
