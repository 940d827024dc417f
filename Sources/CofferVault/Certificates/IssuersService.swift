import CofferCore
import CofferModel
import CofferPlatform

/// Keeps a vault's issuers and contacts. Knows nothing of HTTP.
struct IssuersService: Sendable {
    let store: any Store
    let clock: any WallClock

    /// - Throws: ``APIError/issuerNotFound(_:)``.
    func issuer(_ name: ObjectName, in vault: VaultRecord, by grant: Grant) async throws -> CertificateIssuer {
        try await store.read { transaction in
            guard let issuer = try transaction.certificateIssuer(name, in: vault) else { throw APIError.issuerNotFound(name.text) }
            return issuer
        }
    }

    /// Up to `limit` issuers after the one named `mark`, in order of name.
    func issuers(
        in vault: VaultRecord, after mark: ObjectName?, limit: Int, by grant: Grant
    ) async throws -> ObjectPage<CertificateIssuer> {
        try await store.read { transaction in
            let all = try transaction.values(CertificateIssuer.self, in: CertificateIssuer.collection, prefix: "\(vault.instance)/")
            let rest = all.filter { issuer in mark.map { issuer.name.lowercased() > $0.key } ?? true }
            let page = Array(rest.prefix(limit))
            return ObjectPage(items: page, next: rest.count > limit ? page.last?.name.lowercased() : nil)
        }
    }

    /// Makes an issuer or replaces it.
    ///
    /// - Throws: ``APIError/badParameter(_:)``.
    func set(_ name: ObjectName, _ body: IssuerBody, in vault: VaultRecord, by grant: Grant) async throws -> CertificateIssuer {
        guard let provider = try Self.provider(body.provider) else { throw APIError.badParameter("provider is missing: \(Self.providers)") }
        guard !["self", "unknown"].contains(name.key) else {
            throw APIError.badParameter("'\(name.text)' is in every policy and cannot be the name of an issuer.")
        }
        let now = clock.now()
        return try await store.write { transaction in
            try transaction.checkInUse(vault, at: now)
            let old = try transaction.certificateIssuer(name, in: vault)
            let issuer = CertificateIssuer(
                name: old?.name ?? name.text, provider: provider, accountID: body.credentials?.account_id,
                organization: try Self.checked(body.org_details), isEnabled: body.attributes?.enabled ?? true, created: old?.created ?? now,
                updated: now)
            try transaction.put(issuer, ObjectRecord.path(name, in: vault), in: CertificateIssuer.collection)
            return issuer
        }
    }

    /// - Throws: ``APIError/issuerNotFound(_:)``, or ``APIError/badParameter(_:)``.
    func update(_ name: ObjectName, _ body: IssuerBody, in vault: VaultRecord, by grant: Grant) async throws -> CertificateIssuer {
        let now = clock.now()
        let provider = try Self.provider(body.provider)
        return try await store.write { transaction in
            guard var issuer = try transaction.certificateIssuer(name, in: vault) else { throw APIError.issuerNotFound(name.text) }
            issuer.provider = provider ?? issuer.provider
            issuer.accountID = body.credentials?.account_id ?? issuer.accountID
            issuer.organization = try Self.checked(body.org_details) ?? issuer.organization
            issuer.isEnabled = body.attributes?.enabled ?? issuer.isEnabled
            issuer.updated = now
            try transaction.put(issuer, ObjectRecord.path(name, in: vault), in: CertificateIssuer.collection)
            return issuer
        }
    }

    /// - Throws: ``APIError/issuerNotFound(_:)``.
    func remove(_ name: ObjectName, in vault: VaultRecord, by grant: Grant) async throws -> CertificateIssuer {
        try await store.write { transaction in
            guard let issuer = try transaction.certificateIssuer(name, in: vault) else { throw APIError.issuerNotFound(name.text) }
            try transaction.remove(ObjectRecord.path(name, in: vault), in: CertificateIssuer.collection, if: .any)
            return issuer
        }
    }

    /// - Throws: ``APIError/contactsNotFound``.
    func contacts(in vault: VaultRecord, by grant: Grant) async throws -> CertificateContacts {
        let found = try await store.read {
            try $0.value(CertificateContacts.self, vault.instance, in: CertificateContacts.collection)?.value
        }
        guard let found else { throw APIError.contactsNotFound }
        return found
    }

    /// - Throws: ``APIError/badParameter(_:)``.
    func set(_ contacts: CertificateContacts, in vault: VaultRecord, by grant: Grant) async throws -> CertificateContacts {
        guard (1...100).contains(contacts.contacts.count) else { throw APIError.badParameter("contacts must have 1 to 100 entries.") }
        for contact in contacts.contacts {
            guard let email = contact.email, email.contains("@"), email.count <= 254, (contact.name ?? "").count <= 256,
                (contact.phone ?? "").count <= 64
            else { throw APIError.badParameter("Each contact needs an email, and may have a name and a phone.") }
        }
        let now = clock.now()
        try await store.write { transaction in
            try transaction.checkInUse(vault, at: now)
            try transaction.put(contacts, vault.instance, in: CertificateContacts.collection)
        }
        return contacts
    }

    /// - Throws: ``APIError/contactsNotFound``.
    func removeContacts(in vault: VaultRecord, by grant: Grant) async throws -> CertificateContacts {
        let found = try await contacts(in: vault, by: grant)
        try await store.write { try $0.remove(vault.instance, in: CertificateContacts.collection, if: .any) }
        return found
    }

    /// The providers that the service knows; none of them is connected here.
    private static let knownProviders = ["DigiCert", "GlobalSign", "OneCertV2-PublicCA", "OneCertV2-PrivateCA", "SslAdminV2", "Test"]
    private static var providers: String { "use one of \(knownProviders.joined(separator: ", "))." }

    private static func provider(_ word: String?) throws -> String? {
        guard let word else { return nil }
        guard let provider = knownProviders.spelling(of: word) else {
            throw APIError.badParameter("'\(word.shortened)' is not a provider of certificates: \(providers)")
        }
        return provider
    }

    private static func checked(_ organization: CertificateIssuer.Organization?) throws -> CertificateIssuer.Organization? {
        guard (organization?.admin_details?.count ?? 0) <= 50, (organization?.id?.count ?? 0) <= 256 else {
            throw APIError.badParameter("org_details may have up to 50 admin_details and an id of up to 256 characters.")
        }
        for administrator in organization?.admin_details ?? [] {
            let texts = [administrator.first_name, administrator.last_name, administrator.phone]
            guard administrator.email?.contains("@") ?? true, (administrator.email?.count ?? 0) <= 254,
                texts.allSatisfy({ ($0?.count ?? 0) <= 256 })
            else { throw APIError.badParameter("Each of org_details.admin_details may have an email, a first_name, a last_name and a phone.") }
        }
        return organization
    }
}
