import CofferCore
import CofferCrypto
import Testing

@Suite(.enabled(if: Wycheproof.isPresent, "the vectors are absent"))
struct WycheproofECDSATests {
    private struct Group: Decodable {
        let publicKey: Key
        let tests: [Case]

        struct Key: Decodable {
            let wx, wy: HexBytes
        }

        struct Case: Decodable {
            let tcId: Int
            let msg, sig: HexBytes
            let flags: [String]
            let result: Wycheproof.Verdict
        }
    }

    @Test(arguments: [
        ("ecdsa_secp256r1_sha256_p1363", ECSignature.es256),
        ("ecdsa_secp256k1_sha256_p1363", .es256K),
        ("ecdsa_secp384r1_sha384_p1363", .es384),
        ("ecdsa_secp521r1_sha512_p1363", .es512),
    ])
    func verifiesWhatIsValidAlone(file: String, scheme: ECSignature) throws {
        var held = 0
        for group in try Wycheproof.groups(file, of: Group.self) {
            let key = try ECKey(curve: scheme.curve, x: group.publicKey.wx.bytes, y: group.publicKey.wy.bytes)
            for test in group.tests {
                let holds = try key.verify(test.sig.bytes, digest: scheme.digest.hash(test.msg.bytes), using: scheme)
                #expect(holds == (test.result == .valid), "\(test.tcId) \(test.flags)")
                if holds { held += 1 }
            }
        }
        #expect(held > 50)
    }
}
