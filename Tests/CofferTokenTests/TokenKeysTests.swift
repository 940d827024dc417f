import CPKCS11
import CofferCore
import CofferCrypto
import CofferPlatform
import CofferToken
import Testing

/// Keys that SoftHSM holds, held against CofferCrypto.
@Suite struct TokenKeysTests {
    @Test(arguments: [2048, 3072])
    func whatThePublicHalfEncryptsTheTokenDecrypts(bits: Int) async throws {
        let token = try await SharedToken.get()
        let name = try TokenKeyName.random()
        let key = try await token.newRSA(bits, as: name)
        #expect(key.bits == bits)
        for scheme in TokenEncryption.allCases {
            let plaintext = SecureRandom.bytes(64)
            let ciphertext = unsafe try key.encrypt(plaintext.span.bytes, using: #require(RSAEncryption(rawValue: scheme.rawValue)))
            #expect(try await token.bytes(.decrypt(scheme), ciphertext, name.id) == plaintext, "\(scheme)")
            var changed = ciphertext
            changed[9] ^= 1
            if scheme != .pkcs1 {
                #expect(await refusal { _ = try await token.bytes(.decrypt(scheme), changed, name.id) } == .inputRefused, "\(scheme)")
            }
            #expect(await refusal { _ = try await token.bytes(.decrypt(scheme), Array(ciphertext.dropLast()), name.id) } != nil)
        }
        try await token.destroy(name.id)
    }

    @Test func rsaSignaturesHoldForThePublicHalf() async throws {
        let token = try await SharedToken.get()
        let name = try TokenKeyName.random()
        let key = try await token.newRSA(2048, as: name)
        for scheme in RSASignature.allCases {
            let digest = scheme.digest.hash([1, 2, 3])
            let signature = try await token.bytes(.sign(#require(TokenSignature(rawValue: scheme.rawValue))), digest, name.id)
            #expect(try key.verify(signature, digest: digest, using: scheme), "\(scheme)")
        }
        #expect(await refusal { _ = try await token.bytes(.sign(.rs256), [1, 2, 3], name.id) } == .inputRefused)
        try await token.destroy(name.id)
    }

    @Test(arguments: TokenCurve.allCases)
    func ecSignaturesAreAsLongAsTwoCoordinates(curve: TokenCurve) async throws {
        let token = try await SharedToken.get()
        let name = try TokenKeyName.random()
        guard case .ec(let x, let y) = try await token.generate(.ec(curve), as: name) else {
            Issue.record("no point")
            return
        }
        #expect(x.count == curve.coordinateLength && y.count == curve.coordinateLength && x != y)
        let digest = SecureRandom.bytes(min(curve.coordinateLength, 64))
        let scheme: TokenSignature = switch curve {
        case .p256: .es256
        case .p384: .es384
        case .p521: .es512
        case .p256K: .es256K
        }
        let signature = try await token.bytes(.sign(scheme), digest, name.id)
        #expect(signature.count == 2 * curve.coordinateLength)
        let der = try ECDSACheck.signature(signature)
        #expect(try ECDSACheck.holds(der, digest: digest, curve: curve, x: x, y: y))
        #expect(try !ECDSACheck.holds(der, digest: SecureRandom.bytes(digest.count), curve: curve, x: x, y: y))
        try await token.destroy(name.id)
    }

    @Test(arguments: [128, 192, 256])
    func aesKeysSealAndWrap(bits: Int) async throws {
        let token = try await SharedToken.get()
        let name = try TokenKeyName.random()
        #expect(try await token.generate(.aes(bits: bits), as: name) == .none)
        let (nonce, data) = (SecureRandom.bytes(12), SecureRandom.bytes(5))
        for count in [0, 1, 16, 100] {
            let plaintext = SecureRandom.bytes(count)
            let box = try await token.bytes(.seal(nonce: nonce, data: data), plaintext, name.id)
            #expect(box.count == count + 16)
            #expect(try await token.bytes(.open(nonce: nonce, data: data), box, name.id) == plaintext)
            var changed = box
            changed[count] ^= 1
            #expect(await refusal { _ = try await token.bytes(.open(nonce: nonce, data: data), changed, name.id) } == .inputRefused)
        }
        let iv = SecureRandom.bytes(16)
        let blocks = SecureRandom.bytes(32)
        for isPadded in [true, false] {
            let ciphertext = try await token.bytes(.encryptBlocks(iv: iv, isPadded: isPadded), blocks, name.id)
            #expect(ciphertext.count == (isPadded ? 48 : 32))
            #expect(try await token.bytes(.decryptBlocks(iv: iv, isPadded: isPadded), ciphertext, name.id) == blocks)
        }
        #expect(await refusal { _ = try await token.bytes(.encryptBlocks(iv: iv, isPadded: false), [1], name.id) } == .inputRefused)
        let secret = SecureRandom.bytes(32)
        let wrapped = try await token.bytes(.wrap, secret, name.id)
        #expect(wrapped.count == 40)
        #expect(try await token.bytes(.unwrap, wrapped, name.id) == secret)
        var changed = wrapped
        changed[39] ^= 1
        #expect(await refusal { _ = try await token.bytes(.unwrap, changed, name.id) } == .inputRefused)
        #expect(await refusal { _ = try await token.bytes(.wrap, [1, 2, 3], name.id) } != nil)
        try await token.destroy(name.id)
    }

    @Test func importedKeysAreUsedAsBefore() async throws {
        let token = try await SharedToken.get()
        let rsa = try RSAKey.generate(bits: 2048)
        let rsaName = try TokenKeyName.random()
        try await token.importKey(rsa.pkcs8(), .rsa(bits: 2048), as: rsaName)
        let message: [UInt8] = [1, 2, 3]
        let ciphertext = unsafe try rsa.encrypt(message.span.bytes, using: .oaep256)
        #expect(try await token.bytes(.decrypt(.oaep256), ciphertext, rsaName.id) == message)

        let bytes = SecureRandom.bytes(32)
        let aesName = try TokenKeyName.random()
        try await token.importKey(SecretBytes(bytes), .aes(bits: 256), as: aesName)
        let nonce = SecureRandom.bytes(12)
        let box = unsafe try AESGCM.seal(message.span.bytes, key: SecretBytes(bytes), nonce: nonce, authenticating: [])
        #expect(try await token.bytes(.seal(nonce: nonce, data: []), message, aesName.id) == box)
        let wrapped = try AESKeyWrap.wrap(SecretBytes(bytes), with: SecretBytes(bytes))
        #expect(try await token.bytes(.wrap, bytes, aesName.id) == wrapped)
        for name in [rsaName, aesName] { try await token.destroy(name.id) }
    }

    @Test(arguments: TokenCurve.allCases)
    func importedCurveKeysSignForTheirPoint(curve: TokenCurve) async throws {
        let token = try await SharedToken.get()
        let name = try TokenKeyName.random()
        let pkcs8 = try ECDSACheck.newKey(curve)
        // The number stands at a fixed place, and the point is what a PrivateKeyInfo of OpenSSL's ends with.
        let start = try #require(pkcs8.indices.first { pkcs8[$0...].starts(with: [0x02, 0x01, 0x01, 0x04, UInt8(curve.coordinateLength)]) }) + 5
        try await token.importKey(SecretBytes(Array(pkcs8[start..<start + curve.coordinateLength])), .ec(curve), as: name)
        let point = pkcs8.suffix(2 * curve.coordinateLength)
        let digest = SecureRandom.bytes(32)
        let der = try ECDSACheck.signature(await token.bytes(.sign(.es256), digest, name.id))
        let (x, y) = (Array(point.prefix(curve.coordinateLength)), Array(point.suffix(curve.coordinateLength)))
        #expect(try ECDSACheck.holds(der, digest: digest, curve: curve, x: x, y: y))
        try await token.destroy(name.id)
    }

    @Test(arguments: [TokenKeyKind.rsa(bits: 2048), .ec(.p256), .aes(bits: 256)])
    func noKeyCanBeReadOrWrappedOut(kind: TokenKeyKind) async throws {
        let token = try await SharedToken.get()
        let generated = try TokenKeyName.random("generated")
        _ = try await token.generate(kind, as: generated)
        var names = [generated]
        if case .aes = kind {
            names.append(try TokenKeyName.random("imported"))
            try await token.importKey(SecretBytes(SecureRandom.bytes(32)), kind, as: names[1])
        }
        let raw = try RawModule()
        for name in names {
            let object = try raw.object(name.id)
            #expect(raw.label(of: object) == name.label)
            switch kind {
            case .rsa:
                for part in [CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_PRIME_2] { #expect(raw.read(part, of: object) == CKR_ATTRIBUTE_SENSITIVE) }
                #expect(raw.read(CKA_MODULUS, of: object) == CKR_OK)
            case .ec, .aes:
                #expect(raw.read(CKA_VALUE, of: object) == CKR_ATTRIBUTE_SENSITIVE)
            }
            #expect(raw.wrap(object) == CKR_KEY_UNEXTRACTABLE)
            #expect(raw.makeExtractable(object) != CKR_OK)
            try await token.destroy(name.id)
        }
    }

    @Test func aDestroyedKeyIsGone() async throws {
        let token = try await SharedToken.get()
        let name = try TokenKeyName.random()
        _ = try await token.generate(.ec(.p256), as: name)
        #expect(await refusal { _ = try await token.generate(.ec(.p256), as: name) } == .keyExists(name.id))
        let digest = SecureRandom.bytes(32)
        #expect(try await token.bytes(.sign(.es256), digest, name.id).count == 64)
        try await token.destroy(name.id)
        #expect(await refusal { _ = try await token.bytes(.sign(.es256), digest, name.id) } == .noKey(name.id))
        try await token.destroy(name.id)
        _ = try await token.generate(.ec(.p256), as: name)
        #expect(try await token.bytes(.sign(.es256), digest, name.id).count == 64)
        try await token.destroy(name.id)
    }

    @Test func randomBytesDiffer() async throws {
        let token = try await SharedToken.get()
        #expect(try await token.random(128).revealed != token.random(128).revealed)
        #expect(await refusal { _ = try await token.random(0).count } == .inputRefused)
    }

    @Test func manyTasksShareTheSessions() async throws {
        let token = try await SharedToken.get()
        let name = try TokenKeyName.random()
        let key = try await token.newRSA(2048, as: name)
        try await withThrowingTaskGroup { group in
            for number in 0..<64 {
                group.addTask {
                    let digest = DigestAlgorithm.sha256.hash([UInt8(number)])
                    return try key.verify(await token.bytes(.sign(.rs256), digest, name.id), digest: digest, using: .rs256)
                }
            }
            for try await holds in group { #expect(holds) }
        }
        try await token.destroy(name.id)
    }

    @Test func keysAreUsedWhileOthersAreMadeAndDestroyed() async throws {
        let token = try await SharedToken.get()
        let name = try TokenKeyName.random()
        let key = try await token.newRSA(2048, as: name)
        let message: [UInt8] = [1, 2, 3]
        let ciphertext = unsafe try key.encrypt(message.span.bytes, using: .oaep256)
        try await withThrowingTaskGroup { group in
            for number in 0..<8 {
                group.addTask {
                    for _ in 0..<20 {
                        if number % 2 == 0 {
                            #expect(try await token.bytes(.decrypt(.oaep256), ciphertext, name.id) == message)
                        } else {
                            let other = try TokenKeyName.random()
                            _ = try await token.generate(.ec(.p256), as: other)
                            #expect(try await token.bytes(.sign(.es256), DigestAlgorithm.sha256.hash(message), other.id).count == 64)
                            try await token.destroy(other.id)
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        try await token.destroy(name.id)
    }
}
