import CofferCore
@testable import CofferCrypto
import Foundation
import Testing

/// Certificates and requests that are signed apart from where they are made.
@Suite struct UnsignedDocumentTests {
    private static let start = Timestamp(seconds: 1_795_435_200)

    private static func profile() throws -> CertificateProfile {
        try CertificateProfile(subject: DistinguishedName("CN=apart.example"), names: [.dns("apart.example")], usage: [], purposes: [])
    }

    private static func sign(_ document: UnsignedDocument, with key: PrivateKey) throws -> [UInt8] {
        switch key {
        case .rsa(let key): try document.signed(try key.sign(digest: document.digest, using: .rs256))
        case .ec(let key):
            try document.signed(try key.sign(digest: document.digest, using: #require(ECSignature(rawValue: document.algorithm))))
        }
    }

    private static func publicHalf(_ key: PrivateKey) throws -> PrivateKey {
        switch key {
        case .rsa(let key): .rsa(try RSAKey(publicModulus: key.modulus, exponent: key.exponent))
        case .ec(let key): .ec(try ECKey(curve: key.curve, x: key.x, y: key.y))
        }
    }

    @Test(.enabled(if: Tool.has("openssl"), "openssl is absent"), arguments: EllipticCurve.allCases.map(Optional.some) + [nil])
    func opensslBelievesWhatWasSignedApart(curve: EllipticCurve?) throws {
        let key: PrivateKey = try curve.map { .ec(try ECKey.generate(on: $0)) } ?? .rsa(try RSAKey.generate(bits: 2048))
        let outside = try Self.publicHalf(key)
        let directory = try TemporaryDirectory()
        let end = Self.start.adding(.seconds(86_400))
        let der = try Self.sign(Certificate.unsigned(Self.profile(), key: outside, from: Self.start, to: end), with: key)
        let certificate = try Certificate(der: der)
        #expect(certificate.isOf(key))
        #expect(certificate.names == [.dns("apart.example")])
        let file = try directory.write("certificate.pem", Array(certificate.pem.utf8))
        let verified = try Tool.run("openssl", ["verify", "-check_ss_sig", "-no_check_time", "-partial_chain", "-CAfile", file, file])
        #expect(verified.status == 0, "\(verified.output)")
        let signed = try Self.sign(CertificateRequest.unsigned(Self.profile(), key: outside), with: key)
        let request = try directory.write("request.der", signed)
        let shown = try Tool.run("openssl", ["req", "-inform", "DER", "-in", request, "-verify", "-noout"])
        #expect(shown.status == 0, "\(shown.output)")
        // Another key's signature is none.
        let other: PrivateKey = try curve.map { .ec(try ECKey.generate(on: $0)) } ?? .rsa(try RSAKey.generate(bits: 2048))
        let forged = try directory.write("forged.der", Self.sign(CertificateRequest.unsigned(Self.profile(), key: outside), with: other))
        #expect(try Tool.run("openssl", ["req", "-inform", "DER", "-in", forged, "-verify", "-noout"]).output.contains("failure"))
    }

    @Test func numbersAreEncodedAsPositiveOnes() {
        #expect(DER.integer([0, 0, 0x7f]) == [2, 1, 0x7f])
        #expect(DER.integer([0x80]) == [2, 2, 0, 0x80])
        #expect(DER.integer([0, 0]) == [2, 1, 0])
        #expect(DER.sequence([UInt8](repeating: 5, count: 300)).prefix(4) == [0x30, 0x82, 1, 44])
    }

    @Test func aSignatureOfTheWrongShapeIsRefused() throws {
        let key = PrivateKey.ec(try ECKey.generate(on: .p256))
        let document = try CertificateRequest.unsigned(Self.profile(), key: key)
        for signature in [[], [1], [1, 2, 3]] as [[UInt8]] {
            #expect(throws: CryptoError.invalidLength) { try document.signed(signature) }
        }
    }

    @Test func aPFXIsConvertedToPEMInItsOrder() throws {
        let key = PrivateKey.ec(try ECKey.generate(on: .p256))
        let leaf = try Certificate.selfSigned(Self.profile(), key: key, from: Self.start, to: Self.start.adding(.seconds(60)))
        let other = try CertificateAuthority.create(commonName: "other", now: Self.start).certificate
        for order in [[leaf, other], [other, leaf]] {
            let pfx = try CertificateExport.pfx(order, key: key)
            #expect(try CertifiedKey(pfx: pfx, password: SecretBytes([UInt8]())).certificates == order)
            #expect(try CertificateExport.pem(ofPFX: pfx).revealed == CertificateExport.pem(order, key: key).revealed)
        }
        #expect(throws: CryptoError.self) { _ = try CertificateExport.pem(ofPFX: SecretBytes([1, 2, 3] as [UInt8])) }
    }
}
