import CofferCore
import CofferCrypto
import Testing

@Suite struct AESCBCTests {
    @Test(arguments: [
        // NIST SP 800-38A appendix F.2.1, F.2.3 and F.2.5: the key and the four blocks.
        ("2b7e151628aed2a6abf7158809cf4f3c",
            "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
                + "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7"),
        ("8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
            "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a"
                + "571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd"),
        ("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
            "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
                + "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b"),
    ])
    func standardVectorIsMet(key: String, ciphertext: String) throws {
        let plaintext = hex(
            "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
                + "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710")
        let vector = [UInt8](0...15)
        let secret = SecretBytes(hex(key))
        let made = unsafe try AESCBC.encrypt(plaintext.span.bytes, key: secret, vector: vector, padding: .none)
        #expect(made == hex(ciphertext))
        #expect(try AESCBC.decrypt(made, key: secret, vector: vector, padding: .none).revealed == plaintext)
    }

    @Test(arguments: [16, 24, 32])
    func plaintextsOfAllLengthsComeBackFromPadding(length: Int) throws {
        let key = SecureRandom.secret(length)
        let vector = SecureRandom.bytes(16)
        for count in 0...49 {
            let plaintext = SecureRandom.bytes(count)
            let made = unsafe try AESCBC.encrypt(plaintext.span.bytes, key: key, vector: vector, padding: .pkcs7)
            #expect(made.count == (count / 16 + 1) * 16)
            #expect(try AESCBC.decrypt(made, key: key, vector: vector, padding: .pkcs7).revealed == plaintext)
        }
    }

    @Test func lengthsThatDoNotFitAreRefused() throws {
        let key = SecureRandom.secret(32)
        let vector = SecureRandom.bytes(16)
        for count in [0, 1, 15, 17] {
            let bytes = [UInt8](repeating: 0, count: count)
            let error = refusal { _ = unsafe try AESCBC.encrypt(bytes.span.bytes, key: key, vector: vector, padding: .none) }
            #expect(error == .invalidLength)
            for padding in AESCBC.Padding.allCases {
                let error = refusal { _ = try AESCBC.decrypt(bytes, key: key, vector: vector, padding: padding) }
                #expect(error == .authenticationFailed)
            }
        }
        for count in [0, 12, 15, 17, 32] {
            let vector = [UInt8](repeating: 0, count: count)
            #expect(refusal { _ = try AESCBC.decrypt(vector, key: key, vector: vector, padding: .none) } == .invalidLength)
        }
        for count in [0, 15, 20, 64] {
            let key = SecureRandom.secret(count)
            let block = [UInt8](repeating: 0, count: 16)
            #expect(refusal { _ = try AESCBC.decrypt(block, key: key, vector: vector, padding: .none) } == .invalidKey)
        }
    }
}
