import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform

/// The data-plane paths under `/keys` and `/deletedkeys`. Decodes, asks for permission, calls the services, encodes; decides nothing.
struct KeysRoutes: Sendable {
    let keys: KeysService
    let uses: KeyUseService
    let deletion: DeletionService
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
            VaultRoute(.delete, "keys/{name}", "KeyDelete", delete),
            VaultRoute(.get, "deletedkeys", "KeyListDeleted", listDeleted),
            VaultRoute(.get, "deletedkeys/{name}", "KeyGetDeleted", getDeleted),
            VaultRoute(.delete, "deletedkeys/{name}", "KeyPurge", purge),
            VaultRoute(.post, "deletedkeys/{name}/recover", "KeyRecover", recover),
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
        return try .json(page.page(found, at: "keys") { item($0, request) }, object: nil)
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
        let body = try request.decode(UseKeyBody.self)
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

    private func delete(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let grant = try await request.grant(KeyPermission.delete, on: name)
        return try show(try await deletion.delete(KeyVersionRecord.self, name, in: request.vault, by: grant), request)
    }

    private func listDeleted(_ request: VaultRequest) async throws -> VaultAnswer {
        let page = try PageRequest(request.http)
        let mark = try page.nameMark()
        let grant = try await request.grant(KeyPermission.list, on: nil)
        let found = try await deletion.list(KeyVersionRecord.self, in: request.vault, after: mark, limit: page.limit, by: grant)
        let items = page.page(found, at: "deletedkeys") { deleted in
            DeletedView(item(deleted.version, request), deleted.deletion, of: .keys, named: deleted.version.name, host: request.host)
        }
        return try .json(items, object: nil)
    }

    private func getDeleted(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let grant = try await request.grant(KeyPermission.get, on: name)
        return try show(try await deletion.deleted(KeyVersionRecord.self, name, in: request.vault, by: grant), request)
    }

    private func purge(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let grant = try await request.grant(KeyPermission.purge, on: name)
        try await deletion.purge(KeyVersionRecord.self, name, in: request.vault, by: grant)
        return VaultAnswer(.noContent, object: "https://\(request.host)/deletedkeys/\(name.text)")
    }

    private func recover(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let grant = try await request.grant(KeyPermission.recover, on: name)
        return try show(try await deletion.recover(KeyVersionRecord.self, name, in: request.vault, by: grant), request)
    }

    private func show(_ version: KeyVersionRecord, _ request: VaultRequest) throws -> VaultAnswer {
        try .json(
            KeyBundle(version, in: request.vault, host: request.host, request.apiVersion), object: version.url(host: request.host).text,
            key: version.audited)
    }

    private func show(_ deleted: DeletedVersion<KeyVersionRecord>, _ request: VaultRequest) throws -> VaultAnswer {
        let bundle = KeyBundle(deleted.version, in: request.vault, host: request.host, request.apiVersion)
        return try .json(
            DeletedView(bundle, deleted.deletion, of: .keys, named: deleted.version.name, host: request.host),
            object: deleted.version.url(host: request.host).text, key: deleted.version.audited)
    }

    private func item(_ version: KeyVersionRecord, _ request: VaultRequest) -> KeyItem {
        let url = KeyURL(host: request.host, name: version.name, version: nil)
        return KeyItem(version, url, in: request.vault, request.apiVersion)
    }
}
