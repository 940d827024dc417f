import CofferCore
@testable import CofferCrypto
import Testing

@Suite struct RSAKeyTests {
    private static func testKey() throws -> RSAKey {
        try RSAKey(pkcs8: SecretBytes(hex(SelfTestVectors.rsaKey)))
    }

    @Test(arguments: [2048, 3072])
    func newKeyComesBackFromItsPKCS8(bits: Int) throws {
        let key = try RSAKey.generate(bits: bits)
        #expect(key.bits == bits)
        #expect(key.modulus.count == bits / 8)
        #expect(key.exponent == [1, 0, 1])
        #expect(key.isPrivate)
        try key.checkConsistency()
        let again = try RSAKey(pkcs8: key.pkcs8())
        #expect(again.modulus == key.modulus)
        #expect(try again.pkcs8().constantTimeEquals(key.pkcs8()))
    }

    @Test func publicHalfIsMadeOfTwoNumbers() throws {
        let pair = try Self.testKey()
        let half = try RSAKey(publicModulus: [0, 0] + pair.modulus, exponent: [0] + pair.exponent)
        #expect(half.modulus == pair.modulus)
        #expect(half.exponent == pair.exponent)
        #expect(half.bits == 2048)
        #expect(!half.isPrivate)
        #expect(refusal { _ = try half.pkcs8() } == .invalidKey)
        #expect(refusal { _ = try half.sign(digest: [UInt8](repeating: 0, count: 32), using: .rs256) } == .invalidKey)
        #expect(refusal { _ = try half.decrypt([UInt8](repeating: 0, count: 256), using: .oaep) } == .invalidKey)
        #expect(refusal { try half.checkConsistency() } == .invalidKey)
    }

    @Test(arguments: RSAEncryption.allCases)
    func plaintextsOfAllLengthsComeBack(scheme: RSAEncryption) throws {
        let key = try Self.testKey()
        let limit = switch scheme {
        case .oaep: 256 - 42
        case .oaep256: 256 - 66
        case .pkcs1: 256 - 11
        }
        for count in [0, 1, 32, 64, limit] {
            let plaintext = SecureRandom.bytes(count)
            let ciphertext = unsafe try key.encrypt(plaintext.span.bytes, using: scheme)
            #expect(ciphertext.count == 256)
            #expect(try key.decrypt(ciphertext, using: scheme).revealed == plaintext)
        }
        let long = SecureRandom.bytes(limit + 1)
        #expect(refusal { _ = unsafe try key.encrypt(long.span.bytes, using: scheme) } == .invalidLength)
    }

    @Test(arguments: [RSAEncryption.oaep, .oaep256])
    func badCiphertextHasOneError(scheme: RSAEncryption) throws {
        let key = try Self.testKey()
        let plaintext = SecureRandom.bytes(32)
        let ciphertext = unsafe try key.encrypt(plaintext.span.bytes, using: scheme)
        for index in stride(from: 0, to: 256, by: 17) {
            var changed = ciphertext
            changed[index] ^= 4
            #expect(refusal { _ = try key.decrypt(changed, using: scheme) } == .authenticationFailed)
        }
        let other: RSAEncryption = scheme == .oaep ? .oaep256 : .oaep
        #expect(refusal { _ = try key.decrypt(ciphertext, using: other) } == .authenticationFailed)
        for bad in [[], [0], ciphertext + [0], Array(ciphertext.dropLast()), [UInt8](repeating: 0, count: 256),
            [UInt8](repeating: 0xff, count: 256)] {
            #expect(refusal { _ = try key.decrypt(bad, using: scheme) } == .authenticationFailed)
        }
    }

    @Test(arguments: RSASignature.allCases)
    func signatureHoldsForItsDigestAndSchemeAlone(scheme: RSASignature) throws {
        let key = try Self.testKey()
        let digest = scheme.digest.hash([1, 2, 3])
        let signature = try key.sign(digest: digest, using: scheme)
        #expect(signature.count == 256)
        #expect(try key.verify(signature, digest: digest, using: scheme))
        for other in RSASignature.allCases where other != scheme {
            #expect(try !key.verify(signature, digest: other.digest.hash([1, 2, 3]), using: other))
        }
        for index in stride(from: 0, to: 256, by: 17) {
            var changed = signature
            changed[index] ^= 1
            #expect(try !key.verify(changed, digest: digest, using: scheme))
        }
        for bad in [[], [0], signature + [0], [0] + signature, Array(signature.dropLast()),
            [UInt8](repeating: 0xff, count: 256)] {
            #expect(try !key.verify(bad, digest: digest, using: scheme))
        }
        for count in [0, digest.count - 1, digest.count + 1] {
            let wrong = [UInt8](repeating: 0, count: count)
            #expect(refusal { _ = try key.sign(digest: wrong, using: scheme) } == .invalidLength)
            #expect(refusal { _ = try key.verify(signature, digest: wrong, using: scheme) } == .invalidLength)
        }
    }

    @Test func undigestedSignatureIsOverAnyShortBytes() throws {
        let key = try Self.testKey()
        for count in [1, 36, 51, 245] {
            let bytes = SecureRandom.bytes(count)
            let signature = try key.sign(undigested: bytes)
            #expect(try key.verify(signature, undigested: bytes))
            #expect(try !key.verify(signature, undigested: SecureRandom.bytes(count)))
        }
        // RS256 is the same over the digest with its name before it (RFC 8017 section 9.2, note 1).
        let digest = DigestAlgorithm.sha256.hash([1])
        let named = hex("3031300d060960864801650304020105000420") + digest
        #expect(try key.sign(undigested: named) == key.sign(digest: digest, using: .rs256))
        for count in [0, 246, 256] {
            let bytes = [UInt8](repeating: 1, count: count)
            #expect(refusal { _ = try key.sign(undigested: bytes) } == .invalidLength)
            #expect(refusal { _ = try key.verify([], undigested: bytes) } == .invalidLength)
        }
        let half = try RSAKey(publicModulus: key.modulus, exponent: key.exponent)
        #expect(refusal { _ = try half.sign(undigested: [1]) } == .invalidKey)
        #expect(try !half.verify([], undigested: [1]))
    }

    @Test func exponentOfAPairCanBeChosen() throws {
        #expect(try RSAKey.generate(bits: 2048, exponent: 3).exponent == [3])
        for bad in [0, 1, 2, 65536] as [UInt32] {
            #expect(refusal { _ = try RSAKey.generate(bits: 2048, exponent: bad) } == .unsupported)
        }
    }

    @Test func schemesAreNamedAsInJSONWebAlgorithms() {
        #expect(RSASignature.allCases.map(\.rawValue) == ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"])
        #expect(RSAEncryption.allCases.map(\.rawValue) == ["RSA-OAEP", "RSA-OAEP-256", "RSA1_5"])
    }

    @Test(arguments: [Int.min, 0, 1024, 2047, 2049, 2049 + 256, 16384, Int.max])
    func keyOfAnotherSizeIsNotMade(bits: Int) {
        #expect(refusal { _ = try RSAKey.generate(bits: bits) } == .unsupported)
    }

    @Test func malformedPublicKeyIsRefused() throws {
        let modulus = try Self.testKey().modulus
        var even = modulus
        even[255] &= 0xfe
        let exponent: [UInt8] = [1, 0, 1]
        let small = Array(modulus[128...])
        for bad in [[], [0], [1], small, even, [UInt8](repeating: 0, count: 256), [UInt8](repeating: 0xff, count: 5000)] {
            #expect(refusal { _ = try RSAKey(publicModulus: bad, exponent: exponent) } == .invalidKey)
        }
        for bad: [UInt8] in [[], [0], [1], [2], [1, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0, 1]] {
            #expect(refusal { _ = try RSAKey(publicModulus: modulus, exponent: bad) } == .invalidKey)
        }
    }

    @Test func malformedPKCS8IsRefused() throws {
        let good = hex(SelfTestVectors.rsaKey)
        for count in stride(from: 0, to: good.count, by: 13) {
            #expect(refusal { _ = try RSAKey(pkcs8: SecretBytes(Array(good[..<count]))) } == .invalidKey, "\(count) bytes")
        }
        #expect(refusal { _ = try RSAKey(pkcs8: SecretBytes(good + [0])) } == .invalidKey)
    }

    @Test func changedPKCS8NeverGetsPastTheConsistencyCheck() throws {
        let good = hex(SelfTestVectors.rsaKey)
        // The numbers fill the bytes from 60 on; a change there parses, but does not make a key.
        for index in [300, 600, 700, 900, 1000, 1200] {
            var changed = good
            changed[index] ^= 2
            #expect(refusal { try RSAKey(pkcs8: SecretBytes(changed)).checkConsistency() } == .invalidKey, "byte \(index)")
        }
    }

    @Test func keyOfAnotherAlgorithmIsRefused() throws {
        // RFC 8410 section 10.3: an Ed25519 private key.
        let other = hex("302e020100300506032b657004220420d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842")
        #expect(refusal { _ = try RSAKey(pkcs8: SecretBytes(other)) } == .invalidKey)
    }

    @Test func oneKeyServesManyTasksAtOnce() async throws {
        let key = try RSAKey.generate(bits: 2048)
        let half = try RSAKey(publicModulus: key.modulus, exponent: key.exponent)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<32 as Range<UInt8> {
                group.addTask {
                    let scheme = RSASignature.allCases[Int(number) % 6]
                    let digest = scheme.digest.hash([number])
                    let signature = try key.sign(digest: digest, using: scheme)
                    let ciphertext = unsafe try half.encrypt(digest.span.bytes, using: .oaep)
                    let plaintext = try key.decrypt(ciphertext, using: .oaep).revealed
                    return try half.verify(signature, digest: digest, using: scheme) && plaintext == digest
                }
            }
            for try await isGood in group { #expect(isGood) }
        }
    }
}
