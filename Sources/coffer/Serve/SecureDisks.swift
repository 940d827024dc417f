import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform
import Foundation

/// Disks over TCP and TLS: tells the disk host where to listen and with what, and issues clients' certificates.
///
/// The server's certificate and the clients' authority are the installation's own, or in the files that were given.
struct SecureDisks: DiskCertificates {
    /// Files of others' certificates; what is nil is the installation's own.
    struct Files: Sendable {
        var certificate: String?
        /// Of the certificate; mode 0600.
        var key: String?
        var clientAuthority: String?
    }

    let listener: SocketAddress?
    let files: Files
    /// Makes certificates that hold by this machine's clock.
    let identity: TLSIdentity
    let host: any DiskHost

    /// How long a client's certificate holds, in seconds.
    private static let validity = 30 * 86_400

    var address: SocketAddress? {
        guard let listener else { return nil }
        let isAny = listener.host == "0.0.0.0" || listener.host == "::"
        return SocketAddress(host: isAny ? ProcessInfo.processInfo.hostName : listener.host, port: listener.port)
    }

    /// Has the disk host listen as this installation does, or no longer.
    ///
    /// - Parameter revoked: The SHA-256, in hex, of clients' certificates that were taken back.
    /// - Throws: ``StartFailure`` if a file is not what it should be; `DiskFailure` if the host cannot listen there.
    func apply(refusing revoked: [String]) async throws {
        guard let listener else {
            _ = try await host.perform(.listen(on: nil))
            return
        }
        guard case .greeting(let greeting) = try await host.perform(.hello(version: DiskControlVersion.current)) else { return }
        let authority = try await identity.authority()
        let root = authority.certificate.pem
        let clients = try files.clientAuthority.map { try Self.text($0) } ?? root
        let own = try serverCertificate(by: authority)
        let text = listener.description
        let box = try own.key.withBytes { try HPKE.seal($0, to: greeting.recipientKey, info: DiskListener.purpose, authenticating: Array(text.utf8)) }
        _ = try await host.perform(.listen(on: DiskListener(address: text, chain: own.chain, sealedKey: box, clientAuthorities: clients, revoked: revoked)))
    }

    func refuse(_ revoked: [String]) async throws { try await apply(refusing: revoked) }

    func issue(for name: String) async throws -> DiskCertificate? {
        guard listener != nil, files.clientAuthority == nil else { return nil }
        let authority = try await identity.authority()
        let now = identity.clock.now()
        let issued = try authority.issueClient(name, until: now.adding(.seconds(Self.validity)), now: now)
        let root = authority.certificate.pem
        let servers = try files.certificate.map { try Self.text($0) } ?? root
        return DiskCertificate(
            named: name, certificate: issued.certificate.pem, fingerprint: Hex.encode(issued.certificate.fingerprint), expires: issued.certificate.notAfter,
            privateKey: issued.privateKey.clone(), authority: servers)
    }

    private struct OwnCertificate: ~Copyable {
        let chain: String
        let key: SecretBytes
    }

    private func serverCertificate(by authority: borrowing CertificateAuthority) throws -> OwnCertificate {
        if let path = files.certificate, let key = files.key {
            return OwnCertificate(chain: try Self.text(path), key: try PrivateFile(path: key).read(atMost: 1 << 20))
        }
        let issued = try identity.certificate(for: [listener?.host, address?.host].compactMap { $0 }, by: authority)
        return OwnCertificate(chain: issued.certificate.pem, key: issued.privateKey.clone())
    }

    private static func text(_ path: String) throws -> String {
        guard let bytes = FileManager.default.contents(atPath: path), let text = String(validating: bytes, as: UTF8.self) else {
            throw StartFailure.configuration("\(path) cannot be read, or is not text: it should have certificates in PEM")
        }
        return text
    }
}
