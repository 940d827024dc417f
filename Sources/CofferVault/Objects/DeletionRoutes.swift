import CofferModel
import CofferPlatform

/// A kind of object as the data plane shows its versions, and who may delete them and look at deleted ones.
protocol ShownRecord: VersionRecord {
    associatedtype Bundle: Encodable & Sendable
    associatedtype Item: Encodable & Sendable

    static var deletionPermissions: DeletionPermissions { get }
    /// In full, but for a value.
    func bundle(for request: VaultRequest) -> Bundle
    /// In a list of objects.
    func item(for request: VaultRequest) -> Item
    /// Of a key.
    var audited: AuditKey? { get }
}

extension ShownRecord {
    var audited: AuditKey? { nil }
}

/// What one must be allowed, by step.
struct DeletionPermissions: Sendable {
    let delete: any ObjectPermission
    let list: any ObjectPermission
    let get: any ObjectPermission
    let purge: any ObjectPermission
    let recover: any ObjectPermission
}

/// The data-plane paths by which objects of one kind are deleted, looked at while they are, recovered and purged. Decodes, asks for
/// permission, calls the service, encodes; decides nothing.
struct DeletionRoutes<Record: ShownRecord>: Sendable {
    let service: DeletionService
    /// The answer about an object that is in use again.
    let show: @Sendable (Record, VaultRequest, Grant) async throws -> VaultAnswer

    private var kind: ObjectKind { Record.kind }
    private var permissions: DeletionPermissions { Record.deletionPermissions }

    var table: [VaultRoute] {
        [
            VaultRoute(.delete, "\(kind.rawValue)/{name}", "\(kind.title)Delete", delete),
            VaultRoute(.get, kind.deletedPath, "\(kind.title)ListDeleted", list),
            VaultRoute(.get, "\(kind.deletedPath)/{name}", "\(kind.title)GetDeleted", get),
            VaultRoute(.delete, "\(kind.deletedPath)/{name}", "\(kind.title)Purge", purge),
            VaultRoute(.post, "\(kind.deletedPath)/{name}/recover", "\(kind.title)Recover", recover),
        ]
    }

    private func delete(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let grant = try await request.grant(permissions.delete, on: name)
        return try show(try await service.delete(Record.self, name, in: request.vault, by: grant), request)
    }

    private func list(_ request: VaultRequest) async throws -> VaultAnswer {
        let page = try PageRequest(request.http)
        let mark = try page.nameMark()
        let grant = try await request.grant(permissions.list, on: nil)
        let found = try await service.list(Record.self, in: request.vault, after: mark, limit: page.limit, by: grant)
        let items = page.page(found, at: kind.deletedPath) { deleted in view(deleted.version.item(for: request), deleted, request) }
        return try .json(items, object: nil)
    }

    private func get(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let grant = try await request.grant(permissions.get, on: name)
        return try show(try await service.deleted(Record.self, name, in: request.vault, by: grant), request)
    }

    private func purge(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let grant = try await request.grant(permissions.purge, on: name)
        try await service.purge(Record.self, name, in: request.vault, by: grant)
        return VaultAnswer(.noContent, object: "https://\(request.host)/\(kind.deletedPath)/\(name.text)")
    }

    private func recover(_ request: VaultRequest) async throws -> VaultAnswer {
        let name = try request.name()
        let grant = try await request.grant(permissions.recover, on: name)
        return try await show(try await service.recover(Record.self, name, in: request.vault, by: grant), request, grant)
    }

    private func show(_ deleted: DeletedVersion<Record>, _ request: VaultRequest) throws -> VaultAnswer {
        let version = deleted.version
        return try .json(
            view(version.bundle(for: request), deleted, request), object: version.id(host: request.host), key: version.audited)
    }

    private func view<View: Encodable>(_ view: View, _ deleted: DeletedVersion<Record>, _ request: VaultRequest) -> DeletedView<View> {
        DeletedView(view, deleted.deletion, of: kind, named: deleted.version.name, host: request.host)
    }
}
