import CofferCore
import CofferCrypto
import Testing

@Suite struct ECKeyTests {
    @Test(arguments: EllipticCurve.allCases)
    func newPairComesBackFromItsPKCS8(curve: EllipticCurve) throws {
        let key = try ECKey.generate(on: curve)
        #expect(key.curve == curve)
        #expect(key.isPrivate)
        #expect(key.x.count == curve.coordinateLength)
        #expect(key.y.count == curve.coordinateLength)
        try key.checkConsistency()
        let again = try ECKey(pkcs8: key.pkcs8())
        #expect(again.curve == curve)
        #expect(again.x == key.x)
        #expect(again.y == key.y)
    }

    @Test func curvesAndSchemesAreNamedAsInJSONWebAlgorithms() {
        #expect(EllipticCurve.allCases.map(\.rawValue) == ["P-256", "P-384", "P-521", "P-256K"])
        #expect(EllipticCurve.allCases.map(\.coordinateLength) == [32, 48, 66, 32])
        #expect(ECSignature.allCases.map(\.rawValue) == ["ES256", "ES256K", "ES384", "ES512"])
    }

    @Test(arguments: ECSignature.allCases)
    func signatureHoldsForItsDigestAndKeyAlone(scheme: ECSignature) throws {
        let key = try ECKey.generate(on: scheme.curve)
        let half = try ECKey(curve: key.curve, x: key.x, y: key.y)
        let digest = scheme.digest.hash([1, 2, 3])
        // Many, for r and s are short now and then and must be padded.
        for _ in 0..<64 {
            let signature = try key.sign(digest: digest, using: scheme)
            #expect(signature.count == 2 * scheme.curve.coordinateLength)
            #expect(try half.verify(signature, digest: digest, using: scheme))
            #expect(try !half.verify(signature, digest: scheme.digest.hash([1, 2]), using: scheme))
        }
        let signature = try key.sign(digest: digest, using: scheme)
        #expect(try !ECKey.generate(on: scheme.curve).verify(signature, digest: digest, using: scheme))
        for bad in [[], [0], signature + [0], Array(signature.dropLast()),
            [UInt8](repeating: 0, count: signature.count), [UInt8](repeating: 0xff, count: signature.count)] {
            #expect(try !half.verify(bad, digest: digest, using: scheme))
        }
        for count in [0, digest.count - 1, digest.count + 1] {
            let wrong = [UInt8](repeating: 0, count: count)
            #expect(refusal { _ = try key.sign(digest: wrong, using: scheme) } == .invalidLength)
            #expect(refusal { _ = try key.verify(signature, digest: wrong, using: scheme) } == .invalidLength)
        }
        for other in ECSignature.allCases where other != scheme {
            let wrong = other.digest.hash([1, 2, 3])
            #expect(refusal { _ = try key.sign(digest: wrong, using: other) } == .invalidKey)
            #expect(refusal { _ = try key.verify(signature, digest: wrong, using: other) } == .invalidKey)
        }
    }

    @Test func publicHalfKeepsNothingPrivate() throws {
        let key = try ECKey.generate(on: .p384)
        let half = try ECKey(curve: .p384, x: key.x, y: key.y)
        #expect(!half.isPrivate)
        #expect(refusal { _ = try half.pkcs8() } == .invalidKey)
        #expect(refusal { _ = try half.sign(digest: [UInt8](repeating: 0, count: 48), using: .es384) } == .invalidKey)
        #expect(refusal { try half.checkConsistency() } == .invalidKey)
    }

    /// RFC 6979 appendix A.2.5.
    private static let x = hex("60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6")
    private static let y = hex("7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299")
    private static let scalar = hex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721")

    @Test func pairIsMadeOfItsThreeNumbers() throws {
        let key = try ECKey(curve: .p256, x: Self.x, y: [0] + Self.y, scalar: SecretBytes([0] + Self.scalar))
        #expect(key.isPrivate)
        #expect(key.x == Self.x)
        #expect(key.y == Self.y)
        let digest = ECSignature.es256.digest.hash([7])
        #expect(try ECKey(pkcs8: key.pkcs8()).verify(key.sign(digest: digest, using: .es256), digest: digest, using: .es256))
    }

    @Test func numbersThatDoNotBelongTogetherAreRefused() throws {
        func pair(
            _ curve: EllipticCurve = .p256, _ x: [UInt8] = Self.x, _ y: [UInt8] = Self.y, _ scalar: [UInt8] = Self.scalar
        ) -> CryptoError? {
            refusal { _ = try ECKey(curve: curve, x: x, y: y, scalar: SecretBytes(scalar)) }
        }
        #expect(pair() == nil)
        var other = Self.scalar
        other[31] ^= 1
        #expect(pair(.p256, Self.x, Self.y, other) == .invalidKey)
        // The order of P-256 and past it (SP 800-186 section 3.2.1.3).
        let order = hex("FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551")
        for scalar in [[], [0], [1], order, [UInt8](repeating: 0xff, count: 32), [UInt8](repeating: 1, count: 40)] {
            #expect(pair(.p256, Self.x, Self.y, scalar) == .invalidKey)
        }
        #expect(pair(.p256, Self.y, Self.x) == .invalidKey)
        #expect(pair(.p256K) == .invalidKey)
        #expect(pair(.p384) == .invalidKey)
        for x in [[], [0], [UInt8](repeating: 0xff, count: 32), [1] + Self.x, [UInt8](repeating: 1, count: 400)] {
            #expect(refusal { _ = try ECKey(curve: .p256, x: x, y: Self.y) } == .invalidKey)
        }
    }

    @Test func malformedPKCS8IsRefused() throws {
        let good = try ECKey.generate(on: .p256).pkcs8().revealed
        for count in good.indices {
            #expect(refusal { _ = try ECKey(pkcs8: SecretBytes(Array(good[..<count]))) } == .invalidKey, "\(count) bytes")
        }
        #expect(refusal { _ = try ECKey(pkcs8: SecretBytes(good + [0])) } == .invalidKey)
        #expect(refusal { _ = try ECKey(pkcs8: RSAKey.generate(bits: 2048).pkcs8()) } == .invalidKey)
    }

    @Test(.enabled(if: Tool.has("openssl"), "the openssl command is absent"))
    func curveOfAnotherNameOrOfParametersIsRefused() throws {
        let directory = try TemporaryDirectory()
        for (curve, encoding, isGood) in [
            ("P-256", "named_curve", true), ("P-256", "explicit", false), ("brainpoolP256r1", "named_curve", false),
        ] {
            let text = try directory.write("key.pem", [])
            let path = try directory.write("key.der", [])
            let made = try Tool.run("openssl", [
                "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:\(curve)", "-pkeyopt",
                "ec_param_enc:\(encoding)", "-out", text,
            ])
            let converted = try Tool.run("openssl", [
                "pkcs8", "-topk8", "-nocrypt", "-in", text, "-outform", "DER", "-out", path,
            ])
            #expect(made.status == 0 && converted.status == 0, "\(made.output)\(converted.output)")
            let bytes = try Tool.read(path)
            #expect((refusal { _ = try ECKey(pkcs8: SecretBytes(bytes)) } == nil) == isGood, "\(curve) \(encoding)")
        }
    }

    @Test func kindOfAPrivateKeyIsFoundInItsBytes() throws {
        let pairs: [PrivateKey] = [.rsa(try RSAKey.generate(bits: 2048)), .ec(try ECKey.generate(on: .p521))]
        for pair in pairs {
            try pair.checkConsistency()
            let again = try PrivateKey(pkcs8: pair.pkcs8())
            switch (pair, again) {
            case (.rsa(let left), .rsa(let right)): #expect(left.modulus == right.modulus)
            case (.ec(let left), .ec(let right)): #expect(left.x == right.x)
            default: Issue.record("another kind came back")
            }
        }
        // RFC 8410 section 10.3: an Ed25519 private key.
        let other = hex("302e020100300506032b657004220420d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fbe097a88f44755842")
        #expect(refusal { _ = try PrivateKey(pkcs8: SecretBytes(other)) } == .invalidKey)
    }

    @Test func oneKeyServesManyTasksAtOnce() async throws {
        let key = try ECKey.generate(on: .p256)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<32 as Range<UInt8> {
                group.addTask {
                    let digest = DigestAlgorithm.sha256.hash([number])
                    return try key.verify(key.sign(digest: digest, using: .es256), digest: digest, using: .es256)
                }
            }
            for try await isGood in group { #expect(isGood) }
        }
    }
}
