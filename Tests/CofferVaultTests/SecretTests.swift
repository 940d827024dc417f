import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferVault

@Suite struct SecretTests {
    let fixture = VaultFixture()
    let base = "https://kv1.vault.localhost:8443/secrets/secret1"

    /// The last segment of a versioned id.
    func version(_ id: String) -> String { id.split(separator: "/").last.map(String.init) ?? "" }

    @Test func aSecretThatWasSetIsRead() async throws {
        try await fixture.makeVault()
        let made = try await fixture.vault(.put, "secrets/secret1", [
            "value": "open sesame", "contentType": "text/plain", "tags": ["file-encoding": "utf-8"],
            "attributes": ["enabled": true, "nbf": 1_700_000_000, "exp": 1_900_000_000],
        ])
        #expect(made.status == 200)
        let id = try #require(made.json["id"]?.string)
        #expect(id.hasPrefix("\(base)/"))
        #expect(ObjectVersionID(version(id)) != nil)
        #expect(made.json["value"] == "open sesame")
        #expect(made.json["contentType"] == "text/plain")
        #expect(made.json["tags"] == ["file-encoding": "utf-8"])
        #expect(made.json["managed"] == nil)
        #expect(made.json["kid"] == nil)
        let attributes = try #require(made.json["attributes"])
        #expect(attributes["enabled"] == true)
        #expect(attributes["nbf"] == 1_700_000_000)
        #expect(attributes["exp"] == 1_900_000_000)
        #expect(attributes["recoveryLevel"] == "Recoverable+Purgeable")
        #expect(attributes["recoverableDays"] == 90)
        #expect(attributes["created"]?.int == fixture.clock.now().seconds)
        for path in ["secrets/secret1", "secrets/secret1/", "secrets/SECRET1", "secrets/secret1/\(version(id))"] {
            let read = try await fixture.vault(.get, path)
            #expect(read.status == 200)
            #expect(read.json == made.json, "\(path)")
        }
    }

    @Test func settingAgainMakesAVersionAndKeepsTheOldOne() async throws {
        try await fixture.makeVault()
        let first = try await fixture.setSecret("Secret1", "one")
        let second = try await fixture.setSecret("secret1", "two")
        #expect(first != second)
        #expect(second.contains("/secrets/Secret1/"), "the name keeps its first spelling")
        #expect(try await fixture.vault(.get, "secrets/secret1").json["value"] == "two")
        #expect(try await fixture.vault(.get, "secrets/secret1/\(version(first))").json["value"] == "one")
        #expect(try await fixture.vault(.get, "secrets/secret1/\(version(first).uppercased())").json["value"] == "one")
    }

    @Test func thePreviousVersionIsToldSinceTheVersionThatKnowsIt() async throws {
        try await fixture.makeVault()
        let first = try await fixture.setSecret("secret1", "one")
        try await fixture.setSecret("secret1", "two")
        for apiVersion in ["2025-07-01", "2026-04-01", "2026-01-01-preview"] {
            let answer = try await fixture.vault(.get, "secrets/secret1", apiVersion: apiVersion)
            #expect(answer.json["previousVersion"]?.string == version(first))
            #expect(try await fixture.vault(.get, "secrets/secret1/\(version(first))", apiVersion: apiVersion).json["previousVersion"] == nil)
        }
        for apiVersion in ["7.4", "7.6", "2025-06-01-preview"] {
            #expect(try await fixture.vault(.get, "secrets/secret1", apiVersion: apiVersion).json["previousVersion"] == nil)
        }
    }

    @Test func attributesAndTagsChangeWithoutTheValue() async throws {
        try await fixture.makeVault()
        let id = try await fixture.setSecret("secret1", "one", ["contentType": "a", "tags": ["x": "y"]])
        fixture.clock.advance(by: .seconds(100))
        let changed = try await fixture.vault(.patch, "secrets/secret1/\(version(id))", [
            "contentType": "b", "attributes": ["exp": 2_000_000_000], "value": "two",
        ])
        #expect(changed.status == 200)
        #expect(changed.json["value"] == nil, "who may update need not be who may read")
        #expect(changed.json["contentType"] == "b")
        #expect(changed.json["tags"] == ["x": "y"])
        #expect(changed.json["attributes"]?["exp"] == 2_000_000_000)
        let (created, updated) = (changed.json["attributes"]?["created"]?.int, changed.json["attributes"]?["updated"]?.int)
        #expect(try #require(updated) - (try #require(created)) == 100)
        let read = try await fixture.vault(.get, "secrets/secret1")
        #expect(read.json["value"] == "one")
        #expect(read.json["id"]?.string == id)
        #expect(try await fixture.vault(.patch, "secrets/secret1/", ["tags": [:]]).json["tags"] == nil)
        #expect(try await fixture.vault(.get, "secrets/secret1/versions").items.count == 1)
    }

    @Test func aDisabledSecretKeepsItsValueUntilItIsEnabled() async throws {
        try await fixture.makeVault()
        let id = try await fixture.setSecret("secret1", "one", ["attributes": ["enabled": false]])
        for path in ["secrets/secret1", "secrets/secret1/\(version(id))"] {
            let refused = try await fixture.vault(.get, path)
            #expect(refused.status == 403)
            #expect(refused.code == "Forbidden")
            #expect(refused.innerCode == "SecretDisabled")
            #expect(refused.message.hasPrefix("Operation get is not allowed on a disabled secret."))
            #expect(fixture.audit.events.last?.status == 403)
        }
        #expect(try await fixture.vault(.get, "secrets").items.first?["attributes"]?["enabled"] == false)
        #expect(try await fixture.vault(.patch, "secrets/secret1", ["attributes": ["enabled": true]]).status == 200)
        #expect(try await fixture.vault(.get, "secrets/secret1").json["value"] == "one")
    }

    @Test func datesAreInformationOnly() async throws {
        try await fixture.makeVault()
        let now = fixture.clock.now().seconds
        try await fixture.setSecret("early", "one", ["attributes": ["nbf": .int(now + 1000)]])
        try await fixture.setSecret("late", "two", ["attributes": ["exp": .int(now - 1000)]])
        #expect(try await fixture.vault(.get, "secrets/early").json["value"] == "one")
        #expect(try await fixture.vault(.get, "secrets/late").json["value"] == "two")
    }

    @Test func deletionRecoveryAndPurgeNeverTellTheValue() async throws {
        try await fixture.makeVault("kv1", ["softDeleteRetentionInDays": 7])
        try await fixture.setSecret("secret1", "one")
        let id = try await fixture.setSecret("secret1", "two", ["contentType": "t"])
        let deleted = try await fixture.vault(.delete, "secrets/secret1")
        #expect(deleted.status == 200)
        #expect(deleted.json["id"]?.string == id)
        #expect(deleted.json["contentType"] == "t")
        #expect(deleted.json["value"] == nil)
        #expect(deleted.json["recoveryId"] == "https://kv1.vault.localhost:8443/deletedsecrets/secret1")
        let (from, to) = (deleted.json["deletedDate"]?.int, deleted.json["scheduledPurgeDate"]?.int)
        #expect(try #require(to) - (try #require(from)) == 7 * 86_400)
        #expect(try await fixture.vault(.get, "secrets/secret1").code == "SecretNotFound")
        #expect(try await fixture.vault(.get, "secrets").items.isEmpty)
        #expect(try await fixture.vault(.get, "deletedsecrets/secret1").json == deleted.json)
        let listed = try #require(try await fixture.vault(.get, "deletedsecrets").items.first)
        #expect(listed["id"]?.string == base)
        #expect(listed["value"] == nil)
        let refused = try await fixture.vault(.put, "secrets/secret1", ["value": "three"])
        #expect(refused.status == 409)
        #expect(refused.innerCode == "ObjectIsDeletedButRecoverable")
        let recovered = try await fixture.vault(.post, "deletedsecrets/secret1/recover")
        #expect(recovered.json["id"]?.string == id)
        #expect(recovered.json["value"] == nil)
        #expect(try await fixture.vault(.get, "secrets/secret1").json["value"] == "two")
        #expect(try await fixture.vault(.get, "secrets/secret1/versions").items.count == 2)
        _ = try await fixture.vault(.delete, "secrets/secret1")
        #expect(try await fixture.vault(.delete, "deletedsecrets/secret1").status == 204)
        #expect(try await fixture.vault(.get, "deletedsecrets/secret1").code == "SecretNotFound")
        #expect(try await documents(in: "secret-versions").isEmpty)
        #expect(try await fixture.changes().isEmpty, "secrets are nothing to the disk platform")
    }

    @Test func theValueIsSealedForItsOwnPlaceInTheVault() async throws {
        try await fixture.makeVault()
        try await fixture.setSecret("one", "first")
        try await fixture.setSecret("two", "second")
        // Somebody with the database moves one secret's sealed value to another.
        try await fixture.store.write { transaction in
            let all = try transaction.values(SecretVersionRecord.self, in: "secret-versions")
            guard let one = all.first(where: { $0.name == "one" }), let two = all.first(where: { $0.name == "two" }),
                let place = try transaction.documents(in: "secret-versions", prefix: "", after: nil, limit: 10).last?.id
            else { return }
            let forged = SecretVersionRecord(
                name: "two", version: two.version, isManaged: false, sealedValue: one.sealedValue, contentType: nil, created: two.created,
                updated: two.updated, isEnabled: true, notBefore: nil, expires: nil, tags: [:])
            try transaction.put(forged, place, in: "secret-versions")
        }
        await #expect(throws: SealError.notAuthentic) { try await fixture.vault(.get, "secrets/two") }
        #expect(try await fixture.vault(.get, "secrets/one").json["value"] == "first")
    }

    @Test func aCertificatesSecretIsReadableAndNotChangeable() async throws {
        try await fixture.makeVault()
        let versionID = ObjectVersionID.random()
        try await addManagedSecret(named: "cert1", versionID)
        let read = try await fixture.vault(.get, "secrets/cert1")
        #expect(read.json["value"] == "pfx")
        #expect(read.json["managed"] == true)
        #expect(read.json["kid"]?.string == "https://kv1.vault.localhost:8443/keys/cert1/\(versionID.text)")
        #expect(try await fixture.vault(.get, "secrets").items.first?["managed"] == true)
        for answer in [
            try await fixture.vault(.put, "secrets/cert1", ["value": "x"]),
            try await fixture.vault(.patch, "secrets/cert1", ["contentType": "x"]),
            try await fixture.vault(.delete, "secrets/cert1"),
        ] {
            #expect(answer.status == 403)
            #expect(answer.innerCode == "ObjectIsManaged")
        }
    }

    @Test func aSecretThatIsNotThereIsNotFound() async throws {
        try await fixture.makeVault()
        try await fixture.setSecret()
        let none = String(repeating: "0", count: 32)
        for path in ["secrets/none", "secrets/secret1/\(none)", "secrets/secret1/latest", "deletedsecrets/secret1"] {
            let answer = try await fixture.vault(.get, path)
            #expect(answer.status == 404)
            #expect(answer.code == "SecretNotFound")
        }
        #expect(try await fixture.vault(.patch, "secrets/none", [:]).code == "SecretNotFound")
        #expect(try await fixture.vault(.delete, "secrets/none").code == "SecretNotFound")
        #expect(try await fixture.vault(.post, "deletedsecrets/secret1/recover").code == "SecretNotFound")
        #expect(try await fixture.vault(.post, "secrets/secret1").status == 405)
    }

    @Test func concurrentSettersLoseNoVersion() async throws {
        try await fixture.makeVault()
        let ids = try await withThrowingTaskGroup(of: String.self) { group in
            for number in 0..<20 { group.addTask { try await fixture.setSecret("secret1", "value \(number)") } }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        let listed = try await fixture.vault(.get, "secrets/secret1/versions").items.compactMap { $0["id"]?.string }
        #expect(Set(listed) == ids)
        #expect(ids.count == 20)
    }

    private func documents(in collection: String) async throws -> [Document] {
        try await fixture.store.read { try $0.documents(in: collection, prefix: "", after: nil, limit: 100) }
    }

    private func addManagedSecret(named name: String, _ version: ObjectVersionID) async throws {
        let now = fixture.clock.now()
        let object = try ObjectName(name)
        let vaultName = try #require(VaultName("kv1"))
        let vault = try #require(try await fixture.store.read { try $0.vault(named: vaultName, at: now) })
        let sealed = try await PlainSealer().seal(
            try SecretValue.bytes(of: "pfx"), realm: vault.sealRealm, name: SecretVersionRecord.sealName(version, of: object))
        try await fixture.store.write { transaction in
            try transaction.add(
                SecretVersionRecord(
                    name: name, version: version.text, isManaged: true, sealedValue: Base64URL.encode(sealed),
                    contentType: "application/x-pkcs12", created: now, updated: now, isEnabled: true, notBefore: nil, expires: nil, tags: [:]),
                in: vault, at: now)
        }
    }
}
