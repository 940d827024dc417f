import CofferCore

/// One version of a secret: its value, sealed, and everything that can be set for it.
struct SecretVersionRecord: VersionRecord, Equatable {
    static let kind = ObjectKind.secrets

    let name: String
    let version: String
    /// Whether it is the PFX or PEM of a certificate.
    let isManaged: Bool
    /// The value's UTF-8, sealed in the realm of the vault under ``sealName``, as base 64 for URLs.
    let sealedValue: String
    /// Such as `application/x-pkcs12`; up to 255 characters.
    var contentType: String?
    let created: Timestamp
    var updated: Timestamp
    var isEnabled: Bool
    var notBefore: Timestamp?
    var expires: Timestamp?
    var tags: [String: String]
    /// The version that was the current one when this was made.
    var previousVersion: String?
}
