import CofferCore
@testable import CofferCrypto
import Foundation
import Testing

@Suite struct CertificateAuthorityTests {
    private static let now = Timestamp(seconds: 1_795_435_200)
    private static let names: [SubjectName] = [
        .dns("localhost"), .dns("*.vault.localhost"), .ip([127, 0, 0, 1]), .ip([UInt8](repeating: 0, count: 15) + [1]),
    ]

    @Test func certificatesHaveTheirNamesAndDates() throws {
        let authority = try CertificateAuthority.create(commonName: "Coffer test root", now: Self.now)
        let server = try authority.issue(for: Self.names, now: Self.now)
        let certificate = try Certificate(pem: server.certificate.pem)
        #expect(certificate.names == Self.names)
        #expect(certificate.notBefore == Self.now.adding(.seconds(-3600)))
        #expect(certificate.notAfter == Self.now.adding(.seconds(365 * 86_400)))
        #expect(certificate.fingerprint == server.certificate.fingerprint)
        #expect(certificate.fingerprint.count == 32)
        #expect(authority.certificate.notBefore == Self.now.adding(.seconds(-3600)))
        #expect(authority.certificate.notAfter == Self.now.adding(.seconds(3650 * 86_400)))
        #expect(authority.certificate.names == [])
        #expect(authority.certificate.fingerprint != certificate.fingerprint)
    }

    @Test(arguments: [
        "1970-01-01T00:00:00.000Z", "2049-12-31T23:00:00.000Z", "2050-01-01T02:00:00.000Z", "2100-03-01T00:00:00.000Z",
    ])
    func datesOfBothTimeFormatsComeBack(date: String) throws {
        // RFC 5280 section 4.1.2.5: two-digit years until 2049, four digits from 2050 on.
        let seconds: [String: Int64] = [
            "1970-01-01T00:00:00.000Z": 0, "2049-12-31T23:00:00.000Z": 2_524_604_400,
            "2050-01-01T02:00:00.000Z": 2_524_615_200, "2100-03-01T00:00:00.000Z": 4_107_542_400,
        ]
        let now = try Timestamp(seconds: #require(seconds[date]))
        #expect(now.description == date)
        let authority = try CertificateAuthority.create(commonName: "root", now: now)
        let again = try Certificate(pem: authority.certificate.pem)
        #expect(again.notBefore == now.adding(.seconds(-3600)))
        #expect(again.notAfter == now.adding(.seconds(3650 * 86_400)))
    }

    @Test func serverCertificateDoesNotOutliveTheRoot() throws {
        let authority = try CertificateAuthority.create(commonName: "root", now: Self.now)
        let late = Self.now.adding(.seconds(3600 * 86_400))
        let server = try authority.issue(for: Self.names, now: late)
        #expect(server.certificate.notAfter == authority.certificate.notAfter)
    }

    @Test func storedAuthorityIssuesAgain() throws {
        let made = try CertificateAuthority.create(commonName: "root", now: Self.now)
        let loaded = try CertificateAuthority(pem: made.certificate.pem, privateKey: made.privateKey.clone())
        #expect(loaded.certificate.pem == made.certificate.pem)
        #expect(try loaded.issue(for: Self.names, now: Self.now).certificate.names == Self.names)
    }

    @Test func authorityWithoutItsOwnKeyOrRightIsRefused() throws {
        let one = try CertificateAuthority.create(commonName: "one", now: Self.now)
        let two = try CertificateAuthority.create(commonName: "two", now: Self.now)
        let server = try one.issue(for: Self.names, now: Self.now)
        let pem = one.certificate.pem
        #expect(refusal { _ = try CertificateAuthority(pem: pem, privateKey: two.privateKey.clone()) } == .invalidKey)
        #expect(refusal { _ = try CertificateAuthority(pem: "", privateKey: one.privateKey.clone()) } == .invalidKey)
        #expect(refusal { _ = try CertificateAuthority(pem: pem, privateKey: SecretBytes([])) } == .invalidKey)
        let leaf = server.certificate.pem
        #expect(refusal { _ = try CertificateAuthority(pem: leaf, privateKey: server.privateKey.clone()) } == .invalidKey)
    }

    @Test func encryptedKeyIsRefusedWithoutAskingForItsPassphrase() throws {
        let authority = try CertificateAuthority.create(commonName: "root", now: Self.now)
        let encrypted = """
            -----BEGIN ENCRYPTED PRIVATE KEY-----
            MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhWDeRuXxCnYAICCAAw
            DAYIKoZIhvcNAgkFADAdBglghkgBZQMEAQIEEF1wOb7+SRl1fCCIWcD252oEgZD0
            9x5KgHbb6C98J4V7arhe9ABwaJSUsudYPVdpIrVvpsgxugyS0VKQXBf5CCZ+NgKX
            SsGh8HnrTBWZ4HuM+MTtP6SuwKvg8V5mzvhTfzf3MWDXjLSYQGdym/oo42b2bCpW
            hvteESFZjJ7QVC5m2nchIqzumr74ryRBotuZKKpY4Au1qg2wI1dgEF9VH2QJSPA=
            -----END ENCRYPTED PRIVATE KEY-----

            """
        let pem = authority.certificate.pem
        let key = Array(encrypted.utf8)
        #expect(refusal { _ = try CertificateAuthority(pem: pem, privateKey: SecretBytes(key)) } == .invalidKey)
    }

    @Test(arguments: ["", String(repeating: "x", count: 65), "a\u{0}b"])
    func authorityOfThatNameIsNotMade(name: String) {
        #expect(refusal { _ = try CertificateAuthority.create(commonName: name, now: Self.now) } == .invalidLength)
    }

    @Test func nameThatNoServerHasIsRefused() throws {
        let authority = try CertificateAuthority.create(commonName: "Räum & Söhne", now: Self.now)
        for names: [SubjectName] in [
            [], [.ip([])], [.ip([1, 2, 3])], [.dns("")], [.dns("a b")], [.dns("ä")], [.dns("a\u{0}")],
            [.dns(String(repeating: "a", count: 254))],
        ] {
            #expect(refusal { _ = try authority.issue(for: names, now: Self.now) } == .invalidLength)
        }
        // What looks like configuration is a name like any other, or none.
        #expect(refusal { _ = try authority.issue(for: [.dns("a,IP:1.2.3.4 ")], now: Self.now) } == .invalidLength)
        #expect(try authority.issue(for: [.dns("a,IP:1.2.3.4")], now: Self.now).certificate.names == [.dns("a,IP:1.2.3.4")])
    }

    @Test(.enabled(if: Tool.has("openssl"), "openssl is absent"))
    func strictVerifierAcceptsTheChain() throws {
        let now = SystemClock().now()
        let authority = try CertificateAuthority.create(commonName: "Coffer test root", now: now)
        let server = try authority.issue(for: Self.names, now: now)
        let directory = try TemporaryDirectory()
        let root = try directory.write("root.pem", Array(authority.certificate.pem.utf8))
        let leaf = try directory.write("leaf.pem", Array(server.certificate.pem.utf8))
        let base = ["verify", "-x509_strict", "-check_ss_sig", "-purpose", "sslserver", "-CAfile", root]
        for option in [["-verify_hostname", "localhost"], ["-verify_hostname", "a.vault.localhost"],
            ["-verify_ip", "127.0.0.1"], ["-verify_ip", "::1"]] {
            let result = try Tool.run("openssl", base + option + [leaf])
            #expect(result.status == 0, "\(result.output)")
        }
        #expect(try Tool.run("openssl", base + ["-verify_hostname", "example.com", leaf]).status != 0)
        #expect(try Tool.run("openssl", ["verify", "-CAfile", leaf, leaf]).status != 0)
    }

    /// A handshake in Python, whose default context checks strictly from 3.13 on.
    @Test(.enabled(if: Tool.has("python3"), "python3 is absent"))
    func strictTLSClientAcceptsTheServer() throws {
        let now = SystemClock().now()
        let authority = try CertificateAuthority.create(commonName: "Coffer test root", now: now)
        let server = try authority.issue(for: Self.names, now: now)
        let directory = try TemporaryDirectory()
        let root = try directory.write("root.pem", Array(authority.certificate.pem.utf8))
        let leaf = try directory.write("leaf.pem", Array(server.certificate.pem.utf8))
        let key = try directory.write("leaf.key", server.privateKey.revealed)
        let script = """
            import socket, ssl, sys, threading
            root, leaf, key = sys.argv[1:]
            server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server.load_cert_chain(leaf, key)
            client = ssl.create_default_context(cafile=root)
            client.verify_flags |= ssl.VERIFY_X509_STRICT
            for name in ("localhost", "a.vault.localhost", "127.0.0.1", "::1"):
                here, there = socket.socketpair()
                thread = threading.Thread(target=lambda: server.wrap_socket(there, server_side=True))
                thread.start()
                print(client.wrap_socket(here, server_hostname=name).version())
                thread.join()
            """
        let result = try Tool.run("python3", ["-c", script, root, leaf, key])
        #expect(result.status == 0, "\(result.output)")
        #expect(result.output == String(repeating: "TLSv1.3\n", count: 4))
    }
}
