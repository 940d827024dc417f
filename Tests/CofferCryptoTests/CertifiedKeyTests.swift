import CofferCore
@testable import CofferCrypto
import Foundation
import Testing

@Suite struct CertifiedKeyTests {
    private static let start = Timestamp(seconds: 1_795_435_200)
    private static let end = start.adding(.seconds(365 * 86_400))

    private static func profile() throws -> CertificateProfile {
        try CertificateProfile(
            subject: DistinguishedName("CN=app.example.com, O=\"Contoso, Ltd\", C=GB"),
            names: [.dns("app.example.com"), .email("ada@example.com"), .user("ada@example.com")],
            usage: [.digitalSignature, .keyEncipherment, .decipherOnly], purposes: ["1.3.6.1.5.5.7.3.1", "1.3.6.1.4.1.311.10.3.4"])
    }

    private static func key(_ curve: EllipticCurve = .p256) throws -> PrivateKey { try .ec(ECKey.generate(on: curve)) }

    private static let none = [UInt8]()

    @Test(arguments: EllipticCurve.allCases)
    func selfSignedCertificateSaysWhatItsProfileSays(curve: EllipticCurve) throws {
        let key = try Self.key(curve)
        let profile = try Self.profile()
        let made = try Certificate.selfSigned(profile, key: key, from: Self.start, to: Self.end)
        let certificate = try Certificate(der: made.der)
        #expect(certificate.subject == profile.subject)
        #expect(certificate.isSelfIssued)
        #expect(certificate.names == profile.names)
        #expect(certificate.usage == profile.usage)
        #expect(certificate.purposes == profile.purposes)
        #expect(certificate.notBefore == Self.start)
        #expect(certificate.notAfter == Self.end)
        #expect(certificate.thumbprint.count == 20)
        #expect(certificate.isOf(key))
        #expect(try !certificate.isOf(Self.key(curve)))
        #expect(refusal { _ = try Certificate(der: made.der + [0]) } == .invalidKey)
    }

    @Test(.enabled(if: Tool.has("openssl"), "openssl is absent"))
    func opensslReadsCertificateAndRequest() throws {
        let key = try PrivateKey.rsa(RSAKey.generate(bits: 2048))
        let directory = try TemporaryDirectory()
        let certificate = try Certificate.selfSigned(Self.profile(), key: key, from: Self.start, to: Self.end)
        let file = try directory.write("certificate.pem", Array(certificate.pem.utf8))
        let verified = try Tool.run("openssl", ["verify", "-x509_strict", "-check_ss_sig", "-no_check_time", "-CAfile", file, file])
        #expect(verified.output.contains("OK") || verified.output.contains("CA cert"), "\(verified.output)")
        let request = try directory.write("request.der", CertificateRequest.encode(Self.profile(), key: key))
        let shown = try Tool.run("openssl", ["req", "-inform", "DER", "-in", request, "-verify", "-noout", "-text"])
        #expect(shown.status == 0, "\(shown.output)")
        for text in ["C = GB, O = \"Contoso, Ltd\", CN = app.example.com", "DNS:app.example.com", "email:ada@example.com",
            "Digital Signature, Key Encipherment, Decipher Only", "TLS Web Server Authentication", "sha256WithRSAEncryption"] {
            #expect(shown.output.contains(text), "\(text) in \(shown.output)")
        }
    }

    @Test func exportedFilesComeBack() throws {
        let key = try Self.key()
        let leaf = try Certificate.selfSigned(Self.profile(), key: key, from: Self.start, to: Self.end)
        let other = try CertificateAuthority.create(commonName: "other", now: Self.start).certificate
        let pfx = try CertificateExport.pfx([leaf, other], key: key)
        let fromPFX = try CertifiedKey(pfx: pfx, password: SecretBytes(Self.none))
        #expect(fromPFX.leaf == leaf)
        #expect(fromPFX.issuers == [other])
        #expect(try fromPFX.key.pkcs8().revealed == key.pkcs8().revealed)
        #expect(refusal { _ = try CertifiedKey(pfx: pfx, password: SecretBytes(Array("wrong".utf8))) } == .authenticationFailed)
        let pem = try CertificateExport.pem([other, leaf], key: key)
        let fromPEM = try CertifiedKey(pem: pem, password: SecretBytes(Self.none))
        #expect(fromPEM.leaf == leaf)
        #expect(fromPEM.certificates == [other, leaf])
        let keyless = try CertificateExport.pfx([leaf], key: nil)
        #expect(refusal { _ = try CertifiedKey(pfx: keyless, password: SecretBytes(Self.none)) } == .invalidKey)
        let stranger = try CertificateExport.pem([other], key: key)
        #expect(refusal { _ = try CertifiedKey(pem: stranger, password: SecretBytes(Self.none)) } == .invalidKey)
    }

    @Test(.enabled(if: Tool.has("openssl"), "openssl is absent"), arguments: [[], ["-legacy"], ["-nomac"]])
    func filesOfOpenSSLAreRead(options: [String]) throws {
        let key = try Self.key()
        let leaf = try Certificate.selfSigned(Self.profile(), key: key, from: Self.start, to: Self.end)
        let directory = try TemporaryDirectory()
        let pem = try directory.write("both.pem", CertificateExport.pem([leaf], key: key).revealed)
        let out = try directory.write("both.pfx", [])
        let made = try Tool.run("openssl", ["pkcs12", "-export", "-in", pem, "-out", out, "-passout", "pass:sésame"] + options)
        #expect(made.status == 0, "\(made.output)")
        let file = SecretBytes(Array(try Data(contentsOf: URL(filePath: out))))
        let read = try CertifiedKey(pfx: file, password: SecretBytes(Array("sésame".utf8)))
        #expect(read.leaf == leaf)
        #expect(refusal { _ = try CertifiedKey(pfx: file, password: SecretBytes(Array("no".utf8))) } == .authenticationFailed)
    }

    @Test func damagedFilesAreRefused() throws {
        let key = try Self.key()
        let leaf = try Certificate.selfSigned(Self.profile(), key: key, from: Self.start, to: Self.end)
        let file = try CertificateExport.pfx([leaf], key: key).revealed
        for length in stride(from: 0, to: file.count, by: 97) {
            #expect(refusal { _ = try CertifiedKey(pfx: SecretBytes(Array(file.prefix(length))), password: SecretBytes(Self.none)) } != nil)
        }
        let text = try CertificateExport.pem([leaf], key: key).revealed
        #expect(refusal { _ = try CertifiedKey(pem: SecretBytes(Array(text.prefix(text.count / 2))), password: SecretBytes(Self.none)) } != nil)
    }
}
