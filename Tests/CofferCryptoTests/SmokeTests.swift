import CofferCore
import CofferCrypto
import Testing

@Suite struct SmokeTests {
    @Test func everyPrimitiveComesBackWithWhatWentIn() throws {
        #expect(Hex.encode(DigestAlgorithm.sha256.hash(Array("abc".utf8)))
            == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        let message = Array("the plaintext".utf8)
        let key = SecureRandom.secret(32)
        let nonce = SecureRandom.bytes(12)
        let box = unsafe try AESGCM.seal(message.span.bytes, key: key, nonce: nonce, authenticating: [1])
        #expect(try AESGCM.open(box, key: key, nonce: nonce, authenticating: [1]).revealed == message)
        #expect(throws: CryptoError.authenticationFailed) {
            try AESGCM.open(box, key: key, nonce: nonce, authenticating: [2]).count
        }
        let wrapped = try AESKeyWrap.wrap(key, with: key)
        #expect(try AESKeyWrap.unwrap(wrapped, with: key).constantTimeEquals(key))

        let recipient = HPKEPrivateKey.generate()
        let sealed = unsafe try HPKE.seal(message.span.bytes, to: recipient.publicKey, info: [1], authenticating: [2])
        #expect(try recipient.open(sealed, info: [1], authenticating: [2]).revealed == message)

        let cipher = try XTSCipher(key: SecureRandom.secret(64))
        var sectors = [UInt8](repeating: 7, count: 8192)
        unsafe sectors.withUnsafeMutableBytes { unsafe cipher.encrypt($0, first: 5) }
        #expect(sectors[..<4096] != sectors[4096...])
        unsafe sectors.withUnsafeMutableBytes { unsafe cipher.decrypt($0, first: 5) }
        #expect(sectors == [UInt8](repeating: 7, count: 8192))
    }

    @Test func rsaKeyDoesAllItsSchemes() throws {
        let key = try RSAKey.generate(bits: 2048)
        let again = try RSAKey(pkcs8: key.pkcs8())
        let half = try RSAKey(publicModulus: key.modulus, exponent: key.exponent)
        #expect(again.modulus == key.modulus)
        #expect(!half.isPrivate)
        try key.checkConsistency()
        for scheme in RSAEncryption.allCases {
            for message in [[], Array("a key".utf8)] {
                let ciphertext = unsafe try half.encrypt(message.span.bytes, using: scheme)
                #expect(try again.decrypt(ciphertext, using: scheme).revealed == message)
            }
        }
        for scheme in RSASignature.allCases {
            let digest = scheme.digest.hash([1, 2, 3])
            let signature = try key.sign(digest: digest, using: scheme)
            #expect(try half.verify(signature, digest: digest, using: scheme))
            #expect(try !half.verify(signature, digest: scheme.digest.hash([1]), using: scheme))
        }
    }
}
