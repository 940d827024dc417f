import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferVault

/// Soft delete as keys, secrets and certificates share it, shown with keys.
@Suite struct ObjectDeletionTests {
    let fixture = VaultFixture()

    @Test func aDeletedKeyIsGoneAndListedAsDeleted() async throws {
        try await fixture.makeVault("kv1", ["softDeleteRetentionInDays": 7])
        let url = try await fixture.makeKey()
        let deleted = try await fixture.vault(.delete, "keys/key1")
        #expect(deleted.status == 200)
        #expect(deleted.json["recoveryId"]?.string == "https://kv1.vault.localhost:8443/deletedkeys/key1")
        #expect(deleted.json["key"]?["kid"]?.string == url.text)
        let (from, to) = (try #require(deleted.json["deletedDate"]?.int), try #require(deleted.json["scheduledPurgeDate"]?.int))
        #expect(to - from == 7 * 86_400)
        #expect(try await fixture.vault(.get, "keys/key1").code == "KeyNotFound")
        #expect(try await fixture.vault(.get, "keys/key1/\(url.version ?? "")").code == "KeyNotFound")
        #expect(try await fixture.vault(.get, "keys").items.isEmpty)
        let listed = try await fixture.vault(.get, "deletedkeys").items
        #expect(listed.count == 1)
        #expect(listed.first?["recoveryId"]?.string == "https://kv1.vault.localhost:8443/deletedkeys/key1")
        #expect(try await fixture.vault(.get, "deletedkeys/KEY1").json["key"]?["kid"]?.string == url.text)
        #expect(try await fixture.changes().map(\.kind) == [.newVersion, .deleted])
    }

    @Test func aDeletedKeysNameIsTakenUntilItIsPurged() async throws {
        try await fixture.makeVault()
        try await fixture.makeKey()
        _ = try await fixture.vault(.delete, "keys/key1")
        let refused = try await fixture.vault(.post, "keys/key1/create", ["kty": "RSA"])
        #expect(refused.status == 409)
        #expect(refused.innerCode == "ObjectIsDeletedButRecoverable")
        let purged = try await fixture.vault(.delete, "deletedkeys/key1")
        #expect(purged.status == 204)
        #expect(try await fixture.vault(.get, "deletedkeys/key1").code == "KeyNotFound")
        #expect(try await fixture.vault(.post, "keys/key1/create", ["kty": "RSA"]).status == 200)
        #expect(try await fixture.vault(.get, "keys/key1/versions").items.count == 1)
    }

    @Test func recoveryBringsAllVersionsBack() async throws {
        try await fixture.makeVault()
        let first = try await fixture.makeKey()
        let second = try await fixture.makeKey()
        _ = try await fixture.vault(.delete, "keys/key1")
        #expect(try await fixture.vault(.post, "deletedkeys/key1/recover").json["key"]?["kid"]?.string == second.text)
        #expect(try await fixture.vault(.get, "keys/key1").json["key"]?["kid"]?.string == second.text)
        #expect(try await fixture.vault(.get, "keys/key1/\(first.version ?? "")").status == 200)
        #expect(try await fixture.vault(.post, "deletedkeys/key1/recover").code == "KeyNotFound")
        #expect(try await fixture.changes().last?.kind == .recovered)
        await fixture.services.keeper.runDue()
        fixture.clock.advance(by: .seconds(91 * 86_400))
        await fixture.services.keeper.runDue()
        #expect(try await fixture.vault(.get, "keys/key1").status == 200)
    }

    @Test func purgeProtectionRefusesPurge() async throws {
        try await fixture.makeVault("kv1", ["enablePurgeProtection": true])
        try await fixture.makeKey()
        _ = try await fixture.vault(.delete, "keys/key1")
        let refused = try await fixture.vault(.delete, "deletedkeys/key1")
        #expect(refused.status == 403)
        #expect(refused.code == "Forbidden")
        #expect(try await fixture.vault(.get, "deletedkeys/key1").status == 200)
    }

    @Test func theKeeperPurgesAtTheEndOfRetention() async throws {
        try await fixture.makeVault("kv1", ["softDeleteRetentionInDays": 7, "enablePurgeProtection": true])
        try await fixture.makeKey()
        _ = try await fixture.vault(.delete, "keys/key1")
        fixture.clock.advance(by: .seconds(7 * 86_400 - 1))
        await fixture.services.keeper.runDue()
        #expect(try await fixture.vault(.get, "deletedkeys/key1").status == 200)
        fixture.clock.advance(by: .seconds(1))
        // It is gone at that moment, whether or not the keeper has come by.
        #expect(try await fixture.vault(.get, "deletedkeys/key1").status == 404)
        #expect(try await count(in: "key-versions") == 1)
        await fixture.services.keeper.runDue()
        #expect(try await count(in: "key-versions") == 0)
        #expect(try await count(in: "agenda") == 0)
    }

    @Test func theKeeperPurgesVaultsWithAllTheyHold() async throws {
        try await fixture.makeVault("kv1", ["softDeleteRetentionInDays": 7])
        try await fixture.makeKey()
        _ = try await fixture.arm(.delete, "vaults/kv1")
        fixture.clock.advance(by: .seconds(7 * 86_400))
        await fixture.services.keeper.runDue()
        for collection in ["vaults", "keys", "key-versions", "agenda"] {
            #expect(try await count(in: collection) == 0, "\(collection)")
        }
    }

    @Test func eachStepNeedsItsOwnPermission() async throws {
        try await fixture.makeVault("kv1", ["enableRbacAuthorization": true])
        try await fixture.makeKey()
        fixture.roles.allow("reader", "Microsoft.KeyVault/vaults/keys/read", below: "/")
        #expect(try await fixture.vault(.delete, "keys/key1", as: "reader").innerCode == "ForbiddenByRbac")
        _ = try await fixture.vault(.delete, "keys/key1")
        #expect(try await fixture.vault(.get, "deletedkeys/key1", as: "reader").status == 200)
        #expect(try await fixture.vault(.post, "deletedkeys/key1/recover", as: "reader").status == 403)
        #expect(try await fixture.vault(.delete, "deletedkeys/key1", as: "reader").status == 403)
    }

    private func count(in collection: String) async throws -> Int {
        try await fixture.store.read { try $0.documents(in: collection, prefix: "", after: nil, limit: 100).count }
    }
}
