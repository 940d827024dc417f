import CofferBlock
import CofferCore
import CofferCrypto
import CofferDiskLink
import CofferModel
@testable import CofferNBD
import CofferNBDWire
import Foundation
import Testing

@Suite("The link over TLS")
struct SecureLinkTests {
    private static let now = Timestamp(seconds: Int64(Date().timeIntervalSince1970))

    /// A server with one disk, over TLS at a port of its own.
    private final class Secure {
        let running: TestServer
        let authority: CertificateAuthority
        let listener: NBDListener

        init(isForMachine: Bool = true) throws {
            _ = signal(SIGPIPE, SIG_IGN)
            running = try TestServer(byteCount: 1 << 20)
            authority = try CertificateAuthority.create(commonName: "root", now: SecureLinkTests.now)
            running.server.add(running.disk, as: "disk", isForMachine: isForMachine)
            listener = try running.server.listen(on: SocketAddress(host: "127.0.0.1", port: 0), SecureLinkTests.context(authority))
        }

        deinit { listener.stop() }
    }

    private static func context(_ authority: borrowing CertificateAuthority) throws -> TLSContext {
        let own = try authority.issue(for: [.ip([127, 0, 0, 1]), .dns("localhost")], now: now)
        return try TLSContext(.server, chain: own.certificate.pem, privateKey: own.privateKey, authorities: authority.certificate.pem)
    }

    /// A client's certificate in a directory; its SHA-256.
    private func issue(_ name: String, by authority: borrowing CertificateAuthority, believing root: String? = nil, in directory: String) throws -> [UInt8] {
        let issued = try authority.issueClient(name, until: Self.now.adding(.seconds(600)), now: Self.now)
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try (root ?? authority.certificate.pem).write(toFile: "\(directory)/ca-cert.pem", atomically: true, encoding: .utf8)
        try issued.certificate.pem.write(toFile: "\(directory)/client-cert.pem", atomically: true, encoding: .utf8)
        let key = issued.privateKey.withBytes { bytes in unsafe bytes.withUnsafeBytes { unsafe Data($0) } }
        _ = FileManager.default.createFile(atPath: "\(directory)/client-key.pem", contents: key, attributes: [.posixPermissions: 0o600])
        return issued.certificate.fingerprint
    }

    private func session(_ secure: Secure, _ directory: String, host: String = "127.0.0.1") throws -> NBDSession {
        let address = LinkAddress.secure(host: host, port: secure.listener.port, certificates: LinkCertificates(directory: directory))
        return try NBDSession(address.connect(), export: "disk")
    }

    private func isAllowed(_ secure: Secure, _ name: String) -> Bool {
        do {
            _ = try session(secure, directory(secure, name))
            return true
        } catch {
            return false
        }
    }

    private func directory(_ secure: Secure, _ name: String) -> String { "\(secure.running.test.directory)/\(name)" }

    @Test("A host reads and writes a machine's disk, by the server's address and by its name", arguments: ["127.0.0.1", "localhost"])
    func roundTrip(host: String) throws {
        let secure = try Secure()
        _ = try issue("host/h1", by: secure.authority, in: directory(secure, "h"))
        let address = LinkAddress.secure(host: host, port: secure.listener.port, certificates: LinkCertificates(directory: directory(secure, "h")))
        let link = LinkStorage(to: address, export: "disk")
        var bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 13) }
        try unsafe bytes.withUnsafeBytes { try unsafe link.write($0, at: 4096, isDurable: true) }
        let wanted = bytes
        bytes = [UInt8](repeating: 0, count: bytes.count)
        try unsafe bytes.withUnsafeMutableBytes { try unsafe link.read($0, at: 4096) }
        #expect(bytes == wanted)
    }

    @Test("A disk that is open for no machine is not there for a host, and other names open what they name", arguments: [
        ("host/h1", true, true), ("host/h1", false, false), ("disk", false, true), ("disk", true, true), ("other", true, false), ("*", false, true),
    ])
    func access(name: String, isForMachine: Bool, isLetIn: Bool) throws {
        let secure = try Secure(isForMachine: isForMachine)
        _ = try issue(name, by: secure.authority, in: directory(secure, "c"))
        #expect(isAllowed(secure, "c") == isLetIn)
        secure.running.server.set("disk", isForMachine: !isForMachine)
        if name.hasPrefix("host/") { #expect(isAllowed(secure, "c") != isLetIn) }
    }

    @Test("A server of another authority or name is refused, and a server refuses a client of another authority")
    func strangers() throws {
        let secure = try Secure()
        let theirs = try CertificateAuthority.create(commonName: "theirs", now: Self.now)
        _ = try issue("host/h1", by: secure.authority, believing: theirs.certificate.pem, in: directory(secure, "disbelieving"))
        _ = try issue("host/h1", by: theirs, believing: secure.authority.certificate.pem, in: directory(secure, "stranger"))
        _ = try issue("host/h1", by: secure.authority, in: directory(secure, "h"))
        #expect(throws: NBDFailure.self) { try session(secure, directory(secure, "disbelieving")) }
        #expect(throws: NBDFailure.self) { try session(secure, directory(secure, "stranger")) }
        // An address of the same machine that is not in the server's certificate.
        #expect(throws: NBDFailure.self) { try session(secure, directory(secure, "h"), host: "127.0.0.2") }
        _ = try session(secure, directory(secure, "h"))
    }

    @Test("A certificate that was taken back ends its connections and opens none; others go on")
    func revocation() throws {
        let secure = try Secure()
        let gone = try issue("host/h1", by: secure.authority, in: directory(secure, "gone"))
        _ = try issue("host/h2", by: secure.authority, in: directory(secure, "kept"))
        let (first, second) = (try session(secure, directory(secure, "gone")), try session(secure, directory(secure, "kept")))
        try first.flush()
        secure.listener.use(try Self.context(secure.authority), revoked: [gone])
        secure.running.server.end(certificates: [gone])
        #expect(secure.running.server.clientCount(of: "disk") == 1)
        #expect(throws: NBDFailure.self) { try first.flush() }
        #expect(throws: NBDFailure.self) { try session(secure, directory(secure, "gone")) }
        try second.flush()
        _ = try session(secure, directory(secure, "kept"))
    }

    @Test("Files that are missing, open to others or no certificates are named", arguments: ["client-key.pem", "client-cert.pem", "ca-cert.pem"])
    func files(name: String) throws {
        let secure = try Secure()
        let place = directory(secure, "h")
        _ = try issue("host/h1", by: secure.authority, in: place)
        let certificates = LinkCertificates(directory: place)
        _ = try certificates.context()
        if name == "client-key.pem" {
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: "\(place)/\(name)")
            #expect(throws: NBDFailure.self) { try certificates.context() }
        }
        _ = FileManager.default.createFile(atPath: "\(place)/\(name)", contents: Data("nothing".utf8), attributes: [.posixPermissions: 0o600])
        #expect(throws: NBDFailure.self) { try certificates.context() }
        try FileManager.default.removeItem(atPath: "\(place)/\(name)")
        #expect(throws: NBDFailure.self) { try certificates.context() }
    }

    @Test("Addresses are NBD URIs, over TCP with TLS alone", arguments: [
        ("nbd+unix:///?socket=/run/nbd.sock", LinkAddress.local(socketPath: "/run/nbd.sock")),
        ("nbds://storage.example/?tls-certificates=/etc/c", .secure(host: "storage.example", port: 10809, certificates: LinkCertificates(directory: "/etc/c"))),
        ("nbds://10.0.0.1:5/?tls-certificates=/c", .secure(host: "10.0.0.1", port: 5, certificates: LinkCertificates(directory: "/c"))),
        ("nbds://[::1]:5/?tls-certificates=/c", .secure(host: "::1", port: 5, certificates: LinkCertificates(directory: "/c"))),
        ("nbds://[::1]/?tls-certificates=/c", .secure(host: "::1", port: 10809, certificates: LinkCertificates(directory: "/c"))),
        ("nbd://10.0.0.1:5/", nil), ("nbds://10.0.0.1:5/", nil), ("nbds://10.0.0.1:0/?tls-certificates=/c", nil), ("nbds://::1:5/?tls-certificates=/c", nil),
        ("nbds://h:65536/?tls-certificates=/c", nil), ("nbds:///?tls-certificates=/c", nil), ("nbds://h/?tls-certificates=c", nil),
        ("nbds://h@g/?tls-certificates=/c", nil), ("nbds://h/?tls-certificates=/c%20d", nil), ("nbd+unix:///?socket=run", nil), ("", nil),
    ] as [(String, LinkAddress?)])
    func addresses(uri: String, address: LinkAddress?) {
        #expect(LinkAddress(uri: uri) == address)
    }
}
