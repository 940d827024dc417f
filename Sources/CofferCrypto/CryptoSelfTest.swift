import CofferCore

/// Known-answer tests of every primitive, for the start of a program that is about to trust them with keys: a broken
/// processor, library or build shows here and not in somebody's data.
package enum CryptoSelfTest {
    /// Runs all tests, in a few milliseconds.
    ///
    /// - Throws: ``CryptoError/openSSL(_:)`` naming the first primitive whose answer is wrong, or its own error if it
    ///   gives none.
    package static func run() throws(CryptoError) {
        try digests()
        try hmac()
        try hkdf()
        try scrypt()
        try gcm()
        try cbc()
        try keyWrap()
        try xts()
        try agreement()
        try hpke()
        try rsa()
        try ecdsa()
        try ed25519()
    }

    /// FIPS 180-4, example "abc" (NIST CSRC, Examples with Intermediate Values).
    private static func digests() throws(CryptoError) {
        let answers: [(DigestAlgorithm, String)] = [
            (.sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (.sha384, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
                + "8086072ba1e7cc2358baeca134c825a7"),
            (.sha512, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                + "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"),
        ]
        for (algorithm, answer) in answers {
            try expect(algorithm.hash(message) == bytes(answer), algorithm.name)
        }
    }

    /// RFC 4231 section 4.3, test case 2.
    private static func hmac() throws(CryptoError) {
        let code = HMAC.authenticate(
            Array("what do ya want for nothing?".utf8), key: secret(Array("Jefe".utf8)), using: .sha256)
        try expect(code == bytes("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"), "HMAC")
    }

    /// RFC 5869 appendix A.1.
    private static func hkdf() throws(CryptoError) {
        let key = try HKDF.deriveKey(
            from: secret([UInt8](repeating: 0x0b, count: 22)), salt: Array(0...12), info: Array(0xf0...0xf9), count: 42)
        try expect(
            key, "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865", "HKDF")
    }

    /// RFC 7914 section 12, the first.
    private static func scrypt() throws(CryptoError) {
        let key = try Scrypt.deriveKey(from: secret([]), salt: [], cost: Scrypt.Cost(cost: 16, blockSize: 1, parallelism: 1), count: 64)
        try expect(
            key, "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906",
            "scrypt")
    }

    /// Test case 16 of McGrew and Viega, "The Galois/Counter Mode of Operation", 2005.
    private static func gcm() throws(CryptoError) {
        let key = secret(try bytes("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308"))
        let nonce = try bytes("cafebabefacedbaddecaf888")
        let data = try bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2")
        let plaintext =
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525"
            + "b16aedf5aa0de657ba637b39"
        var answer = try bytes(
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838"
                + "c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b")
        let message = try bytes(plaintext)
        let box = unsafe try AESGCM.seal(message.span.bytes, key: key, nonce: nonce, authenticating: data)
        try expect(box == answer, "AES-GCM seal")
        try expect(AESGCM.open(answer, key: key, nonce: nonce, authenticating: data), plaintext, "AES-GCM open")
        answer[0] ^= 1
        let count = (try? AESGCM.open(answer, key: key, nonce: nonce, authenticating: data))?.count
        try expect(count == nil, "AES-GCM refusal")
    }

    /// NIST SP 800-38A appendix F.2.5, first block.
    private static func cbc() throws(CryptoError) {
        let key = secret(try bytes("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"))
        let vector = [UInt8](0...15)
        let plaintext = "6bc1bee22e409f96e93d7e117393172a"
        let answer = try bytes("f58c4c04d6e5f1ba779eabfb5f7bfbd6")
        let block = try bytes(plaintext)
        let ciphertext = unsafe try AESCBC.encrypt(block.span.bytes, key: key, vector: vector, padding: .none)
        try expect(ciphertext == answer, "AES-CBC encryption")
        try expect(AESCBC.decrypt(answer, key: key, vector: vector, padding: .none), plaintext, "AES-CBC decryption")
    }

    /// RFC 3394 section 4.6.
    private static func keyWrap() throws(CryptoError) {
        let wrapping = secret(Array(0...31))
        let key = "00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f"
        let answer = try bytes("28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21")
        try expect(AESKeyWrap.wrap(secret(bytes(key)), with: wrapping) == answer, "AES key wrap")
        try expect(AESKeyWrap.unwrap(answer, with: wrapping), key, "AES key unwrap")
    }

    /// The keys of IEEE Std 1619-2007 vector 10, over two sectors between which the number passes 2^32. The digest of the
    /// ciphertext was computed with the pyca/cryptography library; the tests have the vectors of the standard itself.
    private static func xts() throws(CryptoError) {
        let key = try bytes(
            "2718281828459045235360287471352662497757247093699959574966967627"
                + "3141592653589793238462643383279502884197169399375105820974944592")
        let plaintext = (0..<2 * XTSCipher.sectorSize).map { UInt8(truncatingIfNeeded: $0) }
        let answer = try bytes("a832d586cefe03576e91b3d020fdff549d228631dda2eaa66cae88f0ab572e37")
        for engine in XTSEngine.allCases where engine.isAvailable {
            let cipher = try XTSCipher(key: secret(key), engine: engine)
            var sectors = plaintext
            unsafe sectors.withUnsafeMutableBytes { unsafe cipher.encrypt($0, first: 0xffff_ffff) }
            try expect(DigestAlgorithm.sha256.hash(sectors) == answer, "AES-XTS encryption (\(engine.rawValue))")
            unsafe sectors.withUnsafeMutableBytes { unsafe cipher.decrypt($0, first: 0xffff_ffff) }
            try expect(sectors == plaintext, "AES-XTS decryption (\(engine.rawValue))")
        }
    }

    /// RFC 7748 section 6.1.
    private static func agreement() throws(CryptoError) {
        let key = try X25519Key(secret(bytes("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")))
        let other = try bytes("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f")
        try expect(
            key.agree(with: other), "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742", "X25519")
    }

    /// The vector of this suite's base mode in the test-vectors.json of RFC 9180's authors, encryption 0.
    private static func hpke() throws(CryptoError) {
        let ephemeral = try X25519Key(
            secret(bytes("179d4b53b6365c45b600c4163b61d95cbc2f4d9e36f1695558dce265ab8bab11")))
        let recipient = try HPKEPrivateKey(
            secret(bytes("497b4502664cfea5d5af0b39934dac72242a74f8480451e1aee7d6a53320333d")))
        let info = Array("Ode on a Grecian Urn".utf8)
        let data = Array("Count-0".utf8)
        let plaintext = Array("Beauty is truth, truth beauty".utf8)
        let answer = try bytes(
            "6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256"
                + "e5d84cd531cfb583096e7cfa9641bd3079cf3a91cda813c52deb5f512be9931980a41de125a925cdad859d5b7a")
        let sealed = unsafe try HPKE.seal(
            plaintext.span.bytes, to: recipient.publicKey, ephemeral: ephemeral, info: info, authenticating: data)
        try expect(sealed == answer, "HPKE seal")
        try expect(recipient.open(answer, info: info, authenticating: data), Hex.encode(plaintext), "HPKE open")
    }

    /// Sources stand with the vectors.
    private static func rsa() throws(CryptoError) {
        let key = try RSAKey(pkcs8: secret(bytes(SelfTestVectors.rsaKey)))
        let digest = DigestAlgorithm.sha256.hash(message)
        let signature = try bytes(SelfTestVectors.rs256Signature)
        try expect(key.sign(digest: digest, using: .rs256) == signature, "RSA signature")
        try expect(key.verify(signature, digest: digest, using: .rs256), "RSA verification")
        try expect(
            key.verify(bytes(SelfTestVectors.ps256Signature), digest: digest, using: .ps256), "RSA-PSS verification")
        try expect(!key.verify(signature, digest: digest, using: .ps256), "RSA-PSS refusal")
        let plaintext = try key.decrypt(bytes(SelfTestVectors.oaepCiphertext), using: .oaep256)
        try expect(plaintext, String(repeating: "00", count: 20), "RSA-OAEP")
        try rsaBatch(key, digest, signature)
    }

    /// The same signature by a batch, where there are any.
    private static func rsaBatch(_ key: RSAKey, _ digest: [UInt8], _ signature: [UInt8]) throws(CryptoError) {
        guard let prepared = key.preparedForBatches else { return }
        let block = try RSAEncoding.block(of: digest, .rs256, bits: key.bits)
        var isGood = false
        RSABatch.run([RSABatch.Operation(key: prepared, block: block)]) { _, result in
            if let result { isGood = unsafe ConstantTime.equal(result, signature.span.bytes) }
        }
        try expect(isGood, "RSA in batches")
    }

    /// RFC 8032 section 7.1, test 3.
    private static func ed25519() throws(CryptoError) {
        let key = try Ed25519Key(secret(bytes("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")))
        let answer = try bytes(
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
                + "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a")
        try expect(key.sign([0xaf, 0x82]) == answer, "Ed25519 signature")
        try expect(key.publicKey.verify(answer, of: [0xaf, 0x82]), "Ed25519 verification")
        try expect(!key.publicKey.verify(answer, of: [0xaf, 0x83]), "Ed25519 refusal")
    }

    /// RFC 6979 appendix A.2.5, "sample" with SHA-256.
    private static func ecdsa() throws(CryptoError) {
        let key = try ECKey(
            curve: .p256, x: bytes("60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"),
            y: bytes("7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"))
        let digest = DigestAlgorithm.sha256.hash(Array("sample".utf8))
        var signature = try bytes(
            "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
                + "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8")
        try expect(key.verify(signature, digest: digest, using: .es256), "ECDSA verification")
        signature[0] ^= 1
        try expect(!key.verify(signature, digest: digest, using: .es256), "ECDSA refusal")
        try ecdsaBatch(key, digest)
    }

    /// A full batch by the key of that vector, where there are any.
    private static func ecdsaBatch(_ key: ECKey, _ digest: [UInt8]) throws(CryptoError) {
        guard ECDSABatch.isAvailable else { return }
        let scalar = secret(try bytes("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721"))
        let pair = try ECKey(curve: key.curve, x: key.x, y: key.y, scalar: scalar)
        guard let prepared = pair.preparedForBatches else { throw .openSSL("self-test: ECDSA batches refuse a key") }
        let operation = ECDSABatch.Operation(key: prepared, digest: digest)
        for signature in ECDSABatch.run([ECDSABatch.Operation](repeating: operation, count: ECDSABatch.most)) {
            try expect(key.verify(signature ?? [], digest: digest, using: .es256), "ECDSA in batches")
        }
    }

    private static let message = Array("abc".utf8)

    private static func expect(_ isRight: Bool, _ name: String) throws(CryptoError) {
        guard isRight else { throw .openSSL("self-test: \(name) gives a wrong answer") }
    }

    private static func expect(
        _ secret: borrowing SecretBytes, _ answer: String, _ name: String
    ) throws(CryptoError) {
        let expected = self.secret(try bytes(answer))
        try expect(secret.constantTimeEquals(expected), name)
    }

    private static func bytes(_ text: String) throws(CryptoError) -> [UInt8] {
        guard let bytes = Hex.decode(text.filter { !$0.isNewline }) else { throw .openSSL("self-test: bad vector") }
        return bytes
    }

    private static func secret(_ bytes: [UInt8]) -> SecretBytes {
        var bytes = bytes
        return SecretBytes(wiping: &bytes)
    }
}
