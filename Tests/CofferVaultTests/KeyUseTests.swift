import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferVault

@Suite struct KeyUseTests {
    let fixture = VaultFixture()

    func use(_ operation: String, _ alg: String, _ value: [UInt8], key: String = "keys/key1/") async throws -> Answer {
        try await fixture.vault(
            .post, "\(key)/\(operation)", ["alg": .string(alg), "value": .string(Base64URL.encode(value))])
    }

    func bytes(_ answer: Answer) -> [UInt8]? { answer.json["value"]?.string.flatMap { Base64URL.decode($0) } }

    @Test(arguments: ["RSA-OAEP", "RSA-OAEP-256", "RSA1_5"], [("encrypt", "decrypt"), ("wrapkey", "unwrapkey"), ("wrapKey", "unwrapKey")])
    func whatWasEncryptedDecrypts(alg: String, verbs: (String, String)) async throws {
        try await fixture.makeVault()
        let key = try await fixture.makeKey()
        let message = Array("attack at dawn".utf8)
        let sealed = try await use(verbs.0, alg, message)
        #expect(sealed.status == 200)
        #expect(sealed.json["kid"]?.string == key.text)
        let ciphertext = try #require(bytes(sealed))
        #expect(ciphertext.count == 256)
        for path in ["keys/key1", "keys/key1/", "keys/key1/\(key.version ?? "")"] {
            let opened = try await use(verbs.1, alg, ciphertext, key: path)
            #expect(bytes(opened) == message)
            #expect(opened.json["kid"]?.string == key.text)
        }
    }

    @Test(arguments: RSASignature.allCases)
    func signaturesHoldForTheirDigestAlone(scheme: RSASignature) async throws {
        try await fixture.makeVault()
        let key = try await fixture.makeKey()
        let digest = scheme.digest.hash(Array("message".utf8))
        let signed = try await use("sign", scheme.rawValue, digest)
        #expect(signed.json["kid"]?.string == key.text)
        let signature = try #require(bytes(signed))
        func holds(_ digest: [UInt8], _ signature: [UInt8]) async throws -> JSONValue? {
            try await fixture.vault(
                .post, "keys/key1//verify",
                ["alg": .string(scheme.rawValue), "digest": .string(Base64URL.encode(digest)), "value": .string(Base64URL.encode(signature))]
            ).json["value"]
        }
        #expect(try await holds(digest, signature) == true)
        var other = digest
        other[0] ^= 1
        #expect(try await holds(other, signature) == false)
        var forged = signature
        forged[40] ^= 1
        #expect(try await holds(digest, forged) == false)
        #expect(try await holds(digest, Array(signature.dropLast())) == false)
        #expect(try await holds(digest, []) == false)
    }

    @Test func whatTheClientWrapsWithThePublicKeyUnwraps() async throws {
        try await fixture.makeVault()
        let url = try await fixture.makeKey()
        let jwk = try #require(try await fixture.vault(.get, "keys/key1/").json["key"])
        let modulus = try #require(Base64URL.decode(jwk["n"]?.string ?? ""))
        let exponent = try #require(Base64URL.decode(jwk["e"]?.string ?? ""))
        let publicKey = try RSAKey(publicModulus: modulus, exponent: exponent)
        let secret = SecretBytes(count: 32) { (_: inout MutableRawSpan) in }
        let wrapped = try secret.withBytes { try publicKey.encrypt($0, using: .oaep256) }
        let answer = try await use("unwrapkey", "RSA-OAEP-256", wrapped, key: "keys/key1/\(url.version ?? "")")
        #expect(bytes(answer) == [UInt8](repeating: 0, count: 32))
    }

    @Test func olderVersionsStillDecryptWhatTheyEncrypted() async throws {
        try await fixture.makeVault()
        let first = try await fixture.makeKey()
        let ciphertext = try #require(bytes(try await use("encrypt", "RSA-OAEP", [1, 2, 3])))
        _ = try await fixture.vault(.post, "keys/key1/rotate")
        #expect(try await use("decrypt", "RSA-OAEP", ciphertext).code == "BadParameter")
        #expect(bytes(try await use("decrypt", "RSA-OAEP", ciphertext, key: "keys/key1/\(first.version ?? "")")) == [1, 2, 3])
    }

    @Test(arguments: [("RSA-OAEP", 214), ("RSA-OAEP-256", 190), ("RSA1_5", 245)])
    func plaintextsFitTheKey(alg: String, longest: Int) async throws {
        try await fixture.makeVault()
        try await fixture.makeKey()
        #expect(try await use("encrypt", alg, [UInt8](repeating: 1, count: longest)).status == 200)
        for count in [0, longest + 1, 10_000] {
            let refused = try await use("wrapKey", alg, [UInt8](repeating: 1, count: count))
            #expect(refused.status == 400)
            #expect(refused.code == "BadParameter")
        }
    }

    static let badBodies: [(String, JSONValue)] = [
        ("encrypt", [:]), ("encrypt", ["alg": "RSA-OAEP"]), ("encrypt", ["value": "AAAA"]), ("encrypt", ["alg": 5, "value": "AAAA"]),
        ("encrypt", ["alg": "RSA-OAEP", "value": 5]), ("encrypt", ["alg": "RSA-OAEP", "value": "!!"]),
        ("encrypt", ["alg": "RSA-OAEP", "value": "AA+/"]), ("encrypt", ["alg": "rsa-oaep", "value": "AAAA"]),
        ("encrypt", ["alg": "A256GCM", "value": "AAAA"]), ("encrypt", ["alg": "RS256", "value": "AAAA"]),
        ("encrypt", ["alg": .string(String(repeating: "A", count: 100_000)), "value": "AAAA"]),
        ("decrypt", ["alg": "RSA-OAEP", "value": "AAAA"]), ("unwrapkey", ["alg": "RSA-OAEP", "value": ""]),
        ("sign", ["alg": "RS256", "value": "AAAA"]), ("sign", ["alg": "RSNULL", "value": ""]), ("sign", ["alg": "ES256", "value": "AAAA"]),
        ("sign", ["alg": "RS512", "value": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]),
        ("verify", ["alg": "RS256", "value": "AAAA"]), ("verify", ["alg": "RS256", "value": "AAAA", "digest": "AAAA"]),
        ("verify", ["alg": "RS256", "value": "AAAA", "digest": 5]), ("verify", ["alg": "RS256", "value": "AAAA", "digest": "!"]),
        ("encrypt", []), ("encrypt", .null), ("encrypt", "x"),
    ]

    @Test(arguments: badBodies)
    func inputThatDoesNotFitIsRefused(operation: String, body: JSONValue) async throws {
        try await fixture.makeVault()
        try await fixture.makeKey()
        let answer = try await fixture.vault(.post, "keys/key1//\(operation)", body)
        #expect(answer.status == 400)
        #expect(answer.code == "BadParameter")
        #expect(answer.message.count < 400)
    }

    @Test func ciphertextThatIsDamagedIsRefusedWithoutSayingWhy() async throws {
        try await fixture.makeVault()
        try await fixture.makeKey()
        var messages: Set<String> = []
        for alg in ["RSA-OAEP", "RSA-OAEP-256"] {
            var ciphertext = try #require(bytes(try await use("encrypt", alg, [1, 2, 3])))
            ciphertext[100] ^= 1
            let answer = try await use("decrypt", alg, ciphertext)
            #expect(answer.code == "BadParameter")
            messages.insert(answer.message.replacing(alg, with: "ALG"))
            let large = try await use("decrypt", alg, [UInt8](repeating: 0xFF, count: 256))
            messages.insert(large.message.replacing(alg, with: "ALG"))
        }
        #expect(messages.count == 1)
    }

    static let operations = ["encrypt", "decrypt", "wrapkey", "unwrapkey", "sign", "verify"]

    /// A body that fits the operation, with a value of its own making.
    func body(_ operation: String) async throws -> JSONValue {
        switch operation {
        case "encrypt", "wrapkey": return ["alg": "RSA-OAEP", "value": "AAAA"]
        case "decrypt", "unwrapkey":
            let text = try await use("encrypt", "RSA-OAEP", [1]).json["value"]
            return ["alg": "RSA-OAEP", "value": text ?? ""]
        default:
            let digest = JSONValue.string(Base64URL.encode([UInt8](repeating: 1, count: 32)))
            return operation == "sign" ? ["alg": "RS256", "value": digest] : ["alg": "RS256", "digest": digest, "value": "AAAA"]
        }
    }

    @Test(arguments: operations)
    func aDisabledKeyDoesNothing(operation: String) async throws {
        try await fixture.makeVault()
        try await fixture.makeKey()
        let body = try await body(operation)
        #expect(try await fixture.vault(.post, "keys/key1//\(operation)", body).status == 200)
        _ = try await fixture.vault(.patch, "keys/key1", ["attributes": ["enabled": false]])
        let refused = try await fixture.vault(.post, "keys/key1//\(operation)", body)
        #expect(refused.status == 403)
        #expect(refused.code == "Forbidden")
        #expect(refused.innerCode == "KeyDisabled")
        #expect(refused.message.contains("is not allowed on a disabled key."))
        #expect(try await fixture.vault(.get, "keys/key1").status == 200, "its public part can still be read")
        _ = try await fixture.vault(.patch, "keys/key1", ["attributes": ["enabled": true]])
        #expect(try await fixture.vault(.post, "keys/key1//\(operation)", body).status == 200)
    }

    @Test(arguments: operations)
    func outsideItsDatesAKeyOnlyRecoversAndChecks(operation: String) async throws {
        try await fixture.makeVault()
        try await fixture.makeKey()
        let body = try await body(operation)
        let start = fixture.clock.now().seconds
        _ = try await fixture.vault(
            .patch, "keys/key1", ["attributes": ["nbf": .int(start + 100), "exp": .int(start + 200)]])
        let isAllowed = ["decrypt", "unwrapkey", "verify"].contains(operation)
        func expect(_ innerCode: String?) async throws {
            let answer = try await fixture.vault(.post, "keys/key1//\(operation)", body)
            #expect(answer.status == (isAllowed || innerCode == nil ? 200 : 403))
            #expect(answer.innerCode == (isAllowed ? nil : innerCode))
        }
        try await expect("KeyNotYetValid")
        fixture.clock.advance(by: .seconds(100))
        try await expect(nil)
        fixture.clock.advance(by: .milliseconds(99_999))
        try await expect(nil)
        fixture.clock.advance(by: .milliseconds(1))
        try await expect("KeyExpired")
    }

    @Test(arguments: operations)
    func keyOpsAreKeptTo(operation: String) async throws {
        try await fixture.makeVault()
        try await fixture.makeKey()
        let body = try await body(operation)
        let own = try #require(KeyOperation(path: operation))
        let others = KeyOperation.allCases.filter { $0 != own }.map { JSONValue.string($0.rawValue) }
        _ = try await fixture.vault(.patch, "keys/key1", ["key_ops": .array(others)])
        let refused = try await fixture.vault(.post, "keys/key1//\(operation)", body)
        #expect(refused.status == 403)
        #expect(refused.innerCode == "KeyOperationForbidden")
        _ = try await fixture.vault(.patch, "keys/key1", ["key_ops": [.string(own.rawValue)]])
        #expect(try await fixture.vault(.post, "keys/key1//\(operation)", body).status == 200)
    }

    @Test func aKeySealedForAnotherVaultDoesNotOpen() async throws {
        try await fixture.makeVault()
        try await fixture.makeKey("key1")
        try await fixture.makeKey("key2")
        // What somebody with access to the database could try: put one key's sealed material under another's name.
        try await fixture.store.write { transaction in
            guard let name = VaultName("kv1"), let vault = try transaction.vault(named: name, at: fixture.clock.now()) else { return }
            let stolen = try transaction.version(KeyVersionRecord.self, of: try ObjectName("key1"), nil, in: vault)
            let target = try transaction.version(KeyVersionRecord.self, of: try ObjectName("key2"), nil, in: vault)
            let forged = KeyVersionRecord(
                name: target.name, version: target.version, isManaged: false, type: "RSA", bits: stolen.bits,
                publicPart: stolen.publicPart, sealedKey: stolen.sealedKey, created: target.created, updated: target.updated,
                operations: target.operations, isEnabled: true, notBefore: nil, expires: nil, tags: [:])
            try transaction.replace(forged, in: vault)
        }
        await #expect(throws: SealError.notAuthentic) {
            try await use("sign", "RS256", [UInt8](repeating: 1, count: 32), key: "keys/key2/")
        }
        let event = try #require(fixture.audit.events.last)
        #expect(event.operation == "KeySign")
        #expect(event.status == 500)
    }
}
