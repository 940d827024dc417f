import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform

/// The data-plane paths under `/keys`, but for deletion. Decodes, asks for permission, calls the services, encodes; decides nothing.
struct KeysRoutes: Sendable {
    let keys: KeysService
    let uses: KeyUseService
    let backups: BackupService

    var table: [VaultRoute] {
        [
            VaultRoute(.get, "keys", "KeyList", list),
            VaultRoute(.get, "keys/{name}/versions", "KeyListVersions", listVersions),
            VaultRoute(.post, "keys/{name}/create", "KeyCreate", create),
            VaultRoute(.post, "keys/{name}/rotate", "KeyRotate", rotate),
            VaultRoute(.get, "keys/{name}", "KeyGet", get),
            VaultRoute(.get, "keys/{name}/{version}", "KeyGet", get),
            VaultRoute(.patch, "keys/{name}", "KeyUpdate", update),
            VaultRoute(.patch, "keys/{name}/{version}", "KeyUpdate", update),
            VaultRoute(.put, "keys/{name}", "KeyImport", importKey),
            VaultRoute(.post, "keys/{name}/backup", "KeyBackup", backup),
            VaultRoute(.post, "keys/restore", "KeyRestore", restore),
            VaultRoute(.post, "keys/{name}/release", "KeyRelease", release),
            VaultRoute(.post, "keys/{name}/{version}/release", "KeyRelease", release),
            VaultRoute(.get, "keys/{name}/{version}/attestation", "KeyGetAttestation", attestation),
            VaultRoute(.post, "rng", "KeyGetRandomBytes", randomBytes),
        ]
            + KeyOperation.allCases.flatMap { operation in
                ["keys/{name}", "keys/{name}/{version}"].map { path in
                    VaultRoute(.post, "\(path)/\(operation.rawValue)", operation.auditName) { try await use(operation, $0) }
                }
            }
    }

    private func list(_ request: VaultRequest) async throws -> VaultAnswer {
        let page = try PageRequest(request.http)
        let mark = try page.nameMark()
        let grant = try await request.grant(KeyPermission.list, on: nil)
        let found = try await keys.keys(in: request.vault, after: mark, limit: page.limit, by: grant)
        return try .json(page.page(found, at: "keys") { $0.item(for: request) }, object: nil)
    }

    private func listVersions(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let page = try PageRequest(request.http)
        let mark = try page.versionMark()
        let grant = try await request.grant(KeyPermission.list, on: name)
        let found = try await keys.versions(of: name, in: request.vault, after: mark, limit: page.limit, by: grant)
        let items = page.page(found, at: "keys/\(name.text)/versions") {
            KeyItem($0, $0.url(host: request.host), in: request.vault, request.apiVersion)
        }
        return try .json(items, object: "https://\(request.host)/keys/\(name.text)")
    }

    private func create(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let grant = try await request.grant(KeyPermission.create, on: name)
        let wanted = try KeySpecification(try request.decode(CreateKeyBody.self))
        return try show(try await keys.create(name, as: wanted, in: request.vault, by: grant), request)
    }

    private func rotate(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let grant = try await request.grant(KeyPermission.rotate, on: name)
        return try show(try await keys.rotate(name, in: request.vault, by: grant), request)
    }

    private func get(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let grant = try await request.grant(KeyPermission.get, on: name)
        return try show(try await keys.version(request.version, of: name, in: request.vault, by: grant), request)
    }

    private func update(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let grant = try await request.grant(KeyPermission.update, on: name)
        let body = try request.decode(UpdateKeyBody.self)
        guard body.release_policy == nil else { throw APIError.releaseIsNotSupported }
        let attributes = try KeyAttributes(body.attributes, operations: body.key_ops, tags: body.tags)
        return try show(try await keys.update(request.version, of: name, with: attributes, in: request.vault, by: grant), request)
    }

    private func use(_ operation: KeyOperation, _ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let grant = try await request.grant(operation.permission, on: name)
        let body = try UseKeyBody(plain: request.http.body) ?? request.decode(UseKeyBody.self)
        let result = try await uses.use(name, version: request.version, for: operation, body, request.apiVersion, in: request.vault, by: grant)
        let kid = result.version.url(host: request.host).text
        let key = result.version.audited
        switch result.output {
        case .bytes(let bytes):
            return try .json(KeyOperationView(kid: kid, value: Base64URL.encode(bytes)), object: kid, key: key, algorithm: body.alg)
        case .ciphertext(let bytes, let vector, let tag, let data):
            let view = KeyOperationView(
                kid: kid, value: Base64URL.encode(bytes), iv: Base64URL.encode(vector), tag: tag.map(Base64URL.encode),
                aad: data.map(Base64URL.encode))
            return try .json(view, object: kid, key: key, algorithm: body.alg)
        case .holds(let holds): return try .json(KeyVerificationView(value: holds), object: kid, key: key, algorithm: body.alg)
        }
    }

    private func importKey(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let grant = try await request.grant(KeyPermission.import, on: name)
        let body = try request.decode(ImportKeyBody.self)
        return try show(try await keys.importKey(name, body, in: request.vault, by: grant), request)
    }

    private func backup(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let grant = try await request.grant(KeyPermission.backup, on: name)
        let text = try await backups.backup(KeyVersionRecord.self, name, in: request.vault, by: grant)
        return try .json(BackupView(value: text), object: "https://\(request.host)/keys/\(name.text)")
    }

    private func restore(_ request: VaultRequest) async throws -> VaultAnswer {
        let grant = try await request.grant(KeyPermission.restore, on: nil)
        let text = try request.decode(BackupView.self).value
        return try show(try await backups.restore(KeyVersionRecord.self, from: text, in: request.vault, by: grant), request)
    }

    private func release(_ request: VaultRequest) async throws -> VaultAnswer {
        _ = try await request.grant(KeyPermission.release, on: try request.name())
        throw APIError.releaseIsNotSupported
    }

    private func attestation(_ request: VaultRequest) async throws -> VaultAnswer {
        _ = try await request.grant(KeyPermission.get, on: try request.name())
        throw APIError.attestationIsNotSupported
    }

    private func randomBytes(_ request: VaultRequest) async throws -> VaultAnswer {
        _ = try await request.grant(KeyPermission.get, on: nil)
        let count = try request.decode(RandomBytesBody.self).count
        guard (1...128).contains(count) else { throw APIError.badParameter("count must be a number from 1 to 128.") }
        return try .json(RandomBytesView(value: Base64URL.encode(SecureRandom.bytes(count))), object: nil)
    }

    func show(_ version: KeyVersionRecord, _ request: VaultRequest) throws -> VaultAnswer {
        try .json(version.bundle(for: request), object: version.url(host: request.host).text, key: version.audited)
    }
}

extension KeyVersionRecord: ShownRecord {
    static let deletionPermissions = DeletionPermissions(
        delete: KeyPermission.delete, list: KeyPermission.list, get: KeyPermission.get, purge: KeyPermission.purge,
        recover: KeyPermission.recover)

    func bundle(for request: VaultRequest) -> KeyBundle { KeyBundle(self, in: request.vault, host: request.host, request.apiVersion) }

    func item(for request: VaultRequest) -> KeyItem {
        KeyItem(self, KeyURL(host: request.host, name: name, version: nil), in: request.vault, request.apiVersion)
    }
}
