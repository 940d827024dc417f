import CofferCore
import CofferCrypto
import Testing

@Suite(.enabled(if: Wycheproof.isPresent, "the vectors are absent"))
struct WycheproofSymmetricTests {
    private struct AEADGroup: Decodable {
        let ivSize, tagSize: Int
        let tests: [Case]

        struct Case: Decodable {
            let tcId: Int
            let key, iv, aad, msg, ct, tag: HexBytes
            let result: Wycheproof.Verdict
        }
    }

    @Test func gcmOpensWhatIsValidAlone() throws {
        var opened = 0
        for group in try Wycheproof.groups("aes_gcm", of: AEADGroup.self) {
            #expect(group.tagSize == 128)
            for test in group.tests {
                let key = SecretBytes(test.key.bytes)
                let box = test.ct.bytes + test.tag.bytes
                let open = { () throws -> [UInt8] in
                    try AESGCM.open(
                        box, key: SecretBytes(test.key.bytes), nonce: test.iv.bytes, authenticating: test.aad.bytes
                    ).revealed
                }
                if group.ivSize != 96 {
                    #expect(throws: CryptoError.invalidLength, "\(test.tcId)") { try open() }
                } else if test.result == .valid {
                    #expect(try open() == test.msg.bytes, "\(test.tcId)")
                    let sealed = unsafe try AESGCM.seal(
                        test.msg.bytes.span.bytes, key: key, nonce: test.iv.bytes, authenticating: test.aad.bytes)
                    #expect(sealed == box, "\(test.tcId)")
                    opened += 1
                } else {
                    #expect(throws: CryptoError.authenticationFailed, "\(test.tcId)") { try open() }
                }
            }
        }
        #expect(opened > 100)
    }

    private struct CipherGroup: Decodable {
        let keySize: Int
        let tests: [Case]

        struct Case: Decodable {
            let tcId: Int
            let key, msg, ct: HexBytes
            let iv: HexBytes?
            let flags: [String]
            let result: Wycheproof.Verdict
        }
    }

    @Test func keyWrapUnwrapsWhatIsValidAlone() throws {
        var unwrapped = 0
        for group in try Wycheproof.groups("aes_wrap", of: CipherGroup.self) {
            for test in group.tests {
                let key = SecretBytes(test.key.bytes)
                switch test.result {
                case .valid:
                    #expect(try AESKeyWrap.unwrap(test.ct.bytes, with: key).revealed == test.msg.bytes, "\(test.tcId)")
                    #expect(try AESKeyWrap.wrap(SecretBytes(test.msg.bytes), with: key) == test.ct.bytes, "\(test.tcId)")
                    unwrapped += 1
                case .invalid, .acceptable:
                    // What is acceptable is a key of 8 bytes, which RFC 3394 does not know.
                    #expect(throws: CryptoError.authenticationFailed, "\(test.tcId) \(test.flags)") {
                        try AESKeyWrap.unwrap(test.ct.bytes, with: key).count
                    }
                    if test.msg.bytes.count < 16 || test.msg.bytes.count % 8 != 0 {
                        #expect(throws: CryptoError.invalidLength, "\(test.tcId)") {
                            try AESKeyWrap.wrap(SecretBytes(test.msg.bytes), with: key)
                        }
                    }
                }
            }
        }
        #expect(unwrapped == 36)
    }

    @Test func paddedKeyWrapUnwrapsWhatIsValidAlone() throws {
        var unwrapped = 0
        for group in try Wycheproof.groups("aes_kwp", of: CipherGroup.self) {
            for test in group.tests {
                let key = SecretBytes(test.key.bytes)
                if test.result == .valid {
                    let made = try AESKeyWrap.unwrap(test.ct.bytes, with: key, form: .padded).revealed
                    #expect(made == test.msg.bytes, "\(test.tcId)")
                    let again = try AESKeyWrap.wrap(SecretBytes(test.msg.bytes), with: key, form: .padded)
                    #expect(again == test.ct.bytes, "\(test.tcId)")
                    unwrapped += 1
                } else {
                    let error = refusal { _ = try AESKeyWrap.unwrap(test.ct.bytes, with: key, form: .padded) }
                    #expect(error == .authenticationFailed, "\(test.tcId) \(test.flags)")
                }
            }
        }
        #expect(unwrapped == 77)
    }

    @Test func cbcDecryptsWhatIsValidAlone() throws {
        var decrypted = 0
        for group in try Wycheproof.groups("aes_cbc_pkcs5", of: CipherGroup.self) {
            for test in group.tests {
                let key = SecretBytes(test.key.bytes)
                let vector = try #require(test.iv).bytes
                if test.result == .valid {
                    let made = try AESCBC.decrypt(test.ct.bytes, key: key, vector: vector, padding: .pkcs7).revealed
                    #expect(made == test.msg.bytes, "\(test.tcId)")
                    let again = unsafe try AESCBC.encrypt(
                        test.msg.bytes.span.bytes, key: key, vector: vector, padding: .pkcs7)
                    #expect(again == test.ct.bytes, "\(test.tcId)")
                    decrypted += 1
                } else {
                    let error = refusal { _ = try AESCBC.decrypt(test.ct.bytes, key: key, vector: vector, padding: .pkcs7) }
                    #expect(error == .authenticationFailed, "\(test.tcId) \(test.flags)")
                }
            }
        }
        #expect(decrypted > 50)
    }

    @Test func xtsGivesThePublishedCiphertext() throws {
        var count = 0
        for group in try Wycheproof.groups("aes_xts", of: CipherGroup.self) where group.keySize == 512 {
            for test in group.tests where test.msg.bytes.count % 16 == 0 {
                let tweak = (test.iv?.bytes ?? []) + [UInt8](repeating: 0, count: 8)
                // A tweak is wider than a sector's number.
                guard tweak[8...].allSatisfy({ $0 == 0 }) else { continue }
                let unit = tweak[..<8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
                let cipher = try XTSCipher(key: SecretBytes(test.key.bytes), sectorSize: test.msg.bytes.count)
                var sector = test.msg.bytes
                unsafe sector.withUnsafeMutableBytes { unsafe cipher.encrypt($0, first: unit) }
                #expect(sector == test.ct.bytes, "\(test.tcId)")
                unsafe sector.withUnsafeMutableBytes { unsafe cipher.decrypt($0, first: unit) }
                #expect(sector == test.msg.bytes, "\(test.tcId)")
                count += 1
            }
        }
        #expect(count == 13)
    }

    private struct MACGroup: Decodable {
        let tagSize: Int
        let tests: [Case]

        struct Case: Decodable {
            let tcId: Int
            let key, msg, tag: HexBytes
            let result: Wycheproof.Verdict
        }
    }

    @Test(arguments: [DigestAlgorithm.sha256, .sha384, .sha512])
    func hmacAgreesWithWhatIsValidAlone(digest: DigestAlgorithm) throws {
        for group in try Wycheproof.groups("hmac_\(digest.rawValue)", of: MACGroup.self) {
            for test in group.tests {
                let code = HMAC.authenticate(test.msg.bytes, key: SecretBytes(test.key.bytes), using: digest)
                let agrees = ConstantTime.equal(Array(code[..<(group.tagSize / 8)]), test.tag.bytes)
                #expect(agrees == (test.result == .valid), "\(test.tcId)")
            }
        }
    }
}
