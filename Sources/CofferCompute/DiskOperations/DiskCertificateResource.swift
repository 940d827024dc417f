import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform

/// A certificate to open a disk with over TLS. Its key is in a box that only the CLI opens.
struct DiskCertificateResource: Encodable, Sendable {
    /// What it opens: a disk's id, or `host/NAME`.
    let name: String
    /// The SHA-256 of its DER, in hex.
    let fingerprint: String
    let expires: String
    /// PEM.
    let certificate: String
    /// Base 64 for URLs, of PEM.
    let sealedKey: String
    /// Of the server's certificate, PEM.
    let authority: String
    /// Where the disk is while it is attached.
    let nbdsUri: String?

    init(_ issued: borrowing DiskCertificate, sealedTo publicKey: [UInt8], address: SocketAddress?) throws {
        name = issued.name
        fingerprint = issued.fingerprint
        expires = issued.expires.description
        certificate = issued.certificate
        authority = issued.authority
        let name = issued.name
        nbdsUri = DiskID(name) == nil ? address.map { "nbds://\($0)/" } : address.map { "nbds://\($0)/\(name)" }
        sealedKey = Base64URL.encode(try issued.privateKey.withBytes {
            try HPKE.seal($0, to: publicKey, info: DiskCertificateKey.purpose, authenticating: Array(name.utf8))
        })
    }
}

/// A certificate as lists show it.
struct DiskCertificateEntry: Encodable, Sendable {
    let fingerprint: String
    let name: String?
    let disk: String?
    let issued: String
    let expires: String?
    let revoked: String?

    init(_ record: DiskCertificateRecord) {
        fingerprint = record.fingerprint
        name = record.name
        disk = record.disk?.text
        issued = record.issued.description
        expires = record.expires?.description
        revoked = record.revoked?.description
    }
}

/// A list of them.
struct DiskCertificateList: Encodable, Sendable {
    let value: [DiskCertificateEntry]
}
