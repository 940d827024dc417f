import CofferModel
import CofferPlatform

/// The data-plane paths under `/certificates`, but for deletion, issuers and contacts. Decodes, asks for permission, calls the services,
/// encodes; decides nothing.
struct CertificatesRoutes: Sendable {
    let certificates: CertificatesService
    let backups: CertificateBackupService

    var table: [VaultRoute] {
        [
            VaultRoute(.get, "certificates", "CertificateList", list),
            VaultRoute(.post, "certificates/restore", "CertificateRestore", restore),
            VaultRoute(.get, "certificates/{name}/versions", "CertificateListVersions", listVersions),
            VaultRoute(.post, "certificates/{name}/create", "CertificateCreate", create),
            VaultRoute(.post, "certificates/{name}/import", "CertificateImport", importCertificate),
            VaultRoute(.post, "certificates/{name}/backup", "CertificateBackup", backup),
            VaultRoute(.get, "certificates/{name}/policy", "CertificatePolicyGet", policy),
            VaultRoute(.patch, "certificates/{name}/policy", "CertificatePolicyUpdate", changePolicy),
            VaultRoute(.get, "certificates/{name}/pending", "CertificatePendingGet", pending),
            VaultRoute(.patch, "certificates/{name}/pending", "CertificatePendingUpdate", cancel),
            VaultRoute(.delete, "certificates/{name}/pending", "CertificatePendingDelete", removePending),
            VaultRoute(.post, "certificates/{name}/pending/merge", "CertificatePendingMerge", merge),
            VaultRoute(.get, "certificates/{name}", "CertificateGet", get),
            VaultRoute(.get, "certificates/{name}/{version}", "CertificateGet", get),
            VaultRoute(.patch, "certificates/{name}", "CertificateUpdate", update),
            VaultRoute(.patch, "certificates/{name}/{version}", "CertificateUpdate", update),
        ]
    }

    private func list(_ request: VaultRequest) async throws -> VaultAnswer {
        let page = try PageRequest(request.http)
        let mark = try page.nameMark()
        let grant = try await request.grant(CertificatePermission.list, on: nil)
        if request.http.parameter("includePending")?.lowercased() == "true" {
            let found = try await certificates.certificatesWithPending(in: request.vault, after: mark, limit: page.limit, by: grant)
            return try .json(page.page(found, at: "certificates", also: "includePending=true") { item($0, request) }, object: nil)
        }
        let found = try await certificates.certificates(in: request.vault, after: mark, limit: page.limit, by: grant)
        return try .json(page.page(found, at: "certificates") { $0.item(for: request) }, object: nil)
    }

    private func listVersions(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let page = try PageRequest(request.http)
        let mark = try page.versionMark()
        let grant = try await request.grant(CertificatePermission.list, on: name)
        let found = try await certificates.versions(of: name, in: request.vault, after: mark, limit: page.limit, by: grant)
        let items = page.page(found, at: "certificates/\(name.text)/versions") {
            CertificateItem($0, id: $0.id(host: request.host), in: request.vault)
        }
        return try .json(items, object: object(name, request))
    }

    private func create(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let grant = try await request.grant(CertificatePermission.create, on: name)
        let body = try request.decode(CreateCertificateBody.self)
        let operation = try await certificates.create(name, body, in: request.vault, by: grant)
        let place = "https://\(request.host)/certificates/\(name.text)/pending?api-version=\(request.http.parameter("api-version") ?? "")"
        let view = CertificateOperationView(operation, host: request.host, isStarting: true)
        return VaultAnswer(try .json(view, status: 202, headers: ["location": place]), object: object(name, request))
    }

    private func importCertificate(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let grant = try await request.grant(CertificatePermission.import, on: name)
        let body = try request.decode(ImportCertificateBody.self)
        let version = try await certificates.importCertificate(name, body, in: request.vault, by: grant)
        return try await show(version.version, of: name, request, by: grant)
    }

    private func merge(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let grant = try await request.grant(CertificatePermission.create, on: name)
        let body = try request.decode(MergeCertificateBody.self)
        let version = try await certificates.merge(name, body, in: request.vault, by: grant)
        return try await show(version.version, of: name, request, by: grant, status: 201)
    }

    private func get(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let grant = try await request.grant(CertificatePermission.get, on: name)
        return try await show(request.version, of: name, request, by: grant)
    }

    private func update(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let grant = try await request.grant(CertificatePermission.update, on: name)
        let body = try request.decode(UpdateCertificateBody.self)
        try await certificates.update(request.version, of: name, body, in: request.vault, by: grant)
        return try await show(request.version, of: name, request, by: grant)
    }

    private func policy(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let grant = try await request.grant(CertificatePermission.get, on: name)
        let policy = try await certificates.policy(of: name, in: request.vault, by: grant)
        return try .json(CertificatePolicyView(policy, of: name.text, host: request.host), object: object(name, request))
    }

    private func changePolicy(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let grant = try await request.grant(CertificatePermission.update, on: name)
        let change = try request.decode(CertificatePolicy.self)
        let policy = try await certificates.changePolicy(of: name, by: change, in: request.vault, by: grant)
        return try .json(CertificatePolicyView(policy, of: name.text, host: request.host), object: object(name, request))
    }

    private func pending(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let grant = try await request.grant(CertificatePermission.get, on: name)
        return try show(try await certificates.operation(of: name, in: request.vault, by: grant), request)
    }

    private func cancel(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let grant = try await request.grant(CertificatePermission.update, on: name)
        guard try request.decode(UpdateOperationBody.self).cancellation_requested else {
            throw APIError.badParameter("cancellation_requested can only be set to true.")
        }
        return try show(try await certificates.cancel(name, in: request.vault, by: grant), request)
    }

    private func removePending(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let grant = try await request.grant(CertificatePermission.update, on: name)
        return try show(try await certificates.removeOperation(of: name, in: request.vault, by: grant), request)
    }

    private func backup(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let grant = try await request.grant(CertificatePermission.backup, on: name)
        let text = try await backups.backup(name, in: request.vault, by: grant)
        return try .json(BackupView(value: text), object: object(name, request))
    }

    private func restore(_ request: VaultRequest) async throws -> VaultAnswer {
        let grant = try await request.grant(CertificatePermission.restore, on: nil)
        let name = try await backups.restore(try request.decode(BackupView.self).value, in: request.vault, by: grant)
        return try await show(nil, of: name, request, by: grant)
    }

    func show(
        _ version: String?, of name: ObjectName, _ request: VaultRequest, by grant: Grant, status: Int = 200
    ) async throws -> VaultAnswer {
        let found = try await certificates.certificate(version, of: name, in: request.vault, by: grant)
        let bundle = CertificateBundle(found, in: request.vault, host: request.host, request.apiVersion)
        return VaultAnswer(try .json(bundle, status: status), object: bundle.id)
    }

    private func show(_ operation: CertificateOperation, _ request: VaultRequest) throws -> VaultAnswer {
        try .json(
            CertificateOperationView(operation, host: request.host), object: "https://\(request.host)/certificates/\(operation.name)")
    }

    private func item(_ listed: ShownCertificate, _ request: VaultRequest) -> CertificateItem {
        switch listed {
        case .made(let version): version.item(for: request)
        case .pending(let key): CertificateItem(pending: key, id: "https://\(request.host)/certificates/\(key.name)", in: request.vault)
        }
    }

    private func object(_ name: ObjectName, _ request: VaultRequest) -> String {
        "https://\(request.host)/certificates/\(name.text)"
    }
}

extension CertificateVersionRecord: ShownRecord {
    static let deletionPermissions = DeletionPermissions(
        delete: CertificatePermission.delete, list: CertificatePermission.list, get: CertificatePermission.get,
        purge: CertificatePermission.purge, recover: CertificatePermission.recover)

    func bundle(for request: VaultRequest) -> CertificateBundle {
        CertificateBundle(
            CertificatesService.Found(certificate: .made(self), policy: nil, pending: nil), in: request.vault, host: request.host, request.apiVersion)
    }

    func item(for request: VaultRequest) -> CertificateItem { CertificateItem(self, id: baseID(host: request.host), in: request.vault) }
}
