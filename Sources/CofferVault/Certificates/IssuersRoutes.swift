import CofferModel
import CofferPlatform

/// The data-plane paths under `/certificates/issuers` and `/certificates/contacts`.
struct IssuersRoutes: Sendable {
    let issuers: IssuersService

    var table: [VaultRoute] {
        [
            VaultRoute(.get, "certificates/issuers", "CertificateIssuersList", list),
            VaultRoute(.get, "certificates/issuers/{name}", "CertificateIssuerGet", get),
            VaultRoute(.put, "certificates/issuers/{name}", "CertificateIssuerSet", set),
            VaultRoute(.patch, "certificates/issuers/{name}", "CertificateIssuerUpdate", update),
            VaultRoute(.delete, "certificates/issuers/{name}", "CertificateIssuerDelete", remove),
            VaultRoute(.get, "certificates/contacts", "CertificateContactsGet", contacts),
            VaultRoute(.put, "certificates/contacts", "CertificateContactsSet", setContacts),
            VaultRoute(.delete, "certificates/contacts", "CertificateContactsDelete", removeContacts),
        ]
    }

    private func list(_ request: VaultRequest) async throws -> VaultAnswer {
        let page = try PageRequest(request.http)
        let mark = try page.nameMark()
        let grant = try await request.grant(CertificatePermission.listIssuers, on: nil)
        let found = try await issuers.issuers(in: request.vault, after: mark, limit: page.limit, by: grant)
        let items = page.page(found, at: "certificates/issuers") { issuer in
            IssuerItem(id: "https://\(request.host)/certificates/issuers/\(issuer.name)", provider: issuer.provider)
        }
        return try .json(items, object: nil)
    }

    private func get(_ request: VaultRequest) async throws -> VaultAnswer {
        let grant = try await request.grant(CertificatePermission.getIssuers, on: nil)
        return try show(try await issuers.issuer(try request.name(), in: request.vault, by: grant), request)
    }

    private func set(_ request: VaultRequest) async throws -> VaultAnswer {
        let grant = try await request.grant(CertificatePermission.setIssuers, on: nil)
        let body = try request.decode(IssuerBody.self)
        return try show(try await issuers.set(try request.name(), body, in: request.vault, by: grant), request)
    }

    private func update(_ request: VaultRequest) async throws -> VaultAnswer {
        let grant = try await request.grant(CertificatePermission.setIssuers, on: nil)
        let body = try request.decode(IssuerBody.self)
        return try show(try await issuers.update(try request.name(), body, in: request.vault, by: grant), request)
    }

    private func remove(_ request: VaultRequest) async throws -> VaultAnswer {
        let grant = try await request.grant(CertificatePermission.deleteIssuers, on: nil)
        return try show(try await issuers.remove(try request.name(), in: request.vault, by: grant), request)
    }

    private func contacts(_ request: VaultRequest) async throws -> VaultAnswer {
        let grant = try await request.grant(CertificatePermission.manageContacts, on: nil)
        return try show(try await issuers.contacts(in: request.vault, by: grant), request)
    }

    private func setContacts(_ request: VaultRequest) async throws -> VaultAnswer {
        let grant = try await request.grant(CertificatePermission.manageContacts, on: nil)
        let body = try request.decode(CertificateContacts.self)
        return try show(try await issuers.set(body, in: request.vault, by: grant), request)
    }

    private func removeContacts(_ request: VaultRequest) async throws -> VaultAnswer {
        let grant = try await request.grant(CertificatePermission.manageContacts, on: nil)
        return try show(try await issuers.removeContacts(in: request.vault, by: grant), request)
    }

    private func show(_ issuer: CertificateIssuer, _ request: VaultRequest) throws -> VaultAnswer {
        let view = IssuerView(issuer, host: request.host)
        return try .json(view, object: view.id)
    }

    private func show(_ contacts: CertificateContacts, _ request: VaultRequest) throws -> VaultAnswer {
        try .json(ContactsView(contacts, host: request.host), object: nil)
    }
}
