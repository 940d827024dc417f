import CofferModel
import CofferPlatform
import Testing

@testable import CofferVault

@Suite struct SecretListTests {
    let fixture = VaultFixture()
    let host = "https://kv1.vault.localhost:8443"

    /// Follows the links of a list to its end.
    func pages(_ path: String, maxresults: Int?) async throws -> [[JSONValue]] {
        var pages: [[JSONValue]] = []
        var query = maxresults.map { [("maxresults", String($0))] } ?? []
        while pages.count < 100 {
            let answer = try await fixture.vault(.get, path, query: query)
            #expect(answer.status == 200)
            pages.append(answer.items)
            guard let link = answer.json["nextLink"]?.string else { return pages }
            let parts = link.split(separator: "?", maxSplits: 1)
            #expect(parts[0] == "\(host)/\(path)")
            query = parts[1].split(separator: "&").compactMap { pair in
                let pair = pair.split(separator: "=", maxSplits: 1).map(String.init)
                return pair[0] == "api-version" ? nil : (pair[0], pair[1])
            }
        }
        return pages
    }

    @Test func aListHasEachSecretOnceAndNeverItsValue() async throws {
        try await fixture.makeVault()
        #expect(try await fixture.vault(.get, "secrets").json == ["value": [], "nextLink": .null])
        try await fixture.setSecret("b", "one")
        try await fixture.setSecret("b", "two", ["contentType": "text/plain", "tags": ["x": "y"]])
        try await fixture.setSecret("A", "three")
        let items = try await fixture.vault(.get, "secrets").items
        #expect(items.map { $0["id"]?.string } == ["\(host)/secrets/A", "\(host)/secrets/b"])
        #expect(items.last?["contentType"] == "text/plain")
        #expect(items.last?["tags"] == ["x": "y"])
        for item in items { #expect(item["value"] == nil) }
        for item in try await fixture.vault(.get, "secrets/b/versions").items { #expect(item["value"] == nil) }
    }

    @Test(arguments: [1, 7, 25, nil])
    func followingTheLinksGivesEverySecretOnce(maxresults: Int?) async throws {
        try await fixture.makeVault()
        let names = (0..<27).map { "secret-\($0)" }
        for name in names { try await fixture.setSecret(name) }
        let found = try await pages("secrets", maxresults: maxresults)
        #expect(found.dropLast().allSatisfy { $0.count == maxresults ?? 25 })
        #expect(found.last?.isEmpty == false)
        #expect(found.joined().compactMap { $0["id"]?.string }.sorted() == names.map { "\(host)/secrets/\($0)" }.sorted())
    }

    @Test func versionsAndDeletedSecretsArePagedToo() async throws {
        try await fixture.makeVault()
        var ids: Set<String> = []
        for number in 0..<5 { ids.insert(try await fixture.setSecret("secret1", "value \(number)")) }
        try await fixture.setSecret("secret10")
        let versions = try await pages("secrets/secret1/versions", maxresults: 2)
        #expect(versions.map(\.count) == [2, 2, 1])
        #expect(Set(versions.joined().compactMap { $0["id"]?.string }) == ids)
        for name in ["secret1", "secret10"] { _ = try await fixture.vault(.delete, "secrets/\(name)") }
        let deleted = try await pages("deletedsecrets", maxresults: 1)
        #expect(deleted.map(\.count) == [1, 1])
        #expect(deleted.joined().compactMap { $0["recoveryId"]?.string } == ["secret1", "secret10"].map { "\(host)/deletedsecrets/\($0)" })
        #expect(try await fixture.vault(.get, "secrets/none/versions").code == "SecretNotFound")
    }

    @Test(arguments: [("maxresults", "0"), ("maxresults", "26"), ("maxresults", "x"), ("$skiptoken", "!!"), ("$skiptoken", "")])
    func pagesThatMakeNoSenseAreRefused(parameter: (String, String)) async throws {
        try await fixture.makeVault()
        try await fixture.setSecret()
        for path in ["secrets", "secrets/secret1/versions", "deletedsecrets"] {
            #expect(try await fixture.vault(.get, path, query: [parameter]).code == "BadParameter")
        }
    }

    @Test func vaultsDoNotSeeEachOthersSecrets() async throws {
        try await fixture.makeVault("kv1")
        try await fixture.makeVault("kv2")
        try await fixture.setSecret("secret1", "one", vault: "kv1")
        #expect(try await fixture.vault(.get, "secrets", vault: "kv2").items.isEmpty)
        #expect(try await fixture.vault(.get, "secrets/secret1", vault: "kv2").code == "SecretNotFound")
    }
}
