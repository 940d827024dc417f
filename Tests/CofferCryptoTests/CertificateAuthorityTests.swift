import CofferCore
@testable import CofferCrypto
import Foundation
import Testing

@Suite struct CertificateAuthorityTests {
    private static let now = Timestamp(seconds: 1_795_435_200)

    @Test func serverCertificateHasItsNamesAndDates() throws {
        let authority = try CertificateAuthority.create(commonName: "Coffer test root", now: Self.now)
        let names: [SubjectName] = [.dns("localhost"), .dns("*.vault.localhost"), .ip([127, 0, 0, 1])]
        let server = try authority.issue(for: names, now: Self.now)
        let certificate = try Certificate(pem: server.certificate.pem)
        #expect(certificate.names == names)
        #expect(certificate.notBefore == Self.now.adding(.seconds(-3600)))
        #expect(certificate.notAfter == Self.now.adding(.seconds(365 * 86_400)))
        #expect(authority.certificate.notAfter == Self.now.adding(.seconds(3650 * 86_400)))
        #expect(authority.certificate.names == [])
    }
}
