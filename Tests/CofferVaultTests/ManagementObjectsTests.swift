import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferVault

/// Keys and secrets as templates make them, through Azure Resource Manager.
@Suite struct ManagementObjectsTests {
    let fixture = VaultFixture()
    let vaultID = "/subscriptions/\(VaultFixture.subscription)/resourceGroups/rg1/providers/Microsoft.KeyVault/vaults/kv1"
    let host = "https://kv1.vault.localhost:8443"

    @Test func aTemplateMakesAKeyOnce() async throws {
        try await fixture.makeVault()
        let made = try await fixture.arm(.put, "vaults/kv1/keys/key1", [
            "tags": ["a": "b"],
            "properties": [
                "kty": "RSA", "keySize": 2048, "keyOps": ["wrapKey", "unwrapKey"], "attributes": ["enabled": true, "exp": 1_900_000_000],
            ],
        ])
        #expect(made.status == 200)
        #expect(made.json["id"]?.string == "\(vaultID)/keys/key1")
        #expect(made.json["name"] == "key1")
        #expect(made.json["type"] == "Microsoft.KeyVault/vaults/keys")
        #expect(made.json["location"] == "uksouth")
        #expect(made.json["tags"] == ["a": "b"])
        let properties = try #require(made.json["properties"])
        #expect(properties["kty"] == "RSA")
        #expect(properties["keySize"] == 2048)
        #expect(properties["keyOps"] == ["wrapKey", "unwrapKey"])
        #expect(properties["attributes"]?["enabled"] == true)
        #expect(properties["attributes"]?["exp"] == 1_900_000_000)
        #expect(properties["attributes"]?["exportable"] == false)
        #expect(properties["attributes"]?["recoveryLevel"] == "Recoverable+Purgeable")
        #expect(properties["keyUri"]?.string == "\(host)/keys/key1")
        let url = try #require(KeyURL(properties["keyUriWithVersion"]?.string ?? ""))
        #expect(try await fixture.vault(.get, "keys/key1").json["key"]?["kid"]?.string == url.text)
        let again = try await fixture.arm(.put, "vaults/kv1/keys/KEY1", ["properties": ["kty": "RSA", "keySize": 4096, "keyOps": ["sign"]]])
        #expect(again.json == made.json, "an existing key is shown, not changed")
        #expect(try await fixture.arm(.get, "vaults/kv1/keys/key1").json == made.json)
        #expect(try await fixture.changes().map(\.kind) == [.newVersion])
        let events = fixture.audit.events.filter { $0.operation.hasPrefix("Key") }
        #expect(events.map(\.operation) == ["KeyCreate", "KeyGet", "KeyCreate", "KeyGet"])
        #expect(events.allSatisfy { $0.object == url.text })
    }

    @Test func aTemplateGivesANewKeyARotationPolicy() async throws {
        try await fixture.makeVault()
        let policy: JSONValue = [
            "lifetimeActions": [["trigger": ["timeAfterCreate": "P90D"], "action": ["type": "rotate"]]], "attributes": ["expiryTime": "P1Y"],
        ]
        let bad = try await fixture.arm(
            .put, "vaults/kv1/keys/key1", ["properties": ["kty": "RSA", "rotationPolicy": ["attributes": ["expiryTime": "soon"]]]])
        #expect(bad.status == 400)
        #expect(try await fixture.vault(.get, "keys").items.isEmpty, "no key without the policy that was asked for")
        let made = try await fixture.arm(.put, "vaults/kv1/keys/key1", ["properties": ["kty": "RSA", "rotationPolicy": policy]])
        let shown = made.json["properties"]?["rotationPolicy"]
        #expect(shown?["attributes"]?["expiryTime"] == "P1Y")
        #expect(shown?["lifetimeActions"]?.array?.first == ["trigger": ["timeAfterCreate": "P90D"], "action": ["type": "rotate"]])
        #expect(try await fixture.arm(.get, "vaults/kv1/keys/key1").json == made.json)
        let other: JSONValue = ["attributes": ["expiryTime": "P2Y"]]
        let again = try await fixture.arm(.put, "vaults/kv1/keys/key1", ["properties": ["kty": "RSA", "rotationPolicy": other]])
        #expect(again.json == made.json)
    }

    @Test func keysAndTheirVersionsAreListedInPages() async throws {
        try await fixture.makeVault()
        for name in ["a", "b", "c"] { try await fixture.makeKey(name) }
        let second = try await fixture.makeKey("b")
        #expect(try await fixture.arm(.get, "vaults/kv1/keys").items.map { $0["name"]?.string } == ["a", "b", "c"])
        let page = try await fixture.arm(.get, "vaults/kv1/keys", query: [("$top", "2")])
        #expect(page.items.count == 2)
        let link = try #require(page.json["nextLink"]?.string)
        #expect(link == "https://localhost:8443\(vaultID)/keys?api-version=2026-02-01&$top=2&$skiptoken=b")
        let rest = try await fixture.arm(.get, "vaults/kv1/keys", query: [("$top", "2"), ("$skiptoken", "b")])
        #expect(rest.items.map { $0["name"]?.string } == ["c"])
        #expect(rest.json["nextLink"] == nil)
        let versions = try await fixture.arm(.get, "vaults/kv1/keys/b/versions")
        #expect(versions.items.count == 2)
        let version = try #require(second.version)
        let shown = try await fixture.arm(.get, "vaults/kv1/keys/b/versions/\(version)")
        #expect(shown.json["id"]?.string == "\(vaultID)/keys/b/versions/\(version)")
        #expect(shown.json["type"] == "Microsoft.KeyVault/vaults/keys/versions")
        #expect(versions.items.contains(shown.json))
        #expect(try await fixture.arm(.get, "vaults/kv1/keys", query: [("$top", "0")]).status == 400)
        #expect(try await fixture.arm(.get, "vaults/kv1/keys", query: [("$skiptoken", "a/b")]).status == 400)
        #expect(try await fixture.arm(.get, "vaults/kv1/keys/b/versions", query: [("$skiptoken", "b")]).status == 400)
    }

    @Test func aTemplateSetsASecretAndNobodyReadsItHere() async throws {
        try await fixture.makeVault()
        let made = try await fixture.arm(.put, "vaults/kv1/secrets/secret1", [
            "tags": ["a": "b"], "properties": ["value": "canary-7b", "contentType": "text/plain", "attributes": ["nbf": 1_700_000_000]],
        ])
        #expect(made.status == 200)
        #expect(made.json["id"]?.string == "\(vaultID)/secrets/secret1")
        #expect(made.json["type"] == "Microsoft.KeyVault/vaults/secrets")
        let properties = try #require(made.json["properties"])
        #expect(properties["contentType"] == "text/plain")
        #expect(properties["attributes"]?["nbf"] == 1_700_000_000)
        #expect(properties["secretUri"]?.string == "\(host)/secrets/secret1")
        #expect(properties["secretUriWithVersion"]?.string?.hasPrefix("\(host)/secrets/secret1/") == true)
        let got = try await fixture.arm(.get, "vaults/kv1/secrets/secret1")
        let listed = try await fixture.arm(.get, "vaults/kv1/secrets")
        #expect(got.json == made.json)
        #expect(listed.items == [made.json])
        for answer in [made, got, listed] { #expect(!"\(answer.json)".contains("canary")) }
        #expect(!"\(fixture.audit.events)".contains("canary"))
        #expect(try await fixture.vault(.get, "secrets/secret1").json["value"] == "canary-7b")
    }

    @Test func aPatchChangesAttributesInPlaceAndAValueByANewVersion() async throws {
        try await fixture.makeVault()
        let id = try await fixture.setSecret("secret1", "one", ["contentType": "t", "tags": ["a": "b"], "attributes": ["exp": 1_900_000_000]])
        let patched = try await fixture.arm(.patch, "vaults/kv1/secrets/secret1", ["properties": ["attributes": ["enabled": false]]])
        #expect(patched.json["properties"]?["secretUriWithVersion"]?.string == id)
        #expect(patched.json["properties"]?["attributes"]?["enabled"] == false)
        let renewed = try await fixture.arm(.patch, "vaults/kv1/secrets/secret1", ["properties": ["value": "two", "attributes": ["enabled": true]]])
        #expect(renewed.json["properties"]?["secretUriWithVersion"]?.string != id)
        let read = try await fixture.vault(.get, "secrets/secret1").json
        #expect(read["value"] == "two")
        #expect(read["contentType"] == "t")
        #expect(read["tags"] == ["a": "b"])
        #expect(read["attributes"]?["exp"] == 1_900_000_000)
    }

    @Test(arguments: ["keys", "secrets"])
    func whatIsNotThereIsNotFound(kind: String) async throws {
        try await fixture.makeVault()
        for path in ["vaults/kv1/\(kind)/none", "vaults/none/\(kind)", "vaults/none/\(kind)/none"] {
            let answer = try await fixture.arm(.get, path)
            #expect(answer.status == 404)
            #expect(answer.code == "ResourceNotFound")
        }
        #expect(try await fixture.arm(.patch, "vaults/none/secrets/s", ["properties": [:]]).status == 404)
        #expect(try await fixture.arm(.delete, "vaults/kv1/\(kind)/none").status == 405)
    }

    @Test(arguments: [
        ("keys/key1", [:]), ("keys/key1", ["properties": [:]]), ("keys/key1", ["properties": ["kty": "AES"]]),
        ("keys/key1", ["properties": ["kty": "RSA", "keySize": 1000]]), ("keys/key1", ["properties": ["kty": "RSA", "keyOps": ["fly"]]]),
        ("keys/key1", ["properties": ["kty": "RSA", "attributes": ["nbf": "soon"]]]), ("keys/a_b", ["properties": ["kty": "RSA"]]),
        ("secrets/s", [:]), ("secrets/s", ["properties": [:]]), ("secrets/s", ["properties": ["value": 5]]),
        ("secrets/s", ["properties": ["value": .string(String(repeating: "x", count: 25_601))]]), ("secrets/a.b", ["properties": ["value": "x"]]),
        ("secrets/s", ["properties": ["value": "x", "attributes": ["nbf": 5, "exp": 4]]]), ("secrets/s", []), ("secrets/s", .null),
    ] as [(String, JSONValue)])
    func bodiesThatDoNotFitAreRefused(path: String, body: JSONValue) async throws {
        try await fixture.makeVault()
        let answer = try await fixture.arm(.put, "vaults/kv1/\(path)", body)
        #expect(answer.status == 400)
        #expect(answer.message.count < 400)
        #expect(fixture.audit.events.last?.status == 400)
    }

    @Test func aTemplateMakesNoSymmetricKey() async throws {
        try await fixture.makeVault()
        let refused = try await fixture.arm(.put, "vaults/kv1/keys/k", ["properties": ["kty": "oct"]], apiVersion: "2023-07-01")
        #expect(refused.status == 400 && refused.message.contains("az keyvault key create"))
    }

    @Test func aDeletedNameIsNotMadeAgain() async throws {
        try await fixture.makeVault()
        try await fixture.makeKey("key1")
        try await fixture.setSecret("secret1")
        _ = try await fixture.vault(.delete, "keys/key1")
        _ = try await fixture.vault(.delete, "secrets/secret1")
        #expect(try await fixture.arm(.put, "vaults/kv1/keys/key1", ["properties": ["kty": "RSA"]]).status == 409)
        #expect(try await fixture.arm(.put, "vaults/kv1/secrets/secret1", ["properties": ["value": "x"]]).status == 409)
        #expect(try await fixture.arm(.get, "vaults/kv1/keys/key1").status == 404)
    }
}
