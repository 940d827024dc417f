import CofferCore
@testable import CofferCrypto
import Testing

@Suite struct HPKETests {
    private static let info = Array("coffer data key v1".utf8)
    private static let data = Array("11111111-2222-3333-4444-555555555555/0".utf8)

    /// The base-mode vector of this suite from the test-vectors.json that RFC 9180's authors publish
    /// (cfrg/draft-irtf-cfrg-hpke), encryption 0. Recomputed with pyca/cryptography's X25519, HMAC and AES-GCM composed as
    /// the RFC says, with the same result.
    @Test func vectorOfTheStandardsAuthorsIsMet() throws {
        let ephemeral = try X25519Key(SecretBytes(hex("179d4b53b6365c45b600c4163b61d95cbc2f4d9e36f1695558dce265ab8bab11")))
        let recipient = try HPKEPrivateKey(
            SecretBytes(hex("497b4502664cfea5d5af0b39934dac72242a74f8480451e1aee7d6a53320333d")))
        #expect(Hex.encode(recipient.publicKey) == "430f4b9859665145a6b1ba274024487bd66f03a2dd577d7753c68d7d7d00c00c")
        let schedule = try HPKESchedule(
            agreed: ephemeral.agree(with: recipient.publicKey), encapsulated: ephemeral.publicKey,
            recipient: recipient.publicKey, info: Array("Ode on a Grecian Urn".utf8))
        #expect(Hex.encode(schedule.key.revealed) == "f50b0609186798729ed0564b36ef2ef8044f1f9d05636874d1f46c819c7a669f")
        #expect(Hex.encode(schedule.nonce) == "151d9929e2449747889bc923")
        let sealed = hex(
            """
            6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256
            e5d84cd531cfb583096e7cfa9641bd3079cf3a91cda813c52deb5f512be9931980a41de125a925cdad859d5b7a
            """)
        let opened = try recipient.open(
            sealed, info: Array("Ode on a Grecian Urn".utf8), authenticating: Array("Count-0".utf8))
        #expect(opened.revealed == Array("Beauty is truth, truth beauty".utf8))
    }

    @Test(arguments: [0, 1, 64, 1000])
    func messageOpensForItsRecipientAlone(count: Int) throws {
        let recipient = HPKEPrivateKey.generate()
        let secret = SecureRandom.secret(count)
        let sealed = try secret.withBytes {
            try HPKE.seal($0, to: recipient.publicKey, info: Self.info, authenticating: Self.data)
        }
        #expect(sealed.count == count + HPKE.overhead)
        #expect(try recipient.open(sealed, info: Self.info, authenticating: Self.data).constantTimeEquals(secret))
        let other = HPKEPrivateKey.generate()
        #expect(refusal { _ = try other.open(sealed, info: Self.info, authenticating: Self.data) } == .authenticationFailed)
        #expect(refusal { _ = try recipient.open(sealed, info: [], authenticating: Self.data) } == .authenticationFailed)
        #expect(refusal { _ = try recipient.open(sealed, info: Self.info, authenticating: []) } == .authenticationFailed)
    }

    @Test func anyChangedOrMissingByteIsRefused() throws {
        let recipient = HPKEPrivateKey.generate()
        let sealed = try SecureRandom.secret(64).withBytes {
            try HPKE.seal($0, to: recipient.publicKey, info: Self.info, authenticating: Self.data)
        }
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 1
            #expect(refusal { _ = try recipient.open(changed, info: Self.info, authenticating: Self.data) }
                == .authenticationFailed, "byte \(index)")
        }
        // X25519 ignores the highest bit of a public key, but the schedule does not.
        var changed = sealed
        changed[31] ^= 0x80
        #expect(refusal { _ = try recipient.open(changed, info: Self.info, authenticating: Self.data) }
            == .authenticationFailed)
        for count in 0..<sealed.count {
            let short = Array(sealed[..<count])
            #expect(refusal { _ = try recipient.open(short, info: Self.info, authenticating: Self.data) }
                == .authenticationFailed, "\(count) bytes")
        }
    }

    @Test func sameSecretIsSealedDifferentlyEachTime() throws {
        let recipient = HPKEPrivateKey.generate()
        let secret = SecureRandom.secret(64)
        var seen: Set<[UInt8]> = []
        for _ in 0..<8 {
            try secret.withBytes {
                _ = seen.insert(Array(try HPKE.seal($0, to: recipient.publicKey, info: [], authenticating: [])[..<32]))
            }
        }
        #expect(seen.count == 8)
    }

    @Test(arguments: [[], [1], [UInt8](repeating: 1, count: 31), [UInt8](repeating: 1, count: 33)])
    func publicKeyOfAnotherLengthIsRefused(key: [UInt8]) {
        #expect(refusal { _ = try HPKE.seal(RawSpan(), to: key, info: [], authenticating: []) } == .invalidKey)
        #expect(refusal { _ = try HPKEPrivateKey(SecretBytes(key)) } == .invalidKey)
    }

    /// RFC 7748 section 6.1 asks to refuse points with which any key agrees on zero: 0, 1, p - 1 and one of order 8.
    @Test(arguments: [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    ])
    func pointOfSmallOrderIsRefused(point: String) {
        let recipient = HPKEPrivateKey.generate()
        #expect(refusal { _ = try HPKE.seal(RawSpan(), to: hex(point), info: [], authenticating: []) } == .invalidKey)
        let sealed = hex(point) + [UInt8](repeating: 0, count: 80)
        #expect(refusal { _ = try recipient.open(sealed, info: [], authenticating: []) } == .authenticationFailed)
    }
}
