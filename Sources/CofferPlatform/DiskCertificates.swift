package import CofferCore
package import CofferModel

/// Certificates with which clients open disks over TLS. Answered by what has the installation's certification authority.
package protocol DiskCertificates: Sendable {
    /// Where disks are served over TLS, as clients are told; nil if they are not.
    var address: SocketAddress? { get }

    /// A new certificate.
    ///
    /// - Parameter name: What it opens: a disk's id, or `host/NAME` for the disks of virtual machines.
    /// - Returns: nil if disks are not served over TLS, or to certificates of another authority.
    func issue(for name: String) async throws -> DiskCertificate?
    /// Has disks served to none of these certificates any more, from the moment this returns, and no others refused.
    ///
    /// - Parameter revoked: Their SHA-256, in hex.
    /// - Throws: `DiskFailure` if the disk host cannot be told; it is told when it is there again.
    func refuse(_ revoked: [String]) async throws
}

/// A client's certificate.
package struct DiskCertificate: ~Copyable, Sendable {
    /// What it opens: a disk's id, or `host/NAME`.
    package let name: String
    /// PEM.
    package let certificate: String
    /// The SHA-256 of its DER, in hex.
    package let fingerprint: String
    package let expires: Timestamp
    /// PEM.
    package let privateKey: SecretBytes
    /// Of the server's certificate too, PEM.
    package let authority: String

    package init(
        named name: String, certificate: String, fingerprint: String, expires: Timestamp, privateKey: consuming SecretBytes, authority: String
    ) {
        self.name = name
        self.certificate = certificate
        self.fingerprint = fingerprint
        self.expires = expires
        self.privateKey = privateKey
        self.authority = authority
    }
}
