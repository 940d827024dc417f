import CofferCore
import CofferCrypto
import Testing

@Suite struct HKDFTests {
    struct Vector: Sendable {
        let appendix: String
        let digest: DigestAlgorithm
        let secret, salt, info: [UInt8]
        let key: String
    }

    /// RFC 5869 appendix A.
    private static let vectors = [
        Vector(
            appendix: "A.1", digest: .sha256, secret: [UInt8](repeating: 0x0b, count: 22), salt: Array(0x00...0x0c),
            info: Array(0xf0...0xf9),
            key: "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"),
        Vector(
            appendix: "A.2", digest: .sha256, secret: Array(0x00...0x4f), salt: Array(0x60...0xaf),
            info: Array(0xb0...0xff),
            key: """
                b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09
                da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87
                """),
        Vector(
            appendix: "A.3", digest: .sha256, secret: [UInt8](repeating: 0x0b, count: 22), salt: [], info: [],
            key: "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"),
        Vector(
            appendix: "A.4", digest: .sha1, secret: [UInt8](repeating: 0x0b, count: 11), salt: Array(0x00...0x0c),
            info: Array(0xf0...0xf9),
            key: "085a01ea1b10f36933068b56efa5ad81a4f14b822f5b091568a9cdd4f155fda2c22e422478d305f3f896"),
        Vector(
            appendix: "A.5", digest: .sha1, secret: Array(0x00...0x4f), salt: Array(0x60...0xaf),
            info: Array(0xb0...0xff),
            key: """
                0bd770a74d1160f7c9f12cd5912a06ebff6adcae899d92191fe4305673ba2ffe8fa3f1a4e5ad79f3f334b3b202b2173c
                486ea37ce3d397ed034c7f9dfeb15c5e927336d0441f4c4300e2cff0d0900b52d3b4
                """),
        Vector(
            appendix: "A.6", digest: .sha1, secret: [UInt8](repeating: 0x0b, count: 22), salt: [], info: [],
            key: "0ac1af7002b3d761d1e55298da9d0506b9ae52057220a306e07b6b87e8df21d0ea00033de03984d34918"),
    ]

    @Test(arguments: vectors)
    func standardVectorIsMet(vector: Vector) throws {
        let key = try HKDF.deriveKey(
            from: SecretBytes(vector.secret), salt: vector.salt, info: vector.info, count: hex(vector.key).count,
            using: vector.digest)
        #expect(key.revealed == hex(vector.key), "\(vector.appendix)")
    }

    @Test func eachPurposeSaltAndSecretGivesAnotherKey() throws {
        let secrets: [[UInt8]] = [Array(0..<32), Array(1..<33)]
        var seen: Set<[UInt8]> = []
        for secret in secrets {
            for salt: [UInt8] in [[], [1], [2]] {
                for info: [UInt8] in [[], [1], [2]] {
                    seen.insert(try HKDF.deriveKey(from: SecretBytes(secret), salt: salt, info: info, count: 32).revealed)
                }
            }
        }
        #expect(seen.count == 18)
    }

    @Test(arguments: [DigestAlgorithm.sha256, .sha384, .sha512])
    func outputIsAsLongAsAskedFor(digest: DigestAlgorithm) throws {
        let secret = SecureRandom.secret(32)
        for count in [1, 31, 32, 33, 255 * digest.length] {
            #expect(try HKDF.deriveKey(from: secret, salt: [], info: [], count: count, using: digest).count == count)
        }
        for count in [Int.min, -1, 0, 255 * digest.length + 1, Int.max] {
            #expect(refusal { _ = try HKDF.deriveKey(from: secret, salt: [], info: [], count: count, using: digest) }
                == .invalidLength)
        }
    }

    @Test func purposeMayHave2048Bytes() throws {
        let secret = SecureRandom.secret(32)
        let info = [UInt8](repeating: 1, count: 2048)
        #expect(try HKDF.deriveKey(from: secret, salt: info + info, info: info, count: 32).count == 32)
        #expect(refusal { _ = try HKDF.deriveKey(from: secret, salt: [], info: info + [1], count: 32) } == .invalidLength)
    }
}
