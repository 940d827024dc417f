import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferVault

@Suite struct KeyImportTests {
    let fixture = VaultFixture()

    /// A P-256 pair of RFC 7517 appendix A.2.
    private static let ec: [String: JSONValue] = [
        "kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
        "d": "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE",
    ]

    /// The pair of 2048 bits in the same appendix.
    private static let rsa: [String: JSONValue] = [
        "kty": "RSA", "e": "AQAB",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        "d": "X4cTteJY_gn4FYPsXB8rdXix5vwsg1FLN5E3EaG6RJoVH-HLLKD9M7dx5oo7GURknchnrRweUkC7hT5fJLM0WbFAKNLWY2vv7B6NqXSzUvxT0_YSfqijwp3RTzlBaCxWp4doFk5N2o8Gy_nHNKroADIkJ46pRUohsXywbReAdYaMwFs9tv8d_cPVY3i07a3t8MN6TNwm0dSawm9v47UiCl3Sk5ZiG7xojPLu4sbg1U2jx4IBTNBznbJSzFHK66jT8bgkuqsk0GjskDJk19Z4qwjwbsnn4j2WBii3RL-Us2lGVkY8fkFzme1z0HbIkfz0Y6mqnOYtqc0X4jfcKoAC8Q",
        "p": "83i-7IvMGXoMXCskv73TKr8637FiO7Z27zv8oj6pbWUQyLPQBQxtPVnwD20R-60eTDmD2ujnMt5PoqMrm8RfmNhVWDtjjMmCMjOpSXicFHj7XOuVIYQyqVWlWEh6dN36GVZYk93N8Bc9vY41xy8B9RzzOGVQzXvNEvn7O0nVbfs",
        "q": "3dfOR9cuYq-0S-mkFLzgItgMEfFzB2q3hWehMuG0oCuqnb3vobLyumqjVZQO1dIrdwgTnCdpYzBcOfW5r370AFXjiWft_NGEiovonizhKpo9VVS78TzFgxkIdrecRezsZ-1kYd_s1qDbxtkDEgfAITAG9LUnADun4vIcb6yelxk",
        "dp": "G4sPXkc6Ya9y8oJW9_ILj4xuppu0lzi_H7VTkS8xj5SdX3coE0oimYwxIi2emTAue0UOa5dpgFGyBJ4c8tQ2VF402XRugKDTP8akYhFo5tAA77Qe_NmtuYZc3C3m3I24G2GvR5sSDxUyAN2zq8Lfn9EUms6rY3Ob8YeiKkTiBj0",
        "dq": "s9lAH9fggBsoFR8Oac2R_E2gw282rT2kGOAhvIllETE1efrA6huUUvMfBcMpn8lqeW6vzznYY5SSQF7pMdC_agI3nG8Ibp1BUb0JUiraRNqUfLhcQb_d9GF4Dh7e74WbRsobRonujTYN1xCaP6TO61jvWrX-L18txXw494Q_cgk",
        "qi": "GyM_p6JrXySiz1toFgKbWV-JdI3jQ4ypu9rbMWx3rQJBfmt0FoYzgUIZEVFEcOqwemRN81zoDAaa-Bk0KWNGDjJHZDdDmFhW3AN7lI-puxk_mHZGJ11rxyR8O55XLSe3SPmRfKwZI6yU24ZxvQKFYItdldUKGzO6Ia6zTKhAVRU",
    ]

    private func put(_ key: [String: JSONValue], _ more: [String: JSONValue] = [:]) async throws -> Answer {
        try await fixture.vault(.put, "keys/key1", .object(["key": .object(key)].merging(more) { $1 }))
    }

    @Test func anECKeyIsTakenInAndSigns() async throws {
        try await fixture.makeVault()
        let taken = try await put(Self.ec, ["tags": ["a": "b"], "attributes": ["enabled": true]])
        #expect(taken.status == 200, "\(taken.message)")
        #expect(taken.json["key"]?["x"] == Self.ec["x"])
        #expect(taken.json["key"]?["d"] == nil)
        #expect(taken.json["tags"] == ["a": "b"])
        let digest = SecureRandom.bytes(32)
        let signed = try await fixture.vault(.post, "keys/key1//sign", ["alg": "ES256", "value": .string(Base64URL.encode(digest))])
        let signature = try #require(signed.json["value"]?.string.flatMap { Base64URL.decode($0) })
        let x = try #require(Self.ec["x"]?.string.flatMap { Base64URL.decode($0) })
        let y = try #require(Self.ec["y"]?.string.flatMap { Base64URL.decode($0) })
        #expect(try ECKey(curve: .p256, x: x, y: y).verify(signature, digest: digest, using: .es256))
        #expect(fixture.audit.events.contains { $0.operation == "KeyImport" && $0.status == 200 })
    }

    @Test func anRSAKeyIsTakenInAndDecrypts() async throws {
        try await fixture.makeVault()
        let taken = try await put(Self.rsa.merging(["key_ops": ["decrypt", "encrypt"]]) { $1 })
        #expect(taken.status == 200, "\(taken.message)")
        #expect(taken.json["key"]?["n"] == Self.rsa["n"])
        #expect(taken.json["key"]?["key_ops"] == ["decrypt", "encrypt"])
        let n = try #require(Self.rsa["n"]?.string.flatMap { Base64URL.decode($0) })
        let plaintext = SecureRandom.bytes(32)
        let ciphertext = unsafe try RSAKey(publicModulus: n, exponent: [1, 0, 1]).encrypt(plaintext.span.bytes, using: .oaep256)
        let opened = try await fixture.vault(
            .post, "keys/key1//decrypt", ["alg": "RSA-OAEP-256", "value": .string(Base64URL.encode(ciphertext))])
        #expect(opened.json["value"]?.string == Base64URL.encode(plaintext))
    }

    @Test func anOctKeyIsTakenIn() async throws {
        try await fixture.makeVault()
        let taken = try await put(["kty": "oct", "k": .string(Base64URL.encode([UInt8](0..<16)))])
        #expect(taken.status == 200, "\(taken.message)")
        #expect(taken.json["key"]?["k"] == nil)
        // FIPS 197 appendix C.1, as one block of CBC with a vector of zeros.
        let block = try await fixture.vault(
            .post, "keys/key1//encrypt",
            ["alg": "A128CBC", "value": "ABEiM0RVZneImaq7zN3u_w", "iv": .string(Base64URL.encode([UInt8](repeating: 0, count: 16)))])
        #expect(block.json["value"]?.string == Base64URL.encode([0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30, 0xd8, 0xcd, 0xb7, 0x80, 0x70, 0xb4, 0xc5, 0x5a]))
    }

    @Test func importingOverAKeyMakesAVersion() async throws {
        try await fixture.makeVault()
        let made = try await fixture.makeKey()
        let taken = try await put(Self.ec)
        #expect(taken.json["key"]?["kid"]?.string != made.text)
        #expect(try await fixture.vault(.get, "keys/key1/versions").items.count == 2)
    }

    @Test(arguments: ["n", "e", "d", "p", "q", "dp", "dq", "qi"])
    func eachNumberOfAnRSAKeyIsNeededAndProved(name: String) async throws {
        try await fixture.makeVault()
        var key = Self.rsa
        key[name] = nil
        let missing = try await put(key)
        #expect(missing.code == "BadParameter")
        #expect(missing.message.contains("key.\(name) is missing"))
        key[name] = "not base64!"
        #expect(try await put(key).code == "BadParameter")
        var bytes = try #require(Self.rsa[name]?.string.flatMap { Base64URL.decode($0) })
        bytes[bytes.count / 2] ^= 4
        key[name] = .string(Base64URL.encode(bytes))
        #expect(try await put(key).code == "BadParameter")
    }

    @Test(arguments: ["n", "e", "p", "q", "dp", "dq", "qi", "k"])
    func aMemberOfAnotherTypeOfKeyIsRefusedByItsName(name: String) async throws {
        try await fixture.makeVault()
        let refused = try await put(Self.ec.merging([name: "AQAB"]) { $1 })
        #expect(refused.code == "BadParameter")
        #expect(refused.message.contains("key.\(name) is not a member"))
    }

    @Test func otherKeysAreRefused() async throws {
        try await fixture.makeVault()
        let wrongPoint = Self.ec.merging(["y": Self.ec["x"] ?? .null]) { $1 }
        let cases: [[String: JSONValue]] = [
            wrongPoint, Self.ec.merging(["crv": "P-384"]) { $1 }, Self.ec.merging(["d": .null]) { $1 }, Self.ec.merging(["crv": .null]) { $1 },
            Self.ec.merging(["key_ops": ["encrypt"]]) { $1 }, ["kty": "oct", "k": "AQID"], ["kty": "oct"], ["kty": "OKP", "x": "AQ"], [:],
            Self.rsa.merging(["key_hsm": "AQID"]) { $1 },
        ]
        for key in cases {
            let refused = try await put(key)
            #expect(refused.status == 400, "\(key.keys.sorted())")
            #expect(refused.code == "BadParameter")
        }
        #expect(try await put(Self.ec, ["Hsm": true]).message.contains("premium"))
        #expect(try await fixture.vault(.get, "keys").items.isEmpty)
    }
}
