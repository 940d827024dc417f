import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferVault

/// Keys of the HSM types in a token of SoftHSM's.
@Suite struct HardwareKeyTests {
    let token: FlakyToken
    let fixture: VaultFixture

    init() async throws {
        token = FlakyToken(try await VaultToken.get())
        fixture = VaultFixture(token: token)
        try await fixture.makeVault("kv1", ["sku": ["family": "A", "name": "premium"]])
    }

    private func text(_ bytes: [UInt8]) -> JSONValue { .string(Base64URL.encode(bytes)) }

    private func make(_ body: JSONValue) async throws -> Answer {
        let made = try await fixture.vault(.post, "keys/key1/create", body)
        #expect(made.status == 200, "\(made.message)")
        return made
    }

    private func record() async throws -> KeyVersionRecord {
        let now = fixture.clock.now()
        return try await fixture.store.read { transaction in
            let vault = try #require(try VaultName("kv1").flatMap { try transaction.vault(named: $0, at: now) })
            return try transaction.version(KeyVersionRecord.self, of: try ObjectName("key1"), nil, in: vault)
        }
    }

    @Test func anRSAKeySignsDecryptsAndIsNowhereElse() async throws {
        let made = try await make(["kty": "RSA-HSM", "key_size": 2048])
        #expect(made.json["key"]?["kty"]?.string == "RSA-HSM")
        #expect(made.json["attributes"]?["hsmPlatform"]?.string == "1")
        let stored = try await record()
        #expect(stored.sealedKey.isEmpty)
        #expect(stored.tokenKeyID != nil)
        let n = try #require(made.json["key"]?["n"]?.string.flatMap { Base64URL.decode($0) })
        let outside = try RSAKey(publicModulus: n, exponent: [1, 0, 1])
        let digest = SecureRandom.bytes(32)
        for scheme in [RSASignature.rs256, .ps256] {
            let signed = try await fixture.vault(.post, "keys/key1//sign", ["alg": .string(scheme.rawValue), "value": text(digest)])
            let signature = try #require(signed.json["value"]?.string.flatMap { Base64URL.decode($0) }, "\(signed.message)")
            #expect(try outside.verify(signature, digest: digest, using: scheme))
            let verify: JSONValue = ["alg": .string(scheme.rawValue), "digest": text(digest), "value": text(signature)]
            #expect(try await fixture.vault(.post, "keys/key1//verify", verify).json["value"] == true)
        }
        for scheme in RSAEncryption.allCases {
            let plaintext = SecureRandom.bytes(32)
            let ciphertext = unsafe try outside.encrypt(plaintext.span.bytes, using: scheme)
            let opened = try await fixture.vault(
                .post, "keys/key1//unwrapkey", ["alg": .string(scheme.rawValue), "value": text(ciphertext)])
            #expect(opened.json["value"] == text(plaintext), "\(scheme) \(opened.message)")
        }
        let garbage = try await fixture.vault(
            .post, "keys/key1//decrypt", ["alg": "RSA-OAEP-256", "value": text([UInt8](repeating: 1, count: 256))])
        #expect(garbage.code == "BadParameter")
    }

    @Test func anECKeySignsAndVerifies() async throws {
        let made = try await make(["kty": "EC-HSM", "crv": "P-384"])
        #expect(made.json["key"]?["crv"]?.string == "P-384")
        let digest = SecureRandom.bytes(48)
        let signed = try await fixture.vault(.post, "keys/key1//sign", ["alg": "ES384", "value": text(digest)])
        let verify: JSONValue = ["alg": "ES384", "digest": text(digest), "value": signed.json["value"] ?? .null]
        #expect(try await fixture.vault(.post, "keys/key1//verify", verify).json["value"] == true)
    }

    @Test func anOctKeyEncryptsAndWraps() async throws {
        _ = try await make(["kty": "oct-HSM", "key_size": 256])
        let plaintext = SecureRandom.bytes(32)
        for algorithm in ["A256CBC", "A256CBCPAD", "A256GCM"] {
            let sealed = try await fixture.vault(.post, "keys/key1//encrypt", ["alg": .string(algorithm), "value": text(plaintext)])
            #expect(sealed.status == 200, "\(sealed.message)")
            var body: [String: JSONValue] = ["alg": .string(algorithm), "value": sealed.json["value"] ?? .null]
            body["iv"] = sealed.json["iv"]
            body["tag"] = sealed.json["tag"]
            #expect(try await fixture.vault(.post, "keys/key1//decrypt", .object(body)).json["value"] == text(plaintext), "\(algorithm)")
        }
        let wrapped = try await fixture.vault(.post, "keys/key1//wrapkey", ["alg": "A256KW", "value": text(plaintext)])
        let body: JSONValue = ["alg": "A256KW", "value": wrapped.json["value"] ?? .null]
        #expect(try await fixture.vault(.post, "keys/key1//unwrapkey", body).json["value"] == text(plaintext))
        #expect(try await fixture.vault(.post, "keys/key1//wrapkey", ["alg": "CKM_AES_KEY_WRAP_PAD", "value": "AQ"]).code == "BadParameter")
    }

    @Test func importedKeysMoveIntoTheToken() async throws {
        let pair = try ECKey.generate(on: .p256)
        let scalar = try pair.scalar().withBytes { bytes in unsafe bytes.withUnsafeBytes { unsafe Array($0) } }
        let taken = try await fixture.vault(
            .put, "keys/key1",
            [
                "Hsm": true,
                "key": ["kty": "EC", "crv": "P-256", "x": text(pair.x), "y": text(pair.y), "d": text(scalar)],
            ])
        #expect(taken.json["key"]?["kty"]?.string == "EC-HSM", "\(taken.message)")
        #expect(try await record().sealedKey.isEmpty)
        let digest = SecureRandom.bytes(32)
        let signed = try await fixture.vault(.post, "keys/key1//sign", ["alg": "ES256", "value": text(digest)])
        let signature = try #require(signed.json["value"]?.string.flatMap { Base64URL.decode($0) })
        #expect(try pair.verify(signature, digest: digest, using: .es256))
    }

    @Test func rotationStaysInTheTokenAndPurgeDestroys() async throws {
        _ = try await make(["kty": "EC-HSM"])
        let first = try #require(try await record().tokenKeyID)
        #expect(try await fixture.vault(.post, "keys/key1/rotate").json["key"]?["kty"]?.string == "EC-HSM")
        let second = try #require(try await record().tokenKeyID)
        #expect(first != second)
        #expect(try await fixture.vault(.post, "keys/key1/backup").code == "BadParameter")
        _ = try await fixture.vault(.delete, "keys/key1")
        _ = try await fixture.vault(.delete, "deletedkeys/key1")
        fixture.clock.advance(by: .seconds(3600))
        await fixture.services.keeper.runDue()
        for id in [first, second] {
            var digest = SecureRandom.bytes(32)
            let input = SecretBytes(wiping: &digest)
            await #expect(throws: TokenError.noKey(id)) { _ = try await token.perform(.sign(.es256), on: input, with: id).count }
        }
    }

    @Test func aKeyInUseIsNotTakenForAnUnusedOne() async throws {
        _ = try await make(["kty": "EC-HSM"])
        _ = try await fixture.vault(.post, "keys/key1/rotate")
        fixture.clock.advance(by: TokenKeys.patience + TokenKeys.grace)
        await fixture.services.keeper.runDue()
        let sign: JSONValue = ["alg": "ES256", "value": text(SecureRandom.bytes(32))]
        #expect(try await fixture.vault(.post, "keys/key1//sign", sign).status == 200)
        #expect(try await fixture.store.read { try $0.values(UnusedTokenKey.self, in: UnusedTokenKey.collection) }.isEmpty)
    }

    @Test func aTokenThatIsAwayIsToldAndComesBack() async throws {
        _ = try await make(["kty": "EC-HSM"])
        let sign: JSONValue = ["alg": "ES256", "value": text(SecureRandom.bytes(32))]
        token.goAway(true)
        let away = try await fixture.vault(.post, "keys/key1//sign", sign)
        #expect(away.status == 503)
        #expect(away.code == "ServiceUnavailable")
        token.goAway(false)
        #expect(try await fixture.vault(.post, "keys/key1//sign", sign).status == 200)
    }

    @Test func standardVaultsHaveNoHardwareKeys() async throws {
        try await fixture.makeVault("kv2")
        let refused = try await fixture.vault(.post, "keys/key1/create", ["kty": "RSA-HSM"], vault: "kv2")
        #expect(refused.code == "BadParameter")
        #expect(refused.message.contains("premium"))
    }

    @Test func disksDataKeysAreWrappedByAKeyInTheToken() async throws {
        let made = try await make(["kty": "RSA-HSM"])
        let kid = try #require(made.json["key"]?["kid"]?.string)
        let identity = Caller(objectID: "des1", applicationID: "des1-app", tenantID: VaultFixture.tenant, address: "")
        fixture.roles.allow("des1", "Microsoft.KeyVault/vaults/keys/*", below: "/")
        let desk = VaultKeyServiceTests.Desk()
        let first = try await fixture.services.keyService.makeDataKey(under: kid, as: identity, for: desk.recipient())
        let dataKey = try desk.open(first.sealed)
        let rotated = try #require(try await fixture.vault(.post, "keys/key1/rotate").json["key"]?["kid"]?.string)
        let second = try await fixture.services.keyService.rewrapDataKey(
            first.layer, under: rotated, as: identity, for: desk.recipient())
        #expect(try desk.open(second.sealed).constantTimeEquals(dataKey))
        #expect(second.layer.wrappedKey != first.layer.wrappedKey)
    }
}
