import CofferCore
import CofferModel
import CofferPlatform

/// A certification authority that policies may name. Stored in the collection `certificate-issuers` under ``ObjectRecord/path(_:in:)``.
struct CertificateIssuer: Codable, Equatable, Sendable {
    static let collection = "certificate-issuers"

    let name: String
    var provider: String
    var accountID: String?
    var organization: Organization?
    var isEnabled: Bool
    let created: Timestamp
    var updated: Timestamp

    struct Organization: Codable, Equatable, Sendable {
        var id: String?
        var admin_details: [Administrator]?
    }

    struct Administrator: Codable, Equatable, Sendable {
        var first_name: String?
        var last_name: String?
        var email: String?
        var phone: String?
    }
}

/// The body of PUT and PATCH of an issuer, as sent. The password of its account is not kept: no authority is connected.
struct IssuerBody: Decodable, Sendable {
    let provider: String?
    let credentials: Credentials?
    let org_details: CertificateIssuer.Organization?
    let attributes: AttributesBody?

    struct Credentials: Decodable, Sendable {
        let account_id: String?
        let pwd: String?
    }
}

/// An issuer as the data plane shows it.
struct IssuerView: Encodable, Sendable {
    let id: String
    let provider: String
    let credentials: Credentials?
    let org_details: CertificateIssuer.Organization?
    let attributes: Attributes

    struct Credentials: Encodable, Sendable {
        let account_id: String
    }

    struct Attributes: Encodable, Sendable {
        let enabled: Bool
        let created: Int64
        let updated: Int64
    }

    init(_ issuer: CertificateIssuer, host: String) {
        id = "https://\(host)/certificates/issuers/\(issuer.name)"
        provider = issuer.provider
        credentials = issuer.accountID.map { Credentials(account_id: $0) }
        org_details = issuer.organization
        attributes = Attributes(enabled: issuer.isEnabled, created: issuer.created.seconds, updated: issuer.updated.seconds)
    }
}

/// An issuer in a list.
struct IssuerItem: Encodable, Sendable {
    let id: String
    let provider: String
}

/// Who is told of a vault's certificates. Stored in the collection `certificate-contacts` under the vault's instance.
struct CertificateContacts: Codable, Equatable, Sendable {
    static let collection = "certificate-contacts"

    var contacts: [Contact]

    struct Contact: Codable, Equatable, Sendable {
        var email: String?
        var name: String?
        var phone: String?
    }
}

/// The contacts as the data plane shows them.
struct ContactsView: Encodable, Sendable {
    let id: String
    let contacts: [CertificateContacts.Contact]

    init(_ contacts: CertificateContacts, host: String) {
        id = "https://\(host)/certificates/contacts"
        self.contacts = contacts.contacts
    }
}

extension ReadTransaction {
    func certificateIssuer(_ name: ObjectName, in vault: VaultRecord) throws -> CertificateIssuer? {
        try value(CertificateIssuer.self, ObjectRecord.path(name, in: vault), in: CertificateIssuer.collection)?.value
    }
}
