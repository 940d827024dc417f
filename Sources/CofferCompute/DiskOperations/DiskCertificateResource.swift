import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform

/// A certificate to open a disk with over TLS. Its key is in a box that only the CLI opens.
struct DiskCertificateResource: Encodable, Sendable {
    let disk: String
    let name: String
    /// PEM.
    let certificate: String
    /// Base 64 for URLs, of PEM.
    let sealedKey: String
    /// Of the server's certificate, PEM.
    let authority: String
    /// Where the disk is while it is attached.
    let nbdsUri: String?

    init(_ issued: borrowing DiskCertificate, named name: String, sealedTo publicKey: [UInt8], address: SocketAddress?) throws {
        disk = issued.disk.text
        self.name = name
        certificate = issued.certificate
        authority = issued.authority
        let export = issued.disk.text
        nbdsUri = address.map { "nbds://\($0)/\(export)" }
        sealedKey = Base64URL.encode(try issued.privateKey.withBytes {
            try HPKE.seal($0, to: publicKey, info: DiskCertificateKey.purpose, authenticating: Array(export.utf8))
        })
    }
}
