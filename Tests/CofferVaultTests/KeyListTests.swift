import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferVault

@Suite struct KeyListTests {
    let fixture = VaultFixture()

    /// Makes one key and stores copies of its documents under more names, as making thirty keys takes long.
    func makeKeys(_ names: [String]) async throws {
        try await fixture.makeVault()
        let first = try #require(names.first)
        try await fixture.makeKey(first)
        let key = try ObjectName(first)
        try await fixture.store.write { transaction in
            guard let name = VaultName("kv1"), let vault = try transaction.vault(named: name, at: fixture.clock.now()) else { return }
            let original = try transaction.version(KeyVersionRecord.self, of: key, nil, in: vault)
            for name in names.dropFirst() {
                let copy = KeyVersionRecord(
                    name: name, version: original.version, isManaged: false, type: "RSA", bits: 2048,
                    publicPart: original.publicPart, sealedKey: "", created: original.created, updated: original.updated,
                    operations: [], isEnabled: true, notBefore: nil, expires: nil, tags: [:])
                try transaction.add(copy, in: vault, at: fixture.clock.now())
            }
        }
    }

    /// Follows the links of a list to its end.
    func pages(_ path: String, maxresults: Int?) async throws -> [[String]] {
        var pages: [[String]] = []
        var query = maxresults.map { [("maxresults", String($0))] } ?? []
        while pages.count < 100 {
            let answer = try await fixture.vault(.get, path, query: query)
            #expect(answer.status == 200)
            #expect(answer.json.object?.keys.contains("nextLink") == true)
            pages.append(answer.items.compactMap { $0["kid"]?.string })
            guard let link = answer.json["nextLink"]?.string else { return pages }
            let parts = link.split(separator: "?", maxSplits: 1)
            #expect(parts[0] == "https://kv1.vault.localhost:8443/\(path)")
            query = parts[1].split(separator: "&").compactMap { pair in
                let pair = pair.split(separator: "=", maxSplits: 1).map(String.init)
                return pair[0] == "api-version" ? nil : (pair[0], pair[1])
            }
        }
        return pages
    }

    @Test func anEmptyVaultHasAnEmptyList() async throws {
        try await fixture.makeVault()
        #expect(try await fixture.vault(.get, "keys").json == ["value": [], "nextLink": .null])
    }

    @Test func keysAreListedOnceByTheirUnversionedIDs() async throws {
        try await makeKeys(["b", "A", "a-1"])
        try await fixture.makeKey("b")
        let kids = try await pages("keys", maxresults: nil)
        #expect(kids == [["A", "a-1", "b"].map { "https://kv1.vault.localhost:8443/keys/\($0)" }])
        let item = try await fixture.vault(.get, "keys").items.last
        #expect(item?.object?.keys.sorted() == ["attributes", "kid"], "no material in a list")
    }

    @Test(arguments: [1, 2, 3, 24, 25, nil])
    func followingTheLinksGivesEveryKeyOnce(maxresults: Int?) async throws {
        let names = (0..<27).map { "key-\($0)" }
        try await makeKeys(names)
        let found = try await pages("keys", maxresults: maxresults)
        #expect(found.dropLast().allSatisfy { $0.count == maxresults ?? 25 })
        #expect(found.last?.isEmpty == false)
        #expect(found.joined().sorted() == names.map { "https://kv1.vault.localhost:8443/keys/\($0)" }.sorted())
    }

    @Test func versionsArePagedToo() async throws {
        try await fixture.makeVault()
        var made: Set<String> = []
        for _ in 0..<5 { made.insert(try await fixture.makeKey().text) }
        // Another key whose name begins alike must not be mixed in.
        try await fixture.makeKey("key10")
        let found = try await pages("keys/key1/versions", maxresults: 2)
        #expect(found.map(\.count) == [2, 2, 1])
        #expect(Set(found.joined()) == made)
        #expect(try await fixture.vault(.get, "keys/none/versions").code == "KeyNotFound")
    }

    @Test func aPageGoesOnAfterAKeyThatIsGone() async throws {
        try await makeKeys(["a", "c"])
        let token = "Yg" // b
        let answer = try await fixture.vault(.get, "keys", query: [("$skiptoken", token)])
        #expect(answer.items.map { $0["kid"]?.string } == ["https://kv1.vault.localhost:8443/keys/c"])
    }

    @Test(arguments: ["0", "26", "-1", "x", "", "1.5", "99999999999999999999", "+1x"])
    func pagesHaveOneToTwentyFiveItems(maxresults: String) async throws {
        try await fixture.makeVault()
        let answer = try await fixture.vault(.get, "keys", query: [("maxresults", maxresults)])
        #expect(answer.code == "BadParameter")
    }

    @Test(arguments: ["", "=", "!!", "a", "YS9i", "//", "AAAA", String(repeating: "A", count: 10_000)])
    func tokensThatNoPageGaveAreRefused(token: String) async throws {
        try await fixture.makeVault()
        try await fixture.makeKey()
        #expect(try await fixture.vault(.get, "keys", query: [("$skiptoken", token)]).code == "BadParameter")
        #expect(try await fixture.vault(.get, "keys/key1/versions", query: [("$skiptoken", token)]).code == "BadParameter")
    }

    @Test func vaultsDoNotSeeEachOthersKeys() async throws {
        try await fixture.makeVault("kv1")
        try await fixture.makeVault("kv2")
        try await fixture.makeKey("key1", vault: "kv1")
        #expect(try await fixture.vault(.get, "keys", vault: "kv2").items.isEmpty)
        #expect(try await fixture.vault(.get, "keys/key1", vault: "kv2").code == "KeyNotFound")
    }
}
