import CofferCore
import CofferCrypto
import Testing

@Suite(.enabled(if: Wycheproof.isPresent, "the vectors are absent"))
struct WycheproofRSATests {
    private struct DecryptionGroup: Decodable {
        let privateKeyPkcs8: HexBytes
        let privateKeyJwk: [String: String]?
        let tests: [Case]

        struct Case: Decodable {
            let tcId: Int
            let msg, ct: HexBytes
            let label: HexBytes?
            let flags: [String]
            let result: Wycheproof.Verdict
        }
    }

    @Test(arguments: [
        ("rsa_oaep_2048_sha1_mgf1sha1", RSAEncryption.oaep),
        ("rsa_oaep_2048_sha256_mgf1sha256", .oaep256),
        ("rsa_oaep_3072_sha256_mgf1sha256", .oaep256),
        ("rsa_oaep_4096_sha256_mgf1sha256", .oaep256),
        ("rsa_pkcs1_2048", .pkcs1),
        ("rsa_pkcs1_3072", .pkcs1),
        ("rsa_pkcs1_4096", .pkcs1),
    ])
    func decryptsWhatIsValidAlone(file: String, scheme: RSAEncryption) throws {
        var decrypted = 0
        for group in try Wycheproof.groups(file, of: DecryptionGroup.self) {
            let key = try RSAKey(pkcs8: SecretBytes(group.privateKeyPkcs8.bytes))
            for test in group.tests {
                // A label is something the web algorithms do not have.
                if test.result == .valid, test.label?.bytes.isEmpty != false {
                    #expect(try key.decrypt(test.ct.bytes, using: scheme).revealed == test.msg.bytes, "\(test.tcId)")
                    decrypted += 1
                } else if let plaintext = try? key.decrypt(test.ct.bytes, using: scheme).revealed {
                    // OpenSSL from 3.2 on answers bad PKCS #1 padding with a plaintext that it makes up.
                    #expect(scheme == .pkcs1 && plaintext != test.msg.bytes, "\(test.tcId) \(test.flags)")
                } else {
                    let error = refusal { _ = try key.decrypt(test.ct.bytes, using: scheme) }
                    #expect(error == .authenticationFailed, "\(test.tcId) \(test.flags)")
                }
            }
        }
        #expect(decrypted >= 10)
    }

    @Test func webKeyMakesThePairOfItsPKCS8() throws {
        for group in try Wycheproof.groups("rsa_oaep_2048_sha1_mgf1sha1", of: DecryptionGroup.self) {
            let web = try #require(group.privateKeyJwk)
            func number(_ name: String) throws -> [UInt8] { try #require(web[name].flatMap { Base64URL.decode($0) }) }
            func components(_ privateExponent: [UInt8]) throws -> RSAComponents {
                try RSAComponents(
                    privateExponent: SecretBytes(privateExponent), firstPrime: SecretBytes(number("p")),
                    secondPrime: SecretBytes(number("q")), firstExponent: SecretBytes(number("dp")),
                    secondExponent: SecretBytes(number("dq")), coefficient: SecretBytes(number("qi")))
            }
            let pair = try RSAKey(pkcs8: SecretBytes(group.privateKeyPkcs8.bytes))
            let made = try RSAKey(modulus: number("n"), exponent: number("e"), components: components(number("d")))
            #expect(made.isPrivate)
            #expect(made.modulus == pair.modulus)
            #expect(try made.pkcs8().constantTimeEquals(pair.pkcs8()))

            var other = try number("d")
            other[other.count - 1] ^= 2
            #expect(throws: CryptoError.invalidKey) {
                try RSAKey(modulus: number("n"), exponent: number("e"), components: components(other)).bits
            }
        }
    }

    private struct VerificationGroup: Decodable {
        let publicKey: Key
        let tests: [Case]

        struct Key: Decodable {
            let modulus, publicExponent: HexBytes
        }

        struct Case: Decodable {
            let tcId: Int
            let msg, sig: HexBytes
            let flags: [String]
            let result: Wycheproof.Verdict
        }
    }

    @Test(arguments: [
        ("rsa_signature_2048_sha256", RSASignature.rs256),
        ("rsa_signature_3072_sha384", .rs384),
        ("rsa_signature_4096_sha512", .rs512),
        ("rsa_pss_2048_sha256_mgf1_32", .ps256),
        ("rsa_pss_3072_sha256_mgf1_32", .ps256),
        ("rsa_pss_4096_sha256_mgf1_32", .ps256),
        ("rsa_pss_2048_sha384_mgf1_48", .ps384),
        ("rsa_pss_4096_sha512_mgf1_64", .ps512),
    ])
    func verifiesWhatIsValidAlone(file: String, scheme: RSASignature) throws {
        for group in try Wycheproof.groups(file, of: VerificationGroup.self) {
            let key = try RSAKey(
                publicModulus: group.publicKey.modulus.bytes, exponent: group.publicKey.publicExponent.bytes)
            for test in group.tests {
                let holds = try key.verify(test.sig.bytes, digest: scheme.digest.hash(test.msg.bytes), using: scheme)
                // What is acceptable lacks a NULL in the padding, which RFC 8017 section 8.2.2 does not allow.
                #expect(holds == (test.result == .valid), "\(test.tcId) \(test.flags)")
            }
        }
    }
}
