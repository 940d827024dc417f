import CofferCore

/// A certificate version as the data plane shows it.
struct CertificateBundle: Encodable, Sendable {
    let id: String
    let kid: String
    let sid: String
    /// SHA-1 of the DER, as base 64 for URLs; absent of a certificate that is yet to come.
    let x5t: String?
    /// DER, as base 64; absent of a certificate that is yet to come.
    let cer: String?
    let contentType: String?
    let attributes: AttributesView
    let tags: [String: String]?
    let policy: CertificatePolicyView?
    let pending: Reference?
    /// Since 7.6.
    let preserveCertOrder: Bool?

    struct Reference: Encodable, Sendable {
        let id: String
    }

    init(_ found: CertificatesService.Found, in vault: VaultRecord, host: String, _ apiVersion: VaultAPIVersion) {
        let (name, version): (String, String)
        let shownTags: [String: String]
        let preservesOrder: Bool
        switch found.certificate {
        case .made(let certificate):
            (name, version, shownTags) = (certificate.name, certificate.version, certificate.tags)
            x5t = certificate.thumbprint
            cer = StandardBase64.encode(Base64URL.decode(certificate.der) ?? [])
            attributes = AttributesView(certificate, in: vault)
            preservesOrder = certificate.preservesOrder ?? false
        case .pending(let key):
            (name, version, shownTags) = (key.name, key.version, key.tags)
            (x5t, cer) = (nil, nil)
            attributes = AttributesView(key, in: vault)
            preservesOrder = found.pending?.preservesOrder ?? false
        }
        id = "https://\(host)/certificates/\(name)/\(version)"
        kid = "https://\(host)/keys/\(name)/\(version)"
        sid = "https://\(host)/secrets/\(name)/\(version)"
        contentType = found.policy?.secret_props?.contentType
        tags = shownTags.isEmpty ? nil : shownTags
        policy = found.policy.map { CertificatePolicyView($0, of: name, host: host) }
        pending = found.pending.map { _ in Reference(id: "https://\(host)/certificates/\(name)/pending") }
        preserveCertOrder = apiVersion.hasCertificateOrder ? preservesOrder : nil
    }
}

/// A certificate in a list.
struct CertificateItem: Encodable, Sendable {
    let id: String
    /// Absent of a certificate that is yet to come.
    let x5t: String?
    let attributes: AttributesView
    let tags: [String: String]?

    /// - Parameter id: With a version in a list of versions, without in a list of certificates.
    init(_ version: CertificateVersionRecord, id: String, in vault: VaultRecord) {
        self.id = id
        x5t = version.thumbprint
        attributes = AttributesView(version, in: vault)
        tags = version.tags.isEmpty ? nil : version.tags
    }
}

extension CertificateItem {
    /// - Parameter key: That of the certificate that is yet to come.
    init(pending key: KeyVersionRecord, id: String, in vault: VaultRecord) {
        self.id = id
        x5t = nil
        attributes = AttributesView(key, in: vault)
        tags = key.tags.isEmpty ? nil : key.tags
    }
}

/// A policy with its id.
struct CertificatePolicyView: Encodable, Sendable {
    let policy: CertificatePolicy
    let id: String

    enum CodingKeys: CodingKey {
        case id
    }

    init(_ policy: CertificatePolicy, of name: String, host: String) {
        self.policy = policy
        id = "https://\(host)/certificates/\(name)/policy"
    }

    func encode(to encoder: any Encoder) throws {
        try policy.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
    }
}
