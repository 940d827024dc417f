import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferVault

@Suite struct VaultDeletionTests {
    let fixture = VaultFixture()
    let body: JSONValue = ["location": "uksouth", "properties": .object(VaultFixture.properties)]
    let recovery: JSONValue = [
        "location": "uksouth",
        "properties": [
            "tenantId": .string(VaultFixture.tenant), "sku": ["family": "A", "name": "standard"], "createMode": "recover",
        ],
    ]

    @Test func aDeletedVaultIsGoneButListedAsDeleted() async throws {
        try await fixture.makeVault("kv1", ["softDeleteRetentionInDays": 7])
        #expect(try await fixture.arm(.delete, "vaults/kv1").status == 200)
        #expect(try await fixture.arm(.delete, "vaults/kv1").status == 204)
        #expect(try await fixture.arm(.get, "vaults/kv1").code == "ResourceNotFound")
        #expect(try await fixture.arm(.get, "vaults", group: nil).items.isEmpty)
        let listed = try await fixture.arm(.get, "deletedVaults", group: nil)
        #expect(listed.items.count == 1)
        let shown = try await fixture.arm(.get, "locations/uksouth/deletedVaults/kv1", group: nil)
        #expect(shown.json == listed.items.first)
        #expect(
            shown.json["id"]?.string
                == "/subscriptions/\(VaultFixture.subscription)/providers/Microsoft.KeyVault/locations/uksouth/deletedVaults/kv1")
        #expect(shown.json["type"] == "Microsoft.KeyVault/deletedVaults")
        #expect(shown.json["properties"]?["deletionDate"] == "2026-01-01T00:00:00.000Z")
        #expect(shown.json["properties"]?["scheduledPurgeDate"] == "2026-01-08T00:00:00.000Z")
        #expect(try await fixture.arm(.get, "locations/westeurope/deletedVaults/kv1", group: nil).status == 404)
        #expect(try await fixture.arm(.get, "deletedVaults", group: nil, subscription: "other").items.isEmpty)
    }

    @Test func theNameStaysTakenAndTheRefusalSaysWhatToDo() async throws {
        try await fixture.makeVault()
        _ = try await fixture.arm(.delete, "vaults/kv1")
        let again = try await fixture.arm(.put, "vaults/kv1", body)
        #expect(again.status == 409)
        #expect(again.code == "ConflictError")
        #expect(again.message.contains("az keyvault recover --name kv1"))
        #expect(again.message.contains("az keyvault purge --name kv1"))
        let stranger = try await fixture.arm(.put, "vaults/kv1", body, subscription: "other")
        #expect(stranger.code == "VaultAlreadyExists")
    }

    @Test func recoveryBringsBackTheVaultWithItsKeys() async throws {
        try await fixture.makeVault("kv1", ["enabledForDeployment": true])
        let key = try await fixture.makeKey()
        let before = try await fixture.arm(.get, "vaults/kv1").json
        _ = try await fixture.arm(.delete, "vaults/kv1")
        #expect(try await fixture.vault(.get, "keys/key1").code == "VaultNotFound")
        let recovered = try await fixture.arm(.put, "vaults/kv1", recovery)
        #expect(recovered.status == 200)
        #expect(recovered.json == before)
        #expect(try await fixture.vault(.get, "keys/key1").json["key"]?["kid"]?.string == key.text)
        #expect(try await fixture.changes().map(\.kind) == [.newVersion, .deleted, .recovered])
        #expect(fixture.audit.events.map(\.operation).contains("VaultRecover"))
        #expect(try await fixture.arm(.put, "vaults/kv1", recovery).json == before, "recovering twice is no error")
    }

    @Test func aVaultComesBackOnlyWhereItWas() async throws {
        try await fixture.makeVault()
        #expect(try await fixture.arm(.put, "vaults/kv2", recovery).code == "ResourceNotFound")
        _ = try await fixture.arm(.delete, "vaults/kv1")
        #expect(try await fixture.arm(.put, "vaults/kv1", recovery, group: "rg2").code == "ConflictError")
        #expect(try await fixture.arm(.put, "vaults/kv1", recovery, subscription: "other").code == "ResourceNotFound")
        let elsewhere: JSONValue = ["location": "westeurope", "properties": ["createMode": "recover"]]
        #expect(try await fixture.arm(.put, "vaults/kv1", elsewhere).code == "ConflictError")
    }

    @Test func purgeDestroysTheKeysAndFreesTheName() async throws {
        try await fixture.makeVault()
        try await fixture.makeKey()
        #expect(try await fixture.arm(.post, "locations/uksouth/deletedVaults/kv1/purge", group: nil).status == 404)
        _ = try await fixture.arm(.delete, "vaults/kv1")
        #expect(try await fixture.arm(.post, "locations/uksouth/deletedVaults/kv1/purge", group: nil).status == 200)
        for collection in ["vaults", "keys", "key-versions"] {
            let left = try await fixture.store.read { try $0.documents(in: collection, prefix: "", after: nil, limit: 1) }
            #expect(left.isEmpty)
        }
        #expect(try await fixture.makeVault().status == 200)
        #expect(try await fixture.vault(.get, "keys/key1").code == "KeyNotFound", "the new vault has none of the old keys")
    }

    @Test func purgeProtectionHoldsUntilTheRetentionEnds() async throws {
        try await fixture.makeVault("kv1", ["enablePurgeProtection": true, "softDeleteRetentionInDays": 7])
        try await fixture.makeKey()
        _ = try await fixture.arm(.delete, "vaults/kv1")
        let refused = try await fixture.arm(.post, "locations/uksouth/deletedVaults/kv1/purge", group: nil)
        #expect(refused.status == 405)
        #expect(refused.code == "MethodNotAllowed")
        #expect(refused.message.contains("2026-01-08"))
        fixture.clock.advance(by: .seconds(7 * 86_400 - 1))
        #expect(try await fixture.arm(.put, "vaults/kv1", body).code == "ConflictError")
        fixture.clock.advance(by: .seconds(1))
        #expect(try await fixture.arm(.get, "deletedVaults", group: nil).items.isEmpty)
        #expect(try await fixture.arm(.put, "vaults/kv1", recovery).code == "ResourceNotFound")
        #expect(try await fixture.arm(.put, "vaults/kv1", body).status == 200)
        #expect(try await fixture.vault(.get, "keys/key1").code == "KeyNotFound")
    }

    @Test func deletingAGroupDeletesItsVaultsSoftly() async throws {
        let made = try await fixture.makeVault()
        let id = try #require(ResourceID(made.json["id"]?.string ?? ""))
        let grant = try await AllowEverything().grant(.management("any"), to: VaultFixture.admin, on: id)
        try await fixture.services.provider.delete(id, by: grant)
        try await fixture.services.provider.delete(id, by: grant)
        #expect(try await fixture.arm(.get, "deletedVaults", group: nil).items.count == 1)
    }
}
