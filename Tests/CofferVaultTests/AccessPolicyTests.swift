import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferVault

/// `PUT …/accessPolicies/{add|replace|remove}`.
@Suite struct AccessPolicyTests {
    let fixture = VaultFixture()

    func entry(_ objectID: String, _ permissions: [String: [String]], applicationID: String? = nil) -> JSONValue {
        var entry: [String: JSONValue] = [
            "tenantId": .string(VaultFixture.tenant), "objectId": .string(objectID),
            "permissions": .object(permissions.mapValues { .array($0.map { .string($0) }) }),
        ]
        if let applicationID { entry["applicationId"] = .string(applicationID) }
        return .object(entry)
    }

    func change(_ kind: String, _ entries: JSONValue...) async throws -> Answer {
        try await fixture.arm(.put, "vaults/kv1/accessPolicies/\(kind)", ["properties": ["accessPolicies": .array(entries)]])
    }

    /// Permissions of the vault's entries, by object id.
    func stored() async throws -> [String: [String: [String]]] {
        let entries = try await fixture.arm(.get, "vaults/kv1").json["properties"]?["accessPolicies"]?.array ?? []
        return Dictionary(
            entries.map { entry in
                let permissions = entry["permissions"]?.object ?? [:]
                return (entry["objectId"]?.string ?? "", permissions.mapValues { $0.array?.compactMap(\.string) ?? [] })
            }, uniquingKeysWith: { first, _ in first })
    }

    func makeVault() async throws {
        try await fixture.makeVault(
            "kv1", ["enableRbacAuthorization": false, "accessPolicies": [entry("old", ["keys": ["get"], "secrets": ["get", "list"]])]])
    }

    @Test func addGivesMoreAndLeavesOthersAlone() async throws {
        try await makeVault()
        let added = try await change("add", entry("OLD", ["keys": ["Get", "list"]]), entry("new", ["secrets": ["set"]]))
        #expect(added.status == 200)
        #expect(added.json["type"] == "Microsoft.KeyVault/vaults/accessPolicies")
        #expect(added.json["location"] == "uksouth")
        #expect(added.json["id"]?.string?.hasSuffix("/vaults/kv1/accessPolicies/") == true)
        #expect(added.json["properties"]?["accessPolicies"]?.array?.count == 2)
        #expect(try await stored() == ["old": ["keys": ["get", "list"], "secrets": ["get", "list"]], "new": ["secrets": ["set"]]])
        #expect(try await fixture.vault(.put, "secrets/s", ["value": "x"], as: "new").status == 200)
        #expect(try await fixture.vault(.get, "secrets/s", as: "new").status == 403)
    }

    @Test func replaceGivesExactlyWhatItSays() async throws {
        try await makeVault()
        _ = try await change("add", entry("other", ["keys": ["get"]]))
        #expect(try await change("Replace", entry("old", ["certificates": ["get"]]), entry("new", ["keys": ["sign"]])).status == 200)
        #expect(
            try await stored() == ["old": ["certificates": ["get"]], "other": ["keys": ["get"]], "new": ["keys": ["sign"]]])
    }

    @Test func removeTakesPermissionsAndAnEntryThatHasNoneLeft() async throws {
        try await makeVault()
        #expect(try await change("remove", entry("old", ["secrets": ["LIST"]]), entry("nobody", ["keys": ["get"]])).status == 200)
        #expect(try await stored() == ["old": ["keys": ["get"], "secrets": ["get"]]])
        _ = try await change("remove", entry("old", ["keys": ["get"], "secrets": ["all"]]))
        #expect(try await stored().isEmpty)
    }

    @Test func takingOneFromAllLeavesTheOthers() async throws {
        try await makeVault()
        _ = try await change("add", entry("owner", ["secrets": ["All", "purge"]]))
        _ = try await change("remove", entry("owner", ["secrets": ["set"]]))
        let left = try #require(try await stored()["owner"]?["secrets"])
        #expect(Set(left) == ["purge", "get", "list", "delete", "backup", "restore", "recover"])
        #expect(try await fixture.vault(.put, "secrets/s", ["value": "x"], as: "owner").status == 403)
        #expect(try await fixture.vault(.get, "secrets", as: "owner").status == 200)
    }

    @Test func anApplicationOnBehalfOfAPrincipalIsAnEntryOfItsOwn() async throws {
        try await makeVault()
        _ = try await change("add", entry("old", ["keys": ["sign"]], applicationID: "app"))
        _ = try await change("remove", entry("old", ["keys": ["get"], "secrets": ["get", "list"]]))
        #expect(try await stored() == ["old": ["keys": ["sign"]]])
    }

    @Test func permissionsThatChangedAreToldAndAudited() async throws {
        try await makeVault()
        let before = (try await fixture.changes().count, fixture.audit.events.count)
        _ = try await change("add", entry("old", ["keys": ["get"]]))
        #expect(try await fixture.changes().count == before.0, "nothing changed")
        _ = try await change("add", entry("old", ["keys": ["list"]]))
        _ = try await fixture.arm(.patch, "vaults/kv1", ["properties": ["enableRbacAuthorization": true]])
        _ = try await fixture.arm(.patch, "vaults/kv1", ["tags": ["a": "b"]])
        #expect(try await fixture.changes().dropFirst(before.0).map(\.kind) == [.access, .access])
        let notice = "VaultAccessPolicyChangedEventGridNotification"
        #expect(
            fixture.audit.events.dropFirst(before.1).map(\.operation)
                == ["VaultPatch", "VaultPatch", notice, "VaultPatch", notice, "VaultPatch"])
    }

    @Test(arguments: [
        ("update", ["properties": ["accessPolicies": []]]), ("add", [:]), ("add", ["properties": [:]]), ("add", []), ("add", .null),
        ("add", ["properties": ["accessPolicies": [["tenantId": "other", "objectId": "o", "permissions": [:]]]]]),
        ("add", ["properties": ["accessPolicies": [["tenantId": .string(VaultFixture.tenant), "objectId": "", "permissions": [:]]]]]),
        (
            "add",
            ["properties": ["accessPolicies": [["tenantId": .string(VaultFixture.tenant), "objectId": "o", "permissions": ["keys": ["fly"]]]]]]
        ),
    ] as [(String, JSONValue)])
    func changesThatMakeNoSenseAreRefused(kind: String, body: JSONValue) async throws {
        try await makeVault()
        let answer = try await fixture.arm(.put, "vaults/kv1/accessPolicies/\(kind)", body)
        #expect(answer.status == 400)
        #expect(try await stored() == ["old": ["keys": ["get"], "secrets": ["get", "list"]]])
        #expect(fixture.audit.events.contains { $0.operation == "VaultPatch" && $0.status == 400 })
    }

    @Test func aVaultHasUpTo1024Entries() async throws {
        try await makeVault()
        let entries = (0..<1023).map { entry("object-\($0)", ["keys": ["get"]]) }
        let body = JSONValue.object(["properties": ["accessPolicies": .array(entries)]])
        #expect(try await fixture.arm(.put, "vaults/kv1/accessPolicies/add", body).status == 200)
        #expect(try await change("add", entry("one more", ["keys": ["get"]])).status == 400)
        #expect(try await change("add", entry("old", ["keys": ["list"]])).status == 200)
    }

    @Test func otherVerbsAndVaultsAreRefused() async throws {
        try await makeVault()
        #expect(try await fixture.arm(.get, "vaults/kv1/accessPolicies/add").status == 405)
        #expect(try await fixture.arm(.put, "vaults/kv1/accessPolicies").status == 405)
        let missing = try await fixture.arm(.put, "vaults/none/accessPolicies/add", ["properties": ["accessPolicies": []]])
        #expect(missing.code == "ResourceNotFound")
    }
}
