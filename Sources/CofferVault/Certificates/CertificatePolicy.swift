/// How a certificate is made and what becomes of it (contract section 1.8). Sent, stored and shown in one shape; what is stored has been
/// checked and holds the defaults.
struct CertificatePolicy: Codable, Equatable, Sendable {
    static let collection = "certificate-policies"

    var key_props: KeyProperties?
    var secret_props: SecretProperties?
    var x509_props: X509Properties?
    var lifetime_actions: [LifetimeAction]?
    var issuer: Issuer?
    var attributes: Attributes?

    struct KeyProperties: Codable, Equatable, Sendable {
        var exportable: Bool?
        var kty: String?
        var key_size: Int?
        var reuse_key: Bool?
        var crv: String?
    }

    struct SecretProperties: Codable, Equatable, Sendable {
        /// `application/x-pkcs12` or `application/x-pem-file`.
        var contentType: String?
    }

    struct X509Properties: Codable, Equatable, Sendable {
        var subject: String?
        var sans: AlternativeNames?
        /// Object identifiers.
        var ekus: [String]?
        var key_usage: [String]?
        var validity_months: Int?
    }

    struct AlternativeNames: Codable, Equatable, Sendable {
        var emails: [String]?
        var dns_names: [String]?
        var upns: [String]?
    }

    struct LifetimeAction: Codable, Equatable, Sendable {
        var trigger: Trigger?
        var action: Action?
    }

    struct Trigger: Codable, Equatable, Sendable {
        var lifetime_percentage: Int?
        var days_before_expiry: Int?
    }

    struct Action: Codable, Equatable, Sendable {
        /// `AutoRenew` or `EmailContacts`.
        var action_type: String?
    }

    struct Issuer: Codable, Equatable, Sendable {
        /// `Self`, `Unknown`, or the name of an issuer of the vault.
        var name: String?
        var cty: String?
        var cert_transparency: Bool?
    }

    /// Dates in seconds since 1970.
    struct Attributes: Codable, Equatable, Sendable {
        var enabled: Bool?
        var created: Int64?
        var updated: Int64?
    }
}

extension CertificatePolicy {
    /// This policy with what `change` says in place of what it said.
    func changed(by change: CertificatePolicy) -> CertificatePolicy {
        var policy = self
        policy.key_props = change.key_props ?? key_props
        policy.secret_props = change.secret_props ?? secret_props
        policy.x509_props = change.x509_props ?? x509_props
        policy.lifetime_actions = change.lifetime_actions ?? lifetime_actions
        policy.issuer = change.issuer ?? issuer
        return policy
    }

    var isSelfIssued: Bool { issuer?.name?.lowercased() == "self" }
    var hasUnknownIssuer: Bool { issuer?.name?.lowercased() == "unknown" }
    var isPEM: Bool { secret_props?.contentType == Self.pem }
    var isExportable: Bool { key_props?.exportable ?? true }
    var reusesKey: Bool { key_props?.reuse_key ?? false }

    static let pfx = "application/x-pkcs12"
    static let pem = "application/x-pem-file"
}
