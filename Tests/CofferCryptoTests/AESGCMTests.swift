import CofferCore
import CofferCrypto
import CofferTesting
import Testing

@Suite struct AESGCMTests {
    private struct Sealed {
        let key, nonce, data, plaintext, box: [UInt8]

        init(_ random: inout SeededRandom, count: Int) throws {
            key = random.bytes([16, 24, 32].randomElement(using: &random) ?? 32)
            nonce = random.bytes(12)
            data = random.bytes(Int.random(in: 0...40, using: &random))
            plaintext = random.bytes(count)
            let text = plaintext
            box = unsafe try AESGCM.seal(text.span.bytes, key: SecretBytes(key), nonce: nonce, authenticating: data)
        }

        func open(key: [UInt8]? = nil, nonce: [UInt8]? = nil, data: [UInt8]? = nil, box: [UInt8]? = nil) throws -> [UInt8] {
            try AESGCM.open(
                box ?? self.box, key: SecretBytes(key ?? self.key), nonce: nonce ?? self.nonce,
                authenticating: data ?? self.data
            ).revealed
        }
    }

    @Test(arguments: 0..<24 as Range<UInt64>)
    func boxOpensToWhatWasSealed(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let sealed = try Sealed(&random, count: seed == 0 ? 0 : Int.random(in: 1...5000, using: &random))
        #expect(sealed.box.count == sealed.plaintext.count + 16)
        #expect(try sealed.open() == sealed.plaintext)
    }

    @Test func anyChangedByteIsRefused() throws {
        var random = SeededRandom(seed: 1)
        let sealed = try Sealed(&random, count: 40)
        for index in sealed.box.indices {
            var box = sealed.box
            box[index] ^= 1 << UInt8(index % 8)
            #expect(throws: CryptoError.authenticationFailed, "byte \(index)") { try sealed.open(box: box) }
        }
        for count in 0..<sealed.box.count {
            #expect(throws: CryptoError.authenticationFailed, "\(count) bytes") {
                try sealed.open(box: Array(sealed.box[..<count]))
            }
        }
        #expect(throws: CryptoError.authenticationFailed) { try sealed.open(box: sealed.box + [0]) }
    }

    @Test func anotherKeyNonceOrContextIsRefused() throws {
        var random = SeededRandom(seed: 2)
        let sealed = try Sealed(&random, count: 40)
        #expect(throws: CryptoError.authenticationFailed) { try sealed.open(key: random.bytes(sealed.key.count)) }
        #expect(throws: CryptoError.authenticationFailed) { try sealed.open(nonce: random.bytes(12)) }
        #expect(throws: CryptoError.authenticationFailed) { try sealed.open(data: sealed.data + [0]) }
        #expect(throws: CryptoError.authenticationFailed) { try sealed.open(data: random.bytes(sealed.data.count + 1)) }
    }

    @Test(arguments: [0, 8, 11, 13, 16])
    func nonceOfAnotherLengthIsRefused(count: Int) {
        let nonce = SecureRandom.bytes(count)
        let key = SecureRandom.secret(32)
        #expect(refusal { _ = try AESGCM.seal(RawSpan(), key: key, nonce: nonce, authenticating: []) } == .invalidLength)
        #expect(refusal { _ = try AESGCM.open([], key: key, nonce: nonce, authenticating: []) } == .invalidLength)
    }

    @Test(arguments: [0, 15, 31, 33, 64])
    func keyOfAnotherLengthIsRefused(count: Int) {
        let nonce = SecureRandom.bytes(12)
        let key = SecureRandom.secret(count)
        #expect(refusal { _ = try AESGCM.seal(RawSpan(), key: key, nonce: nonce, authenticating: []) } == .invalidKey)
        #expect(refusal { _ = try AESGCM.open([], key: key, nonce: nonce, authenticating: []) } == .invalidKey)
    }
}
