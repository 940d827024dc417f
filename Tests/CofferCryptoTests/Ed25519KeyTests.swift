import CofferCore
import CofferCrypto
import Testing

@Suite struct Ed25519KeyTests {
    /// RFC 8032 section 7.1, tests 1 to 3.
    private static let vectors: [(secret: String, publicKey: String, message: String, signature: String)] = [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ]

    @Test func thePublishedVectorsHold() throws {
        for vector in Self.vectors {
            let key = try Ed25519Key(SecretBytes(hex(vector.secret)))
            #expect(key.publicKey.bytes == hex(vector.publicKey))
            #expect(try key.sign(hex(vector.message)) == hex(vector.signature))
            #expect(try key.publicKey.verify(hex(vector.signature), of: hex(vector.message)))
        }
    }

    @Test func nothingElseVerifies() throws {
        let vector = Self.vectors[2]
        let key = try Ed25519PublicKey(pem: try Ed25519Key(SecretBytes(hex(vector.secret))).publicKey.pem())
        let signature = hex(vector.signature)
        for bit in stride(from: 0, to: 512, by: 37) {
            var other = signature
            other[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(try !key.verify(other, of: hex(vector.message)))
        }
        #expect(try !key.verify(signature, of: hex("af83")))
        #expect(try !key.verify([], of: hex(vector.message)))
        #expect(try !key.verify(signature + [0], of: hex(vector.message)))
    }

    @Test func aKeyOfAnotherKindOrLengthIsRefused() throws {
        #expect(refusal { _ = try Ed25519Key(SecretBytes(hex("00"))) } == .invalidKey)
        #expect(refusal { _ = try Ed25519PublicKey(pem: "nothing") } == .invalidKey)
        let x25519 = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VuAyEAhSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=\n-----END PUBLIC KEY-----\n"
        #expect(refusal { _ = try Ed25519PublicKey(pem: x25519) } == .invalidKey)
    }

    /// RFC 8037 appendix A.3.
    @Test func theThumbprintIsThatOfTheKeyAsAWebKey() throws {
        let key = try Ed25519Key(SecretBytes(hex(Self.vectors[0].secret))).publicKey
        #expect(key.thumbprint == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")
    }
}
