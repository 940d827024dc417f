/// Where a disk host serves disks over TCP and TLS, and with what.
package struct DiskListener: Codable, Equatable, Sendable {
    /// As ``SocketAddress`` is written.
    package let address: String
    /// The server's certificate as PEM, then its issuers' if there are any below the clients' authority.
    package let chain: String
    /// The certificate's key as PEM in an HPKE box, made for the host's recipient key.
    package let sealedKey: [UInt8]
    /// Who issues clients' certificates, as PEM.
    package let clientAuthorities: String
    /// The SHA-256, in hex, of clients' certificates that were taken back.
    package let revoked: [String]

    package init(address: String, chain: String, sealedKey: [UInt8], clientAuthorities: String, revoked: [String]) {
        self.address = address
        self.chain = chain
        self.sealedKey = sealedKey
        self.clientAuthorities = clientAuthorities
        self.revoked = revoked
    }

    /// What the box is bound to besides the recipient: its purpose.
    package static let purpose = Array("coffer disk listener key v1".utf8)
}

/// A certificate's key on its way to whoever opens a disk over TLS.
package enum DiskCertificateKey {
    /// What an HPKE box for it is bound to besides the recipient and the disk.
    package static let purpose = Array("coffer disk certificate key v1".utf8)
}
