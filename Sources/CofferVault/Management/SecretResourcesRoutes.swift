import CofferCore
import CofferModel
import CofferPlatform

/// `vaults/{vault}/secrets` of Azure Resource Manager, by which templates set secrets. It asks for permission on the management plane only,
/// so it takes values and never tells one.
struct SecretResourcesRoutes: Sendable {
    let vaults: VaultsService
    let secrets: SecretsService
    let audit: ManagementAudit
    let settings: VaultSettings

    /// - Parameter rest: What follows `secrets` in the path.
    /// - Throws: ``APIError``.
    func handle(_ request: ARMRequest, _ rest: [String], in vault: ResourceID) async throws -> APIResponse {
        switch (request.http.method, rest.count) {
        case (.get, 0):
            return try await audit.recording("SecretList", in: vault, request, vaults) { try await list(request, $0) }
        case (.put, 1):
            return try await recording("SecretSet", request, vault, rest[0]) { try await set($1, request, $0) }
        case (.patch, 1):
            return try await recording("SecretUpdate", request, vault, rest[0]) { try await update($1, request, $0) }
        case (.get, 1):
            return try await recording("SecretGet", request, vault, rest[0]) { vault, name in
                try show(try await secrets.version(nil, of: name, in: vault, by: request.grant), vault)
            }
        default: throw APIError.methodNotAllowed(request.http.method.rawValue, "a vault's secrets in Azure Resource Manager")
        }
    }

    private func list(_ request: ARMRequest, _ vault: VaultRecord) async throws -> VaultAnswer {
        let page = try ResourcePageRequest(request.http)
        let found = try await secrets.secrets(in: vault, after: try page.nameMark(), limit: page.objectLimit, by: request.grant)
        let host = settings.host(of: vault)
        return try .json(page.page(found) { SecretResource($0, in: vault, host: host) }, object: nil)
    }

    private func set(_ name: ObjectName, _ request: ARMRequest, _ vault: VaultRecord) async throws -> VaultAnswer {
        let body = try request.http.decode(SecretResourceBody.self)
        guard let text = body.properties?.value else { throw APIError.secretValueMissing }
        let attributes = try SecretAttributes(body.properties?.attributes, contentType: body.properties?.contentType, tags: body.tags)
        let value = try SecretValue.bytes(of: text)
        return try show(try await secrets.set(name, to: value, with: attributes, in: vault, by: request.grant), vault)
    }

    /// Changes what the request mentions; a value makes a new version, which keeps the rest.
    private func update(_ name: ObjectName, _ request: ARMRequest, _ vault: VaultRecord) async throws -> VaultAnswer {
        let body = try request.http.decode(SecretResourceBody.self)
        let said = body.properties?.attributes
        let attributes = try SecretAttributes(said, contentType: body.properties?.contentType, tags: body.tags)
        guard let text = body.properties?.value else {
            return try show(try await secrets.update(nil, of: name, with: attributes, in: vault, by: request.grant), vault)
        }
        let value = try SecretValue.bytes(of: text)
        let current = try await secrets.version(nil, of: name, in: vault, by: request.grant)
        let kept = try SecretAttributes(
            AttributesBody(
                enabled: said?.enabled ?? current.isEnabled, nbf: said?.nbf ?? current.notBefore?.seconds,
                exp: said?.exp ?? current.expires?.seconds, exportable: nil),
            contentType: body.properties?.contentType ?? current.contentType, tags: body.tags ?? current.tags)
        return try show(try await secrets.set(name, to: value, with: kept, in: vault, by: request.grant), vault)
    }

    private func show(_ version: SecretVersionRecord, _ vault: VaultRecord) throws -> VaultAnswer {
        let host = settings.host(of: vault)
        return try .json(SecretResource(version, in: vault, host: host), object: version.id(host: host))
    }

    private func recording(
        _ operation: String, _ request: ARMRequest, _ vault: ResourceID, _ name: String,
        _ body: (VaultRecord, ObjectName) async throws -> VaultAnswer
    ) async throws -> APIResponse {
        try await audit.recording(operation, .secrets, name, in: vault, request, vaults, body)
    }
}
