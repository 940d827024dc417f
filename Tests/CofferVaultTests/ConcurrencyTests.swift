import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferVault

/// Many clients at one name. Whatever the order, every answer is a legal one and what was acknowledged is there.
@Suite struct ConcurrencyTests {
    let fixture = VaultFixture()

    @Test(arguments: 0..<8)
    func settingDeletingAndRecoveringOneSecretLosesNothing(round: Int) async throws {
        try await fixture.makeVault()
        try await fixture.setSecret("secret1", "first")
        let ids = try await withThrowingTaskGroup(of: String?.self) { group in
            for number in 0..<60 {
                group.addTask {
                    let answer: Answer
                    switch (number + round) % 4 {
                    case 0, 1: answer = try await fixture.vault(.put, "secrets/secret1", ["value": .string("\(number)")])
                    case 2: answer = try await fixture.vault(.delete, "secrets/secret1")
                    default: answer = try await fixture.vault(.post, "deletedsecrets/secret1/recover")
                    }
                    #expect([200, 404, 409].contains(answer.status))
                    return (number + round) % 4 < 2 && answer.status == 200 ? answer.json["id"]?.string : nil
                }
            }
            return try await group.reduce(into: Set<String>()) { if let id = $1 { $0.insert(id) } }
        }
        _ = try await fixture.vault(.post, "deletedsecrets/secret1/recover")
        #expect(try await fixture.vault(.get, "secrets/secret1").status == 200)
        var listed: Set<String> = []
        var query: [(String, String)] = []
        while true {
            let page = try await fixture.vault(.get, "secrets/secret1/versions", query: query)
            for item in page.items { listed.insert(item["id"]?.string ?? "") }
            guard let link = page.json["nextLink"]?.string, let range = link.firstRange(of: "$skiptoken=") else { break }
            query = [("$skiptoken", String(link[range.upperBound...].prefix { $0 != "&" }))]
        }
        #expect(listed.isSuperset(of: ids))
        #expect(listed.count == ids.count + 1)
        #expect(try await fixture.vault(.get, "deletedsecrets").items.isEmpty)
    }

    @Test func oneOfManyRestoresWins() async throws {
        try await fixture.makeVault()
        try await fixture.setSecret("secret1", "one")
        let value = try #require(try await fixture.vault(.post, "secrets/secret1/backup").json["value"])
        _ = try await fixture.vault(.delete, "secrets/secret1")
        _ = try await fixture.vault(.delete, "deletedsecrets/secret1")
        let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<20 { group.addTask { try await fixture.vault(.post, "secrets/restore", ["value": value]).status } }
            return try await group.reduce(into: [Int]()) { $0.append($1) }
        }
        #expect(statuses.sorted() == [200] + Array(repeating: 409, count: 19))
    }

    @Test func manyTemplatesMakeOneKey() async throws {
        try await fixture.makeVault()
        let made = try await withThrowingTaskGroup(of: JSONValue.self) { group in
            for _ in 0..<20 {
                group.addTask { try await fixture.arm(.put, "vaults/kv1/keys/key1", ["properties": ["kty": "RSA"]]).json }
            }
            return try await group.reduce(into: [JSONValue]()) { $0.append($1) }
        }
        #expect(made.allSatisfy { $0["properties"]?["keyUriWithVersion"] == made[0]["properties"]?["keyUriWithVersion"] })
        #expect(try await fixture.vault(.get, "keys/key1/versions").items.count == 1)
        #expect(try await fixture.changes().map(\.kind) == [.newVersion])
    }

    @Test func changesOfAccessPoliciesByManyAreAllThere() async throws {
        try await fixture.makeVault("kv1", ["enableRbacAuthorization": false])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<20 {
                group.addTask {
                    let entry: JSONValue = [
                        "tenantId": .string(VaultFixture.tenant), "objectId": .string("o\(number % 5)"),
                        "permissions": ["secrets": [["get", "list", "set", "delete"][number / 5].json]],
                    ]
                    let answer = try await fixture.arm(
                        .put, "vaults/kv1/accessPolicies/add", ["properties": ["accessPolicies": [entry]]])
                    #expect(answer.status == 200)
                }
            }
            try await group.waitForAll()
        }
        let entries = try await fixture.arm(.get, "vaults/kv1").json["properties"]?["accessPolicies"]?.array ?? []
        #expect(entries.count == 5)
        for entry in entries { #expect(entry["permissions"]?["secrets"]?.array?.count == 4) }
    }
}

extension String {
    fileprivate var json: JSONValue { .string(self) }
}
