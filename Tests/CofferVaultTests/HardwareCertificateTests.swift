import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferVault

/// Certificates whose keys are made in a token of SoftHSM's and stay there.
@Suite struct HardwareCertificateTests {
    let token: FlakyToken
    let fixture: VaultFixture

    init() async throws {
        token = FlakyToken(try await VaultToken.get())
        fixture = VaultFixture(token: token)
        try await fixture.makeVault("kv1", ["sku": ["family": "A", "name": "premium"]])
    }

    private func create(_ key: JSONValue, issuer: String = "Self", name: String = "web") async throws -> Answer {
        try await fixture.vault(.post, "certificates/\(name)/create", ["policy": PendingCertificateTests.policy(key, issuer: issuer)])
    }

    private func record(_ version: String? = nil) async throws -> KeyVersionRecord {
        let now = fixture.clock.now()
        return try await fixture.store.read { transaction in
            let vault = try #require(try VaultName("kv1").flatMap { try transaction.vault(named: $0, at: now) })
            return try transaction.version(KeyVersionRecord.self, of: try ObjectName("web"), version, in: vault)
        }
    }

    private func unused() async throws -> [String] {
        try await fixture.store.read { try $0.documents(in: "unused-token-keys", prefix: "", after: nil, limit: 10).map(\.id) }
    }

    private func isInToken(_ id: TokenKeyID) async -> Bool {
        do {
            _ = try await token.perform(.sign(.es256), on: SecretBytes(count: 32) { _ in }, with: id)
            return true
        } catch {
            return false
        }
    }

    @Test(arguments: [
        ["kty": "RSA-HSM", "key_size": 2048], ["kty": "EC-HSM", "crv": "P-256"], ["kty": "EC-HSM", "crv": "P-384"], ["kty": "EC-HSM", "crv": "P-521"],
    ] as [JSONValue])
    func aSelfSignedCertificateIsSignedInTheToken(key: JSONValue) async throws {
        let made = try await create(key)
        #expect(made.status == 202, "\(made.message)")
        let shown = try await fixture.vault(.get, "certificates/web")
        let der = try #require(shown.json["cer"]?.string.flatMap { StandardBase64.decode($0) }, "\(shown.message)")
        let certificate = try Certificate(der: der)
        let stored = try await record()
        #expect(stored.sealedKey.isEmpty && stored.tokenKeyID != nil)
        #expect(certificate.isOf(try CertificateKey.inToken(stored).publicHalf()))
        #expect(shown.json["policy"]?["key_props"]?["exportable"] == false)
        // Its secret is the certificate alone.
        let value = try await fixture.vault(
            .get, "secrets/web", apiVersion: "2025-07-01", query: [("outContentType", "application/x-pem-file")]).json["value"]?.string ?? ""
        #expect(value.contains("BEGIN CERTIFICATE") && !value.contains("PRIVATE KEY"))
        #expect(try await unused().isEmpty)
    }

    @Test func aRequestOfTheTokensKeyIsMergedAndItsKeySigns() async throws {
        let asked = try await create(["kty": "EC-HSM", "crv": "P-256"], issuer: "Unknown")
        #expect(asked.status == 202, "\(asked.message)")
        #expect(try await unused().isEmpty, "the pending key is in use")
        let key = try await fixture.vault(.get, "keys/web").json["key"]
        #expect(key?["kty"]?.string == "EC-HSM")
        let x = try #require(key?["x"]?.string.flatMap { Base64URL.decode($0) })
        let y = try #require(key?["y"]?.string.flatMap { Base64URL.decode($0) })
        let outside = try ECKey(curve: .p256, x: x, y: y)
        let now = fixture.clock.now()
        let profile = CertificateProfile(subject: try DistinguishedName("CN=app.example.com"), names: [], usage: [], purposes: [])
        let unsigned = try Certificate.unsigned(profile, key: .ec(outside), from: now, to: now.adding(.seconds(86_400)))
        let leaf = try unsigned.signed(try ECKey.generate(on: .p256).sign(digest: unsigned.digest, using: .es256))
        let merged = try await fixture.vault(.post, "certificates/web/pending/merge", ["x5c": [.string(StandardBase64.encode(leaf))]])
        #expect(merged.status == 201, "\(merged.message)")
        let digest = SecureRandom.bytes(32)
        let signed = try await fixture.vault(.post, "keys/web//sign", ["alg": "ES256", "value": .string(Base64URL.encode(digest))])
        let signature = try #require(signed.json["value"]?.string.flatMap { Base64URL.decode($0) }, "\(signed.message)")
        #expect(try outside.verify(signature, digest: digest, using: .es256))
        #expect(try await unused().isEmpty)
    }

    @Test(arguments: ["cancel", "remove", "purge the vault"])
    func aPendingKeyThatIsGivenUpIsDestroyed(how: String) async throws {
        _ = try await create(["kty": "EC-HSM", "crv": "P-256"], issuer: "Unknown")
        let now = fixture.clock.now()
        let operation = try await fixture.store.read { transaction in
            let vault = try #require(try VaultName("kv1").flatMap { try transaction.vault(named: $0, at: now) })
            return try #require(try transaction.certificateOperation(of: try ObjectName("web"), in: vault))
        }
        let id = try #require(operation.tokenKey?.tokenKeyID)
        #expect(await isInToken(id))
        switch how {
        case "cancel": _ = try await fixture.vault(.patch, "certificates/web/pending", ["cancellation_requested": true])
        case "remove": _ = try await fixture.vault(.delete, "certificates/web/pending")
        default:
            _ = try await fixture.arm(.delete, "vaults/kv1")
            _ = try await fixture.arm(.post, "locations/uksouth/deletedVaults/kv1/purge", group: nil)
        }
        await fixture.services.keeper.runDue()
        #expect(await !isInToken(id))
    }

    @Test func aReusedKeyOutlivesARequestThatIsGivenUp() async throws {
        let key: JSONValue = ["kty": "EC-HSM", "crv": "P-256", "reuse_key": true]
        _ = try await create(key)
        let first = try await record()
        _ = try await create(key)
        let second = try await record()
        #expect(second.version != first.version && second.tokenKey == first.tokenKey)
        #expect(try await create(key, issuer: "Unknown").status == 202)
        _ = try await fixture.vault(.patch, "certificates/web/pending", ["cancellation_requested": true])
        await fixture.services.keeper.runDue()
        #expect(await isInToken(try #require(first.tokenKeyID)))
        // Purging the certificate destroys it.
        _ = try await fixture.vault(.delete, "certificates/web")
        _ = try await fixture.vault(.delete, "deletedcertificates/web")
        await fixture.services.keeper.runDue()
        #expect(await !isInToken(try #require(first.tokenKeyID)))
    }

    @Test func anImportedKeyIsMovedIntoTheToken() async throws {
        let key = PrivateKey.ec(try ECKey.generate(on: .p256))
        let now = fixture.clock.now()
        let profile = CertificateProfile(subject: try DistinguishedName("CN=in"), names: [], usage: [.digitalSignature], purposes: [])
        let leaf = try Certificate.selfSigned(profile, key: key, from: now, to: now.adding(.seconds(86_400)))
        let pem = try CertificateExport.pem([leaf], key: key).withBytes { bytes in
            unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
        }
        let body: JSONValue = ["value": .string(pem), "policy": ["key_props": ["kty": "EC-HSM"]]]
        #expect(try await fixture.vault(.post, "certificates/web/import", body).status == 200)
        let stored = try await record()
        #expect(stored.type == "EC-HSM" && stored.sealedKey.isEmpty)
        #expect(try await fixture.vault(.get, "secrets/web").json["value"]?.string?.contains("PRIVATE KEY") == false)
        let kept: JSONValue = ["value": .string(pem), "policy": ["key_props": ["kty": "EC-HSM", "exportable": true]]]
        #expect(try await fixture.vault(.post, "certificates/other/import", kept).code == "BadParameter")
    }

    @Test func whatIsInTheTokenHasNoBackup() async throws {
        _ = try await create(["kty": "EC-HSM", "crv": "P-256"])
        let refused = try await fixture.vault(.post, "certificates/web/backup")
        #expect(refused.code == "BadParameter")
        #expect(refused.message.contains("never leaves it"))
    }

    @Test func whatCannotBeIsRefused() async throws {
        #expect(try await create(["kty": "RSA-HSM", "exportable": true]).message.contains("exportable must be false"))
        token.goAway(true)
        #expect(try await create(["kty": "RSA-HSM"]).code == "ServiceUnavailable")
        token.goAway(false)
        try await fixture.makeVault("kv2")
        let standard = try await fixture.vault(
            .post, "certificates/web/create", ["policy": PendingCertificateTests.policy(["kty": "RSA-HSM"], issuer: "Self")], vault: "kv2")
        #expect(standard.message.contains("premium"))
        #expect(try await fixture.vault(.get, "certificates").items.isEmpty)
    }
}
