import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferVault

@Suite struct SecretBackupTests {
    let fixture = VaultFixture()

    func backup(_ name: String = "secret1", vault: String = "kv1") async throws -> String {
        let answer = try await fixture.vault(.post, "secrets/\(name)/backup", vault: vault)
        guard answer.status == 200, let value = answer.json["value"]?.string else { throw Unexpected(answer: answer) }
        return value
    }

    func restore(_ value: JSONValue, vault: String = "kv1") async throws -> Answer {
        try await fixture.vault(.post, "secrets/restore", ["value": value], vault: vault)
    }

    func makeVault(_ name: String, _ location: String) async throws {
        _ = try await fixture.arm(.put, "vaults/\(name)", ["location": .string(location), "properties": .object(VaultFixture.properties)])
    }

    @Test func aBackupBringsAllVersionsIntoAnotherVault() async throws {
        try await fixture.makeVault("kv1")
        try await makeVault("kv2", "ukwest")
        let first = try await fixture.setSecret("Secret1", "one", ["attributes": ["enabled": false], "tags": ["a": "b"]])
        let second = try await fixture.setSecret("Secret1", "two", ["contentType": "text/plain"])
        let value = try await backup("secret1")
        let restored = try await restore(.string(value), vault: "kv2")
        #expect(restored.status == 200)
        #expect(restored.json["id"]?.string == second.replacing("kv1.", with: "kv2."))
        #expect(restored.json["contentType"] == "text/plain")
        #expect(restored.json["value"] == nil)
        let read = try await fixture.vault(.get, "secrets/secret1", vault: "kv2")
        #expect(read.json["value"] == "two")
        let versions = try await fixture.vault(.get, "secrets/secret1/versions", vault: "kv2").items
        #expect(Set(versions.compactMap { $0["id"]?.string }) == Set([first, second].map { $0.replacing("kv1.", with: "kv2.") }))
        let old = try #require(versions.first { $0["id"]?.string == first.replacing("kv1.", with: "kv2.") })
        #expect(old["tags"] == ["a": "b"])
        #expect(old["attributes"]?["enabled"] == false)
        // The copy is its own: what happens to the original does nothing to it.
        try await fixture.setSecret("secret1", "three")
        _ = try await fixture.vault(.delete, "secrets/secret1")
        #expect(try await fixture.vault(.get, "secrets/secret1", vault: "kv2").json["value"] == "two")
    }

    @Test func aBackupOutlivesItsVault() async throws {
        try await fixture.makeVault()
        try await fixture.setSecret("secret1", "one")
        let value = try await backup()
        _ = try await fixture.arm(.delete, "vaults/kv1")
        _ = try await fixture.arm(.post, "locations/uksouth/deletedVaults/kv1/purge", group: nil)
        try await fixture.makeVault()
        #expect(try await restore(.string(value)).status == 200)
        #expect(try await fixture.vault(.get, "secrets/secret1").json["value"] == "one")
    }

    @Test func aNameThatIsTakenIsNotOverwritten() async throws {
        try await fixture.makeVault()
        try await fixture.setSecret("secret1", "one")
        let value = try await backup()
        try await fixture.setSecret("secret1", "two")
        let taken = try await restore(.string(value))
        #expect(taken.status == 409)
        #expect(taken.innerCode == "ObjectAlreadyExists")
        _ = try await fixture.vault(.delete, "secrets/secret1")
        #expect(try await restore(.string(value)).innerCode == "ObjectIsDeletedButRecoverable")
        _ = try await fixture.vault(.delete, "deletedsecrets/secret1")
        #expect(try await restore(.string(value)).status == 200)
        #expect(try await fixture.vault(.get, "secrets/secret1").json["value"] == "one")
        #expect(try await fixture.vault(.get, "secrets/secret1/versions").items.count == 1)
    }

    @Test func aBackupIsGoodInItsSubscriptionAndGeographyAlone() async throws {
        try await fixture.makeVault("kv1")
        try await fixture.setSecret("secret1", "one")
        let value = try await backup()
        try await makeVault("kv2", "westeurope")
        _ = try await fixture.arm(
            .put, "vaults/kv3", ["location": "uksouth", "properties": .object(VaultFixture.properties)],
            subscription: "aaaaaaaa-0000-0000-0000-000000000002")
        for vault in ["kv2", "kv3"] {
            let refused = try await restore(.string(value), vault: vault)
            #expect(refused.status == 400)
            #expect(refused.code == "BadParameter")
            #expect(try await fixture.vault(.get, "secrets", vault: vault).items.isEmpty)
        }
    }

    @Test func damagedBackupsAreRefused() async throws {
        try await fixture.makeVault()
        try await fixture.setSecret("secret1", "one")
        let value = try await backup()
        _ = try await fixture.vault(.delete, "secrets/secret1")
        _ = try await fixture.vault(.delete, "deletedsecrets/secret1")
        for bad: JSONValue in [
            "", "x", "!!", "AAAA", .string(String(value.dropLast(8))), .string(String(value.dropFirst(4))), .string("AAAA" + value), 5, .null, [],
            .string(String(repeating: "A", count: 4_000_001)),
        ] {
            let refused = try await restore(bad)
            #expect(refused.status == 400)
            #expect(refused.code == "BadParameter")
            #expect(fixture.audit.events.last?.operation == "SecretRestore")
        }
        #expect(try await fixture.vault(.get, "secrets").items.isEmpty)
    }

    @Test func backupAndRestoreNeedTheirOwnPermissions() async throws {
        try await fixture.makeVault()
        try await fixture.setSecret()
        let value = try await backup()
        fixture.roles.allow("backup", "Microsoft.KeyVault/vaults/secrets/backup/action", below: "/")
        fixture.roles.allow("restore", "Microsoft.KeyVault/vaults/secrets/restore/action", below: "/")
        for (token, statuses) in [("backup", [200, 403]), ("restore", [403, 409]), ("nobody", [403, 403])] {
            #expect(try await fixture.vault(.post, "secrets/secret1/backup", as: token).status == statuses[0])
            #expect(try await fixture.vault(.post, "secrets/restore", ["value": .string(value)], as: token).status == statuses[1])
        }
        #expect(try await fixture.vault(.post, "secrets/none/backup").code == "SecretNotFound")
    }

    @Test func fiveHundredPastVersionsAreBackedUpAndNoMore() async throws {
        try await fixture.makeVault()
        for number in 0..<501 { try await fixture.setSecret("secret1", "\(number)") }
        let value = try await backup()
        try await fixture.setSecret("secret1", "one too many")
        let refused = try await fixture.vault(.post, "secrets/secret1/backup")
        #expect(refused.status == 400)
        #expect(refused.code == "BadParameter")
        _ = try await fixture.vault(.delete, "secrets/secret1")
        _ = try await fixture.vault(.delete, "deletedsecrets/secret1")
        #expect(try await restore(.string(value)).status == 200)
        #expect(try await fixture.vault(.get, "secrets/secret1").json["value"] == "500")
    }
}
