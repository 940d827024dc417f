import CofferCore
import CofferCrypto
import CofferModel

/// One version of a certificate. Its key and its secret are versions of the same name and id.
struct CertificateVersionRecord: VersionRecord, Equatable {
    static let kind = ObjectKind.certificates

    let name: String
    let version: String
    var isManaged: Bool { false }
    /// The certificate in DER (RFC 5280), as base 64 for URLs.
    let der: String
    /// SHA-1 of the DER, as base 64 for URLs.
    let thumbprint: String
    let created: Timestamp
    var updated: Timestamp
    var isEnabled: Bool
    /// The certificate's own dates, which nobody can set.
    var notBefore: Timestamp?
    var expires: Timestamp?
    var tags: [String: String]
    /// Whether the secret has the certificates in the order in which they came, instead of this one first; nil for no.
    var preservesOrder: Bool?

    init(_ certificate: Certificate, of name: String, _ version: ObjectVersionID, tags: [String: String], created: Timestamp) {
        self.name = name
        self.version = version.text
        der = Base64URL.encode(certificate.der)
        thumbprint = Base64URL.encode(certificate.thumbprint)
        self.created = created
        updated = created
        isEnabled = true
        notBefore = certificate.notBefore
        expires = certificate.notAfter
        self.tags = tags
    }
}
