import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferVault

@Suite struct VaultKeyServiceTests {
    let fixture = VaultFixture()
    let identity = Caller(objectID: "des1", applicationID: "des1-app", tenantID: VaultFixture.tenant, address: "")
    let desk = Desk()

    /// Somebody to whom data keys are sealed.
    final class Desk: Sendable {
        let key = HPKEPrivateKey.generate()

        func recipient(layer: Int = 0) throws -> DataKeyRecipient {
            DataKeyRecipient(publicKey: key.publicKey, disk: try Self.disk(), layer: layer)
        }

        static func disk() throws -> DiskID {
            try #require(DiskID("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"))
        }

        func open(_ sealed: SealedKey, layer: Int = 0) throws -> SecretBytes {
            try key.open(
                sealed.box, info: SealedKey.purpose, authenticating: SealedKey.binding(disk: try Self.disk(), layer: layer))
        }
    }

    var service: any KeyService { fixture.services.keyService }

    func prepare(_ properties: [String: JSONValue] = [:]) async throws -> KeyURL {
        try await fixture.makeVault("kv1", properties)
        for action in ["read", "wrap/action", "unwrap/action"] {
            fixture.roles.allow("des1", "Microsoft.KeyVault/vaults/keys/\(action)", below: "/")
        }
        return try await fixture.makeKey()
    }

    func refusal(_ body: () async throws -> Void) async -> APIError? {
        do {
            try await body()
            return nil
        } catch let error as APIError {
            return error
        } catch {
            Issue.record(error)
            return nil
        }
    }

    /// What each operation of the port answers, by name; nil if it succeeds.
    func refusals(_ key: KeyURL, _ layer: DiskLayer, as identity: Caller? = nil) async throws -> [String: APIError?] {
        let identity = identity ?? self.identity
        let recipient = try desk.recipient()
        return [
            "make": await refusal { _ = try await service.makeDataKey(under: key.text, as: identity, for: recipient) },
            "open": await refusal { _ = try await service.openDataKey(layer, as: identity, for: recipient) },
            "rewrap": await refusal {
                _ = try await service.rewrapDataKey(layer, under: key.text, as: identity, for: recipient)
            },
        ]
    }

    @Test func aDataKeyIsMadeWrappedAndOpensAgain() async throws {
        let key = try await prepare()
        let made = try await service.makeDataKey(under: key.text, as: identity, for: try desk.recipient())
        #expect(made.layer.keyID == key.text)
        #expect(made.layer.algorithm == "RSA-OAEP-256")
        #expect(made.layer.wrappedKey.count == 256)
        let dataKey = try desk.open(made.sealed)
        #expect(dataKey.count == 64)
        let isSound = DataKey.isSound(dataKey)
        #expect(isSound)
        let opened = try desk.open(try await service.openDataKey(made.layer, as: identity, for: try desk.recipient()))
        let isSame = dataKey.constantTimeEquals(opened)
        #expect(isSame)
        let another = try desk.open(
            try await service.makeDataKey(under: key.text, as: identity, for: try desk.recipient()).sealed)
        let isFresh = !dataKey.constantTimeEquals(another)
        #expect(isFresh)
    }

    @Test func whatIsSealedForOneLayerDoesNotOpenForAnother() async throws {
        let key = try await prepare()
        let made = try await service.makeDataKey(under: key.text, as: identity, for: try desk.recipient(layer: 0))
        #expect(throws: CryptoError.authenticationFailed) { _ = try desk.open(made.sealed, layer: 1) }
        #expect(throws: CryptoError.authenticationFailed) { _ = try Desk().open(made.sealed) }
    }

    @Test func rewrappingKeepsTheDataKeyAndTheOldWrapStaysValid() async throws {
        let old = try await prepare()
        let made = try await service.makeDataKey(under: old.text, as: identity, for: try desk.recipient())
        let rotated = try await fixture.vault(.post, "keys/key1/rotate")
        let new = try #require(KeyURL(rotated.json["key"]?["kid"]?.string ?? ""))
        let again = try await service.rewrapDataKey(made.layer, under: new.text, as: identity, for: try desk.recipient())
        #expect(again.layer.keyID == new.text)
        #expect(again.layer.wrappedKey != made.layer.wrappedKey)
        let dataKey = try desk.open(made.sealed)
        let isKept = dataKey.constantTimeEquals(try desk.open(again.sealed))
        #expect(isKept)
        for layer in [made.layer, again.layer] {
            let opened = try await service.openDataKey(layer, as: identity, for: try desk.recipient())
            let isSame = dataKey.constantTimeEquals(try desk.open(opened))
            #expect(isSame)
        }
    }

    @Test func aDataKeyIsAdoptedSealedAndUnderTheAdoptersKeyAlone() async throws {
        let url = try await prepare()
        let made = try await service.makeDataKey(under: url.text, as: identity, for: try desk.recipient())
        let adopted = try await service.adoptDataKey(under: url.text, as: identity, for: try desk.recipient()) { courier in
            try await service.openDataKey(made.layer, as: identity, for: courier)
        }
        #expect(adopted.layer.keyID == url.text)
        #expect(adopted.layer.wrappedKey != made.layer.wrappedKey)
        let dataKey = try desk.open(made.sealed)
        let isSame = dataKey.constantTimeEquals(try desk.open(adopted.sealed))
        #expect(isSame)
        // What was sealed for another layer, or to another recipient, is not taken.
        await #expect(throws: CryptoError.authenticationFailed) {
            _ = try await service.adoptDataKey(under: url.text, as: identity, for: try desk.recipient(layer: 1)) { courier in
                let astray = DataKeyRecipient(publicKey: courier.publicKey, disk: courier.disk, layer: 0)
                return try await service.openDataKey(made.layer, as: identity, for: astray)
            }
        }
        await #expect(throws: CryptoError.authenticationFailed) {
            _ = try await service.adoptDataKey(under: url.text, as: identity, for: try desk.recipient()) { _ in made.sealed }
        }
        let stranger = Caller(objectID: "nobody", applicationID: "nobody", tenantID: identity.tenantID, address: "")
        await #expect(throws: APIError.self) {
            _ = try await service.adoptDataKey(under: url.text, as: stranger, for: try desk.recipient()) { courier in
                try await service.openDataKey(made.layer, as: identity, for: courier)
            }
        }
    }

    @Test func rewrappingReachesAKeyOfAnotherVault() async throws {
        let old = try await prepare()
        let made = try await service.makeDataKey(under: old.text, as: identity, for: try desk.recipient())
        try await fixture.makeVault("kv2")
        let new = try await fixture.makeKey("other", ["key_size": 3072], vault: "kv2")
        let again = try await service.rewrapDataKey(made.layer, under: new.text, as: identity, for: try desk.recipient())
        #expect(again.layer.keyID == new.text)
        #expect(again.layer.wrappedKey.count == 384)
        let isKept = try desk.open(made.sealed).constantTimeEquals(try desk.open(again.sealed))
        #expect(isKept)
        let last = fixture.audit.events.suffix(3)
        #expect(last.map(\.operation) == ["KeyWrap", "KeyUnwrap", "KeyUnwrap"])
        #expect(last.map(\.resource.name) == ["kv2", "kv2", "kv1"])
    }

    @Test func theStatusTellsWhatTheDiskPlatformAsks() async throws {
        let first = try await prepare(["enablePurgeProtection": true])
        _ = try await fixture.vault(.patch, "keys/key1", ["attributes": ["enabled": false, "nbf": 5, "exp": 10]])
        let rotated = try await fixture.vault(.post, "keys/key1/rotate")
        let second = try #require(KeyURL(rotated.json["key"]?["kid"]?.string ?? ""))
        let old = try await service.status(of: first, as: identity)
        #expect(old.url == first)
        #expect(old.currentVersion == second.version)
        #expect(!old.isEnabled)
        #expect(old.notBefore == Timestamp(seconds: 5))
        #expect(old.expires == Timestamp(seconds: 10))
        let current = try await service.status(of: first.with(version: nil), as: identity)
        #expect(current.url == second)
        #expect(current.isEnabled)
        #expect(current.keyType == "RSA")
        #expect(current.bits == 2048)
        #expect(current.vault.name == "kv1")
        #expect(current.location == "uksouth")
        #expect(current.hasPurgeProtection)
        let event = try #require(fixture.audit.events.last)
        #expect(event.operation == "KeyGet")
        #expect(event.callerObjectID == "des1")
        #expect(event.object == second.text)
    }

    @Test func anIdentityWithoutARoleIsRefusedWithAdvice() async throws {
        let key = try await prepare()
        let made = try await service.makeDataKey(under: key.text, as: identity, for: try desk.recipient())
        let stranger = Caller(objectID: "stranger", applicationID: "s", tenantID: VaultFixture.tenant, address: "")
        for (name, error) in try await refusals(key, made.layer, as: stranger) {
            #expect(error?.status == 403, "\(name)")
            #expect(error?.code == "KeyVaultAccessForbidden")
            #expect(error?.message.contains("Key Vault Crypto Service Encryption User") == true)
            #expect(error?.message.contains("--assignee-object-id stranger") == true)
            #expect(error?.message.contains("/vaults/kv1") == true)
        }
        #expect(await refusal { _ = try await service.status(of: key, as: stranger) }?.code == "KeyVaultAccessForbidden")
        let event = try #require(fixture.audit.events.last)
        #expect(event.callerObjectID == "stranger")
        #expect(event.status == 403)
    }

    @Test func readingAndUnwrappingAreNotEnoughToWrap() async throws {
        let key = try await prepare()
        let made = try await service.makeDataKey(under: key.text, as: identity, for: try desk.recipient())
        fixture.roles.revokeAll("des1")
        fixture.roles.allow("des1", "Microsoft.KeyVault/vaults/keys/read", below: "/")
        fixture.roles.allow("des1", "Microsoft.KeyVault/vaults/keys/unwrap/action", below: "/")
        var refused = try await refusals(key, made.layer)
        #expect(refused["make"]??.code == "KeyVaultAccessForbidden")
        #expect(refused["rewrap"]??.code == "KeyVaultAccessForbidden")
        #expect(refused["open"] == .some(nil))
        fixture.roles.revokeAll("des1")
        fixture.roles.allow("des1", "Microsoft.KeyVault/vaults/keys/wrap/action", below: "/")
        refused = try await refusals(key, made.layer)
        #expect(refused.values.allSatisfy { $0?.code == "KeyVaultAccessForbidden" })
    }

    @Test func accessPoliciesCountWhereTheVaultUsesThem() async throws {
        let policy: JSONValue = [
            "tenantId": .string(VaultFixture.tenant), "objectId": "des1", "permissions": ["keys": ["get", "wrapKey", "unwrapKey"]],
        ]
        let maker: JSONValue = [
            "tenantId": .string(VaultFixture.tenant), "objectId": "admin", "permissions": ["keys": ["create"]],
        ]
        let key = try await prepare(["enableRbacAuthorization": false, "accessPolicies": [policy, maker]])
        let made = try await service.makeDataKey(under: key.text, as: identity, for: try desk.recipient())
        _ = try await service.status(of: key, as: identity)
        _ = try await fixture.arm(.patch, "vaults/kv1", ["properties": ["accessPolicies": []]])
        let refused = try await refusals(key, made.layer)
        #expect(refused.values.allSatisfy { $0?.code == "KeyVaultAccessForbidden" })
        #expect(refused["open"]??.message.contains("az keyvault set-policy --name kv1 --object-id des1") == true)
    }

    @Test func aDisabledKeyIsNoKeyUntilItIsEnabledAgain() async throws {
        let key = try await prepare()
        let made = try await service.makeDataKey(under: key.text, as: identity, for: try desk.recipient())
        _ = try await fixture.vault(.patch, "keys/key1", ["attributes": ["enabled": false]])
        for (name, error) in try await refusals(key, made.layer) {
            #expect(error?.status == 403, "\(name)")
            #expect(error?.code == "KeyVaultKeyDisabled")
            #expect(error?.message.contains("az keyvault key set-attributes --id \(key.text) --enabled true") == true)
        }
        _ = try await fixture.vault(.patch, "keys/key1", ["attributes": ["enabled": true]])
        #expect(try await refusals(key, made.layer).values.allSatisfy { $0 == nil })
    }

    @Test func outsideItsDatesAKeyDoesNotEvenUnwrapForDisks() async throws {
        let key = try await prepare()
        let made = try await service.makeDataKey(under: key.text, as: identity, for: try desk.recipient())
        let start = fixture.clock.now().seconds
        _ = try await fixture.vault(
            .patch, "keys/key1", ["attributes": ["nbf": .int(start + 100), "exp": .int(start + 200)]])
        #expect(try await refusals(key, made.layer).values.allSatisfy { $0?.code == "KeyVaultKeyNotYetValid" })
        fixture.clock.advance(by: .seconds(100))
        #expect(try await refusals(key, made.layer).values.allSatisfy { $0 == nil })
        fixture.clock.advance(by: .seconds(100))
        #expect(try await refusals(key, made.layer).values.allSatisfy { $0?.code == "KeyVaultKeyExpired" })
        #expect(try await service.status(of: key, as: identity).isEnabled)
    }

    @Test func keyOpsAreKeptTo() async throws {
        let key = try await prepare()
        let made = try await service.makeDataKey(under: key.text, as: identity, for: try desk.recipient())
        _ = try await fixture.vault(.patch, "keys/key1", ["key_ops": ["sign"]])
        #expect(try await refusals(key, made.layer).values.allSatisfy { $0?.code == "KeyVaultKeyOperationForbidden" })
    }

    @Test func aDeletedVaultTakesItsKeysAwayAndRecoveryBringsThemBack() async throws {
        let key = try await prepare()
        let made = try await service.makeDataKey(under: key.text, as: identity, for: try desk.recipient())
        _ = try await fixture.arm(.delete, "vaults/kv1")
        for (name, error) in try await refusals(key, made.layer) {
            #expect(error?.status == 404, "\(name)")
            #expect(error?.code == "KeyVaultNotFound")
            #expect(error?.message.contains("az keyvault recover --name kv1") == true)
        }
        _ = try await fixture.arm(.put, "vaults/kv1", ["location": "uksouth", "properties": ["createMode": "recover"]])
        #expect(try await refusals(key, made.layer).values.allSatisfy { $0 == nil })
    }

    @Test func whatIsNotThereIsNotFound() async throws {
        let key = try await prepare()
        let made = try await service.makeDataKey(under: key.text, as: identity, for: try desk.recipient())
        let host = key.host
        for (url, code) in [
            ("https://\(host)/keys/none/00000000000000000000000000000000", "KeyVaultKeyNotFound"),
            ("https://\(host)/keys/key1/00000000000000000000000000000000", "KeyVaultKeyNotFound"),
            ("https://\(host)/keys/a_b/00000000000000000000000000000000", "KeyVaultKeyNotFound"),
            ("https://other.vault.localhost:8443/keys/key1/00000000000000000000000000000000", "KeyVaultNotFound"),
            ("https://kv1.vault.azure.net/keys/key1/00000000000000000000000000000000", "KeyVaultNotFound"),
            ("https://\(host)/keys/key1", "InvalidParameter"), ("platform:1", "InvalidParameter"), ("", "InvalidParameter"),
            ("https://\(host)/secrets/key1/00000000000000000000000000000000", "InvalidParameter"),
        ] {
            let layer = DiskLayer(keyID: url, algorithm: "RSA-OAEP-256", wrappedKey: made.layer.wrappedKey)
            let recipient = try desk.recipient()
            #expect(await refusal { _ = try await service.makeDataKey(under: url, as: identity, for: recipient) }?.code == code)
            #expect(await refusal { _ = try await service.openDataKey(layer, as: identity, for: recipient) }?.code == code)
            #expect(
                await refusal { _ = try await service.rewrapDataKey(made.layer, under: url, as: identity, for: recipient) }?.code
                    == code)
        }
    }

    @Test func aDamagedOrForeignWrapIsRefused() async throws {
        let key = try await prepare()
        let made = try await service.makeDataKey(under: key.text, as: identity, for: try desk.recipient())
        let other = try await fixture.makeKey("key2")
        var damaged = made.layer.wrappedKey
        damaged[7] ^= 1
        let recipient = try desk.recipient()
        // A wrap of something that is no data key: anybody with the public key can make one.
        let short = try await fixture.vault(
            .post, "keys/key1//wrapKey", ["alg": "RSA-OAEP-256", "value": .string(Base64URL.encode([UInt8](repeating: 1, count: 64)))])
        let weak = try #require(Base64URL.decode(short.json["value"]?.string ?? ""))
        for (id, wrapped) in [(key.text, damaged), (key.text, []), (key.text, [1, 2, 3]), (other.text, made.layer.wrappedKey), (key.text, weak)] {
            let layer = DiskLayer(keyID: id, algorithm: "RSA-OAEP-256", wrappedKey: wrapped)
            #expect(await refusal { _ = try await service.openDataKey(layer, as: identity, for: recipient) }?.code == "WrappedKeyNotValid")
            #expect(
                await refusal { _ = try await service.rewrapDataKey(layer, under: other.text, as: identity, for: recipient) }?.code
                    == "WrappedKeyNotValid")
        }
        let foreign = DiskLayer(keyID: key.text, algorithm: "A256KW", wrappedKey: made.layer.wrappedKey)
        #expect(await refusal { _ = try await service.openDataKey(foreign, as: identity, for: recipient) }?.code == "InvalidParameter")
    }

    @Test(arguments: [0, 31, 33, 32])
    func aRecipientNeedsARealPublicKey(count: Int) async throws {
        let key = try await prepare()
        // All zeros is a point of small order, which would make the box open to anybody.
        let recipient = DataKeyRecipient(
            publicKey: [UInt8](repeating: 0, count: count), disk: try Desk.disk(), layer: 0)
        #expect(await refusal { _ = try await service.makeDataKey(under: key.text, as: identity, for: recipient) }?.code == "InvalidParameter")
    }

    @Test func everyUseIsAuditedAsTheIdentity() async throws {
        let key = try await prepare()
        let before = fixture.audit.events.count
        let made = try await service.makeDataKey(under: key.text, as: identity, for: try desk.recipient())
        _ = try await service.openDataKey(made.layer, as: identity, for: try desk.recipient())
        _ = try await service.rewrapDataKey(made.layer, under: key.text, as: identity, for: try desk.recipient())
        let events = fixture.audit.events.dropFirst(before)
        #expect(events.map(\.operation) == ["KeyWrap", "KeyUnwrap", "KeyUnwrap", "KeyWrap", "KeyUnwrap", "KeyUnwrap"])
        #expect(events.allSatisfy { $0.callerObjectID == "des1" && $0.status == 200 && $0.object == key.text && !$0.correlationID.isEmpty })
    }

    @Test func dataKeysWithEqualHalvesAreNotSound() {
        let isSound = DataKey.isSound(DataKey.generate())
        #expect(isSound)
        let isRefused = !DataKey.isSound(SecretBytes(count: 64) { (_: inout MutableRawSpan) in })
        #expect(isRefused)
        let isTooShort = !DataKey.isSound(SecureRandom.secret(32))
        #expect(isTooShort)
    }
}
