package import CofferCore
package import CofferModel

/// Certificates with which clients open disks over TLS. Answered by what has the installation's certification authority.
package protocol DiskCertificates: Sendable {
    /// Where disks are served over TLS, as clients are told; nil if they are not.
    var address: SocketAddress? { get }

    /// A new certificate for one disk, which it names.
    ///
    /// - Returns: nil if disks are not served over TLS, or to certificates of another authority.
    func issue(for disk: DiskID) async throws -> DiskCertificate?
}

/// A client's certificate.
package struct DiskCertificate: ~Copyable, Sendable {
    /// Which disk it opens.
    package let disk: DiskID
    /// PEM.
    package let certificate: String
    /// PEM.
    package let privateKey: SecretBytes
    /// Of the server's certificate too, PEM.
    package let authority: String

    package init(of disk: DiskID, certificate: String, privateKey: consuming SecretBytes, authority: String) {
        self.disk = disk
        self.certificate = certificate
        self.privateKey = privateKey
        self.authority = authority
    }
}
