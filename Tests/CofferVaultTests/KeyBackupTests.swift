import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferVault

@Suite struct KeyBackupTests {
    let fixture = VaultFixture()

    @Test func aKeyComesBackWithItsVersionsAndStillSigns() async throws {
        try await fixture.makeVault()
        let first = try await fixture.makeKey()
        let second = try await fixture.makeKey("key1", ["tags": ["a": "b"]])
        let policy: JSONValue = ["lifetimeActions": [["trigger": ["timeAfterCreate": "P30D"], "action": ["type": "Rotate"]]]]
        _ = try await fixture.vault(.put, "keys/key1/rotationpolicy", policy)
        let digest: JSONValue = ["alg": "RS256", "value": "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"]
        let before = try await fixture.vault(.post, "keys/key1/\(first.version ?? "")/sign", digest).json["value"]
        let blob = try #require(try await fixture.vault(.post, "keys/key1/backup").json["value"])
        #expect(try await fixture.vault(.post, "keys/restore", ["value": blob]).status == 409)
        _ = try await fixture.vault(.delete, "keys/key1")
        #expect(try await fixture.vault(.post, "keys/restore", ["value": blob]).innerCode == "ObjectIsDeletedButRecoverable")
        _ = try await fixture.vault(.delete, "deletedkeys/key1")
        let restored = try await fixture.vault(.post, "keys/restore", ["value": blob])
        #expect(restored.status == 200, "\(restored.message)")
        #expect(restored.json["key"]?["kid"]?.string == second.text)
        #expect(restored.json["tags"] == ["a": "b"])
        #expect(try await fixture.vault(.post, "keys/key1/\(first.version ?? "")/sign", digest).json["value"] == before)
        #expect(try await fixture.changes().last?.kind == .recovered)
        // The policy came along, and acts.
        fixture.clock.advance(by: .seconds(31 * 86_400))
        await fixture.services.keeper.runDue()
        #expect(try await fixture.vault(.get, "keys/key1/versions").items.count == 3)
    }

    @Test func aBackupOfASecretIsNoKeys() async throws {
        try await fixture.makeVault()
        _ = try await fixture.vault(.put, "secrets/s1", ["value": "x"])
        let blob = try #require(try await fixture.vault(.post, "secrets/s1/backup").json["value"])
        #expect(try await fixture.vault(.post, "keys/restore", ["value": blob]).code == "BadParameter")
        for text in ["", "AQID", "not base64!"] {
            #expect(try await fixture.vault(.post, "keys/restore", ["value": .string(text)]).code == "BadParameter")
        }
    }
}
