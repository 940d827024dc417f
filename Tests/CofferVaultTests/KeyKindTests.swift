import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferVault

/// Keys of the kinds besides RSA.
@Suite struct KeyKindTests {
    let fixture = VaultFixture()

    private func text(_ bytes: [UInt8]) -> JSONValue { .string(Base64URL.encode(bytes)) }

    private func bytes(_ answer: Answer, _ name: String = "value") throws -> [UInt8] {
        try #require(answer.json[name]?.string.flatMap { Base64URL.decode($0) }, "\(answer.message)")
    }

    private func make(_ body: JSONValue) async throws -> Answer { try await fixture.vault(.post, "keys/key1/create", body) }

    @Test(arguments: EllipticCurve.allCases)
    func anECKeySignsWithTheAlgorithmOfItsCurve(curve: EllipticCurve) async throws {
        try await fixture.makeVault()
        let made = try await make(["kty": "EC", "crv": .string(curve.rawValue)])
        #expect(made.status == 200, "\(made.message)")
        let key = try #require(made.json["key"])
        #expect(key["kty"]?.string == "EC")
        #expect(key["crv"]?.string == curve.rawValue)
        #expect(key["key_ops"] == ["sign", "verify"])
        #expect(key["n"] == nil && key["d"] == nil)
        let x = try #require(key["x"]?.string.flatMap { Base64URL.decode($0) })
        let y = try #require(key["y"]?.string.flatMap { Base64URL.decode($0) })
        let scheme = try #require(ECSignature.allCases.first { $0.curve == curve })
        let digest = SecureRandom.bytes(scheme.digest.length)
        let signed = try await fixture.vault(.post, "keys/key1//sign", ["alg": .string(scheme.rawValue), "value": text(digest)])
        let signature = try bytes(signed)
        #expect(try ECKey(curve: curve, x: x, y: y).verify(signature, digest: digest, using: scheme))
        let body: JSONValue = ["alg": .string(scheme.rawValue), "digest": text(digest), "value": text(signature)]
        #expect(try await fixture.vault(.post, "keys/key1//verify", body).json["value"] == true)
        for other in ECSignature.allCases where other != scheme {
            let refused = try await fixture.vault(.post, "keys/key1//sign", ["alg": .string(other.rawValue), "value": text(digest)])
            #expect(refused.code == "BadParameter")
        }
        #expect(try await fixture.vault(.post, "keys/key1//encrypt", ["alg": "RSA-OAEP", "value": "AQ"]).innerCode == "KeyOperationForbidden")
    }

    @Test(arguments: [128, 192, 256])
    func anOctKeyEncryptsWrapsAndSigns(bits: Int) async throws {
        try await fixture.makeVault()
        let made = try await make(["kty": "oct", "key_size": .int(Int64(bits)), "key_ops": ["encrypt", "decrypt", "wrapKey", "unwrapKey", "sign", "verify"]])
        #expect(made.status == 200, "\(made.message)")
        #expect(made.json["key"]?["k"] == nil)
        let plaintext = SecureRandom.bytes(48)
        for algorithm in ["A\(bits)CBC", "A\(bits)CBCPAD", "A\(bits)GCM"] {
            let sealed = try await fixture.vault(
                .post, "keys/key1//encrypt", ["alg": .string(algorithm), "value": text(plaintext), "aad": "AQID"])
            #expect(sealed.status == 200, "\(sealed.message)")
            var body: [String: JSONValue] = ["alg": .string(algorithm), "value": sealed.json["value"] ?? .null, "aad": "AQID"]
            body["iv"] = sealed.json["iv"]
            body["tag"] = sealed.json["tag"]
            #expect(try bytes(await fixture.vault(.post, "keys/key1//decrypt", .object(body))) == plaintext)
            guard algorithm.hasSuffix("GCM") else { continue }
            body["aad"] = "AQIE"
            #expect(try await fixture.vault(.post, "keys/key1//decrypt", .object(body)).code == "BadParameter")
            body["aad"] = "AQID"
            body["tag"] = text([UInt8](repeating: 0, count: 16))
            #expect(try await fixture.vault(.post, "keys/key1//decrypt", .object(body)).code == "BadParameter")
        }
        for algorithm in ["A\(bits)KW", "CKM_AES_KEY_WRAP", "CKM_AES_KEY_WRAP_PAD"] {
            let wrapped = try await fixture.vault(.post, "keys/key1//wrapkey", ["alg": .string(algorithm), "value": text(plaintext)])
            let body: JSONValue = ["alg": .string(algorithm), "value": wrapped.json["value"] ?? .null]
            #expect(try bytes(await fixture.vault(.post, "keys/key1//unwrapkey", body)) == plaintext)
            #expect(try await fixture.vault(.post, "keys/key1//unwrapkey", ["alg": .string(algorithm), "value": text(plaintext)]).status == 400)
        }
        let digest = SecureRandom.bytes(32)
        let code = try await fixture.vault(.post, "keys/key1//sign", ["alg": "HS256", "value": text(digest)])
        let verify: JSONValue = ["alg": "HS256", "digest": text(digest), "value": code.json["value"] ?? .null]
        #expect(try await fixture.vault(.post, "keys/key1//verify", verify).json["value"] == true)
        let other: JSONValue = ["alg": "HS256", "digest": text(SecureRandom.bytes(32)), "value": code.json["value"] ?? .null]
        #expect(try await fixture.vault(.post, "keys/key1//verify", other).json["value"] == false)
    }

    @Test func algorithmsFitTheSizeAndTheVersionOfTheRequest() async throws {
        try await fixture.makeVault()
        _ = try await make(["kty": "oct", "key_size": 128, "key_ops": ["encrypt", "wrapKey", "sign"]])
        #expect(try await fixture.vault(.post, "keys/key1//encrypt", ["alg": "A256GCM", "value": "AQ"]).code == "BadParameter")
        #expect(try await fixture.vault(.post, "keys/key1//encrypt", ["alg": "A128CBC", "value": "AQ"]).code == "BadParameter")
        #expect(try await fixture.vault(.post, "keys/key1//encrypt", ["alg": "A128CBC", "value": .string(Base64URL.encode([UInt8](repeating: 0, count: 16))), "iv": "AQ"]).code == "BadParameter")
        // Who chooses a nonce may choose one twice.
        #expect(try await fixture.vault(.post, "keys/key1//encrypt", ["alg": "A128GCM", "value": "AQ", "iv": "AAAAAAAAAAAAAAAA"]).code == "BadParameter")
        let key = text(SecureRandom.bytes(16))
        for (algorithm, operation) in [("HS256", "sign"), ("CKM_AES_KEY_WRAP", "wrapkey")] {
            let body: JSONValue = ["alg": .string(algorithm), "value": operation == "sign" ? text(SecureRandom.bytes(32)) : key]
            #expect(try await fixture.vault(.post, "keys/key1//\(operation)", body, apiVersion: "7.5").code == "BadParameter")
            #expect(try await fixture.vault(.post, "keys/key1//\(operation)", body, apiVersion: "7.6").status == 200)
        }
    }

    @Test func rotationKeepsTheKind() async throws {
        try await fixture.makeVault()
        for body: JSONValue in [["kty": "EC", "crv": "P-384"], ["kty": "oct", "key_size": 192]] {
            let name = body["kty"]?.string ?? ""
            let made = try await fixture.vault(.post, "keys/\(name)/create", body)
            let rotated = try await fixture.vault(.post, "keys/\(name)/rotate")
            #expect(rotated.json["key"]?["kty"] == made.json["key"]?["kty"])
            #expect(rotated.json["key"]?["crv"] == made.json["key"]?["crv"])
            #expect(rotated.json["key"]?["key_ops"] == made.json["key"]?["key_ops"])
            #expect(rotated.json["key"]?["kid"] != made.json["key"]?["kid"])
        }
    }

    @Test(arguments: [
        ["kty": "EC", "crv": "P-255"], ["kty": "EC", "crv": "P-256", "key_size": 384], ["kty": "EC", "public_exponent": 3],
        ["kty": "oct", "key_size": 64], ["kty": "oct", "crv": "P-256"], ["kty": "RSA", "crv": "P-256"], ["kty": "RSA", "key_size": 1024],
        ["kty": "EC", "key_ops": ["encrypt"]], ["kty": "rsa"], ["kty": "OKP"], ["kty": "RSA", "key_ops": ["fly"]],
        ["kty": "RSA", "public_exponent": 3], ["kty": "RSA", "attributes": ["exportable": true]],
    ] as [JSONValue])
    func kindsThatDoNotExistAreRefused(body: JSONValue) async throws {
        try await fixture.makeVault()
        let refused = try await make(body)
        #expect(refused.status == 400)
        #expect(refused.code == "BadParameter")
    }

    @Test(arguments: ["RSA-HSM", "EC-HSM", "oct-HSM"])
    func hardwareKeysNeedAPremiumVaultAndAToken(type: String) async throws {
        try await fixture.makeVault()
        let standard = try await make(["kty": .string(type)])
        #expect(standard.code == "BadParameter")
        #expect(standard.message.contains("premium"))
        try await fixture.makeVault("kv2", ["sku": ["family": "A", "name": "premium"]])
        let premium = try await fixture.vault(.post, "keys/key1/create", ["kty": .string(type)], vault: "kv2")
        #expect(premium.code == "BadParameter")
        #expect(premium.message.contains("--pkcs11"))
    }

    @Test func randomBytesAreGivenToThoseWhoMayReadKeys() async throws {
        try await fixture.makeVault("kv1", ["enableRbacAuthorization": true])
        let first = try await fixture.vault(.post, "rng", ["count": 32])
        #expect(try bytes(first).count == 32)
        #expect(try bytes(await fixture.vault(.post, "rng", ["count": 32])) != bytes(first))
        for count in [0, 129, -1] as [Int64] {
            #expect(try await fixture.vault(.post, "rng", ["count": .int(count)]).code == "BadParameter")
        }
        #expect(try await fixture.vault(.post, "rng", ["count": 1], as: "nobody").status == 403)
    }

    @Test func anRSAKeySignsUndigestedBytes() async throws {
        try await fixture.makeVault()
        try await fixture.makeKey()
        let value = text(SecureRandom.bytes(51))
        let signed = try await fixture.vault(.post, "keys/key1//sign", ["alg": "RSNULL", "value": value])
        let verify: JSONValue = ["alg": "RSNULL", "digest": value, "value": signed.json["value"] ?? .null]
        #expect(try await fixture.vault(.post, "keys/key1//verify", verify).json["value"] == true)
        #expect(try await fixture.vault(.post, "keys/key1//sign", ["alg": "RSNULL", "value": text(SecureRandom.bytes(246))]).status == 400)
    }

    @Test func whatIsNotBuiltSaysSo() async throws {
        try await fixture.makeVault()
        let url = try await fixture.makeKey()
        let release = try await fixture.vault(.post, "keys/key1/\(url.version ?? "")/release", ["target": "x"])
        #expect(release.code == "BadParameter")
        #expect(try await fixture.vault(.get, "keys/key1/\(url.version ?? "")/attestation").code == "BadParameter")
    }
}
