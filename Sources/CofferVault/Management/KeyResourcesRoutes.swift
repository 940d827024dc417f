import CofferCore
import CofferModel
import CofferPlatform

/// `vaults/{vault}/keys` of Azure Resource Manager, by which templates make keys. It asks for permission on the management plane only, and
/// never tells more than a key's public facts.
struct KeyResourcesRoutes: Sendable {
    let vaults: VaultsService
    let keys: KeysService
    let policies: RotationPolicyService
    let audit: ManagementAudit
    let settings: VaultSettings

    /// - Parameter rest: What follows `keys` in the path.
    /// - Throws: ``APIError``.
    func handle(_ request: ARMRequest, _ rest: [String], in vault: ResourceID) async throws -> APIResponse {
        switch (request.http.method, rest.count) {
        case (.get, 0):
            return try await audit.recording("KeyList", in: vault, request, vaults) { try await list(request, $0) }
        case (.put, 1):
            return try await recording("KeyCreate", request, vault, rest[0]) { try await createIfAbsent($1, request, $0) }
        case (.get, 1):
            return try await recording("KeyGet", request, vault, rest[0]) { vault, name in
                try await show(try await keys.version(nil, of: name, in: vault, by: request.grant), vault, request)
            }
        case (.get, 2) where rest[1].lowercased() == "versions":
            return try await recording("KeyListVersions", request, vault, rest[0]) { try await listVersions(of: $1, request, $0) }
        case (.get, 3) where rest[1].lowercased() == "versions":
            return try await recording("KeyGet", request, vault, rest[0]) { vault, name in
                let version = try await keys.version(rest[2], of: name, in: vault, by: request.grant)
                return try answer(KeyResource(version, in: vault, host: host(vault), asVersion: true), version, vault)
            }
        default: throw APIError.methodNotAllowed(request.http.method.rawValue, "a vault's keys in Azure Resource Manager")
        }
    }

    /// Makes a key, or shows the one that has the name and leaves it alone.
    private func createIfAbsent(_ name: ObjectName, _ request: ARMRequest, _ vault: VaultRecord) async throws -> VaultAnswer {
        let body = try request.http.decode(KeyResourceBody.self)
        let wanted = try KeySpecification(body.dataPlaneBody)
        if case .oct = wanted.kind.family {
            throw APIError.badParameter("A template makes keys of type RSA, RSA-HSM, EC and EC-HSM. Make one of type oct with: az keyvault key create")
        }
        if let policy = body.properties.rotationPolicy { try policies.check(policy) }
        let (key, isNew) = try await keys.createIfAbsent(name, as: wanted, in: vault, by: request.grant)
        if isNew, let policy = body.properties.rotationPolicy {
            _ = try await policies.set(policy, of: name, in: vault, by: request.grant)
        }
        return try await show(key, vault, request)
    }

    private func list(_ request: ARMRequest, _ vault: VaultRecord) async throws -> VaultAnswer {
        let page = try ResourcePageRequest(request.http)
        let found = try await keys.keys(in: vault, after: try page.nameMark(), limit: page.objectLimit, by: request.grant)
        return try .json(page.page(found) { KeyResource($0, in: vault, host: host(vault), asVersion: false) }, object: nil)
    }

    private func listVersions(of name: ObjectName, _ request: ARMRequest, _ vault: VaultRecord) async throws -> VaultAnswer {
        let page = try ResourcePageRequest(request.http)
        let found = try await keys.versions(
            of: name, in: vault, after: try page.versionMark(), limit: page.objectLimit, by: request.grant)
        return try .json(
            page.page(found) { KeyResource($0, in: vault, host: host(vault), asVersion: true) },
            object: "https://\(host(vault))/keys/\(name.text)")
    }

    /// A key with its rotation policy.
    private func show(_ key: KeyVersionRecord, _ vault: VaultRecord, _ request: ARMRequest) async throws -> VaultAnswer {
        let name = try ObjectName(key.name)
        let policy = try await policies.policy(of: name, in: vault, by: request.grant)
        let resource = KeyResource(
            key, in: vault, host: host(vault), asVersion: false,
            policy: policy.map { RotationPolicyResource(RotationPolicyView($0, of: name, host: host(vault))) })
        return try answer(resource, key, vault)
    }

    private func answer(_ resource: KeyResource, _ version: KeyVersionRecord, _ vault: VaultRecord) throws -> VaultAnswer {
        try .json(resource, object: version.id(host: host(vault)))
    }

    private func host(_ vault: VaultRecord) -> String { settings.host(of: vault) }

    private func recording(
        _ operation: String, _ request: ARMRequest, _ vault: ResourceID, _ name: String,
        _ body: (VaultRecord, ObjectName) async throws -> VaultAnswer
    ) async throws -> APIResponse {
        try await audit.recording(operation, .keys, name, in: vault, request, vaults, body)
    }
}
