import CofferCore
import CofferCrypto
import Testing

@Suite struct DigestTests {
    /// FIPS 180-4 examples (NIST CSRC): the empty message, "abc" and a million times "a".
    @Test(arguments: [
        (DigestAlgorithm.sha1, "da39a3ee5e6b4b0d3255bfef95601890afd80709", "34aa973cd4c4daa4f61eeb2bdbad27316534016f"),
        (
            .sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        ),
        (
            .sha384,
            "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b",
            "9d0e1809716474cb086e834e310a4a1ced149e9c00f248527972cec5704c2a5b07b8b3dc38ecc4ebae97ddd87f3d8985"
        ),
        (
            .sha512,
            "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
                + "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
            "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb"
                + "de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b"
        ),
    ])
    func standardExamplesAreMet(algorithm: DigestAlgorithm, empty: String, million: String) {
        #expect(Hex.encode(algorithm.hash([])) == empty)
        #expect(Hex.encode(algorithm.hash(RawSpan())) == empty)
        #expect(Hex.encode(algorithm.hash([UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000))) == million)
        #expect(algorithm.hash([1]).count == algorithm.length)
    }

    /// RFC 4231 sections 4.2 to 4.8: short and long keys and messages.
    @Test(arguments: [
        (
            [UInt8](repeating: 0x0b, count: 20), Array("Hi There".utf8),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        (
            Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        (
            [UInt8](repeating: 0xaa, count: 20), [UInt8](repeating: 0xdd, count: 50),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
        ),
        (
            Array(1...25), [UInt8](repeating: 0xcd, count: 50),
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"
        ),
        (
            [UInt8](repeating: 0xaa, count: 131), Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
    ])
    func hmacOfRFC4231IsMet(key: [UInt8], message: [UInt8], code: String) {
        #expect(Hex.encode(HMAC.authenticate(message, key: SecretBytes(key), using: .sha256)) == code)
    }

    @Test func hmacTakesAnEmptyKeyAndMessage() {
        // The well-known value of HMAC-SHA256("", "").
        let code = HMAC.authenticate([], key: SecretBytes([]), using: .sha256)
        #expect(Hex.encode(code) == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
    }

    @Test func randomBytesAreNotRepeated() {
        #expect(SecureRandom.bytes(0) == [])
        #expect(SecureRandom.secret(0).count == 0)
        var seen: Set<[UInt8]> = []
        for _ in 0..<100 {
            seen.insert(SecureRandom.bytes(16))
            seen.insert(SecureRandom.secret(16).revealed)
        }
        #expect(seen.count == 200)
    }
}
