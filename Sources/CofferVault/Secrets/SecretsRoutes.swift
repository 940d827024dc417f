import CofferCore
import CofferModel
import CofferPlatform

/// The data-plane paths under `/secrets`, but for deletion. Decodes, asks for permission, calls the services, encodes; decides nothing.
struct SecretsRoutes: Sendable {
    let secrets: SecretsService
    let backups: BackupService

    var table: [VaultRoute] {
        [
            VaultRoute(.get, "secrets", "SecretList", list),
            VaultRoute(.get, "secrets/{name}/versions", "SecretListVersions", listVersions),
            VaultRoute(.put, "secrets/{name}", "SecretSet", set),
            VaultRoute(.get, "secrets/{name}", "SecretGet", get),
            VaultRoute(.get, "secrets/{name}/{version}", "SecretGet", get),
            VaultRoute(.patch, "secrets/{name}", "SecretUpdate", update),
            VaultRoute(.patch, "secrets/{name}/{version}", "SecretUpdate", update),
            VaultRoute(.post, "secrets/{name}/backup", "SecretBackup", backup),
            VaultRoute(.post, "secrets/restore", "SecretRestore", restore),
        ]
    }

    private func list(_ request: VaultRequest) async throws -> VaultAnswer {
        let page = try PageRequest(request.http)
        let mark = try page.nameMark()
        let grant = try await request.grant(SecretPermission.list, on: nil)
        let found = try await secrets.secrets(in: request.vault, after: mark, limit: page.limit, by: grant)
        return try .json(page.page(found, at: "secrets") { $0.item(for: request) }, object: nil)
    }

    private func listVersions(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let page = try PageRequest(request.http)
        let mark = try page.versionMark()
        let grant = try await request.grant(SecretPermission.list, on: name)
        let found = try await secrets.versions(of: name, in: request.vault, after: mark, limit: page.limit, by: grant)
        let items = page.page(found, at: "secrets/\(name.text)/versions") {
            SecretItem($0, id: $0.id(host: request.host), in: request.vault)
        }
        return try .json(items, object: "https://\(request.host)/secrets/\(name.text)")
    }

    private func set(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let grant = try await request.grant(SecretPermission.set, on: name)
        let body = try request.decode(SetSecretBody.self)
        let attributes = try SecretAttributes(body.attributes, contentType: body.contentType, tags: body.tags)
        let value = try SecretValue.bytes(of: body.value)
        let version = try await secrets.set(name, to: value, with: attributes, in: request.vault, by: grant)
        return try show(version, value: body.value, request)
    }

    private func get(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let grant = try await request.grant(SecretPermission.get, on: name)
        let secret = try await secrets.opened(request.version, of: name, in: request.vault, by: grant)
        if let form = try SecretConversion.target(request.http.parameter("outContentType"), of: secret.version, request.apiVersion) {
            return try await show(secret, as: form, request)
        }
        return try show(secret.version, value: SecretValue.text(of: secret.value), request)
    }

    private func show(_ secret: borrowing OpenedSecret, as form: String, _ request: VaultRequest) async throws -> VaultAnswer {
        let converted = try await SecretConversion.pem(SymmetricKey(secret.value.clone()), in: secrets.material)
        var version = secret.version
        version.contentType = form
        return try show(version, value: SecretValue.text(of: converted.bytes), request)
    }

    private func update(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let grant = try await request.grant(SecretPermission.update, on: name)
        let body = try request.decode(UpdateSecretBody.self)
        let attributes = try SecretAttributes(body.attributes, contentType: body.contentType, tags: body.tags)
        return try show(
            try await secrets.update(request.version, of: name, with: attributes, in: request.vault, by: grant), value: nil, request)
    }

    private func backup(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let grant = try await request.grant(SecretPermission.backup, on: name)
        let text = try await backups.backup(SecretVersionRecord.self, name, in: request.vault, by: grant)
        return try .json(BackupView(value: text), object: "https://\(request.host)/secrets/\(name.text)")
    }

    private func restore(_ request: VaultRequest) async throws -> VaultAnswer {
        let grant = try await request.grant(SecretPermission.restore, on: nil)
        let text = try request.decode(BackupView.self).value
        let restored = try await backups.restore(SecretVersionRecord.self, from: text, in: request.vault, by: grant)
        return try show(restored, value: nil, request)
    }

    func show(_ version: SecretVersionRecord, value: String?, _ request: VaultRequest) throws -> VaultAnswer {
        let bundle = SecretBundle(version, value: value, in: request.vault, host: request.host, request.apiVersion)
        return try .json(bundle, object: bundle.id)
    }
}

extension SecretVersionRecord: ShownRecord {
    static let deletionPermissions = DeletionPermissions(
        delete: SecretPermission.delete, list: SecretPermission.list, get: SecretPermission.getDeleted, purge: SecretPermission.purge,
        recover: SecretPermission.recover)

    func bundle(for request: VaultRequest) -> SecretBundle {
        SecretBundle(self, value: nil, in: request.vault, host: request.host, request.apiVersion)
    }

    func item(for request: VaultRequest) -> SecretItem { SecretItem(self, id: baseID(host: request.host), in: request.vault) }
}
