import CofferCore
package import CofferModel
package import CofferPlatform

/// The namespace `Microsoft.KeyVault` of Azure Resource Manager. Decodes, calls ``VaultsService``, encodes; decides nothing.
package struct VaultProvider: ResourceProvider {
    package let namespace = "Microsoft.KeyVault"
    package let types = [
        ResourceTypeDescription("vaults", since: "2015-06-01"),
        ResourceTypeDescription("vaults/accessPolicies", since: "2015-06-01"),
        ResourceTypeDescription("vaults/secrets", since: "2015-06-01"),
        ResourceTypeDescription("vaults/keys", since: "2019-09-01"),
        ResourceTypeDescription("vaults/keys/versions", since: "2019-09-01"),
        ResourceTypeDescription("deletedVaults", since: "2016-10-01"),
        ResourceTypeDescription("locations", since: "2016-10-01"),
        ResourceTypeDescription("locations/deletedVaults", since: "2016-10-01"),
        ResourceTypeDescription("checkNameAvailability", since: "2015-06-01"),
        ResourceTypeDescription("managedHSMs", since: "2020-04-01-preview"),
        ResourceTypeDescription("deletedManagedHSMs", since: "2021-06-01-preview"),
        ResourceTypeDescription("locations/deletedManagedHSMs", since: "2021-06-01-preview"),
    ]

    package var operations: [ProviderOperation] { VaultOperations.all }

    let vaults: VaultsService
    let keys: KeyResourcesRoutes
    let secrets: SecretResourcesRoutes
    let audit: ManagementAudit
    let settings: VaultSettings

    /// Answers `vaults` with what is below them, `deletedVaults` and `checkNameAvailability`; of managed HSMs there are none.
    ///
    /// - Throws: ``APIError``.
    package func handle(_ request: ARMRequest) async throws -> APIResponse {
        let path = request.path.filter { !$0.isEmpty }
        let method = request.http.method
        switch (method, path.count, path.first?.lowercased()) {
        case (.get, 1, "vaults"): return try await list(request)
        case (_, 2, "vaults"): return try await vault(path[1], request)
        case (_, 3..., "vaults"): return try await below(try id(path[1], type: "vaults", request), Array(path.dropFirst(2)), request)
        case (.get, 1, "deletedvaults"):
            let deleted = try await vaults.deletedVaults(in: request.subscription, by: request.grant)
            return try page(deleted, request) { DeletedVaultResource($0) }
        case (_, 4..., "locations") where path[2].lowercased() == "deletedvaults":
            return try await deletedVault(path[3], at: path[1], action: path.count > 4 ? path[4] : nil, request)
        case (.post, 1, "checknameavailability"): return try await availability(request)
        case (.get, 1, "managedhsms"), (.get, 1, "deletedmanagedhsms"):
            return try .json(Page<VaultResource>(value: [], nextLink: nil))
        case (.get, 2, "managedhsms"):
            throw APIError.resourceNotFound(try id(path[1], type: "managedHSMs", request))
        case (_, 4..., "locations") where path[2].lowercased() == "deletedmanagedhsms": throw APIError.notInThisVersion("Managed HSMs are")
        case (_, _, "managedhsms"): throw APIError.notInThisVersion("Managed HSMs are")
        default: throw APIError.noSuchResourceType(path, method.rawValue)
        }
    }

    /// The vaults in use, for lists over all types.
    package func resources(in subscription: String, group: String?) async throws -> [ResourceSummary] {
        try await vaults.vaults(in: subscription, group: group).map {
            ResourceSummary(id: $0.id, location: $0.location, tags: $0.tags)
        }
    }

    /// Deletes a vault as its group is deleted; it can be recovered once the group is there again.
    package func delete(_ id: ResourceID, by grant: Grant) async throws {
        let origin = AuditOrigin(
            started: audit.clock.now(), address: grant.caller.address, correlationID: "", clientInfo: nil, uri: nil)
        _ = try await audit.trail.recording("VaultDelete", on: id, by: grant.caller, from: origin, object: nil) {
            try await vaults.delete(id, by: grant) ? APIResponse(status: 200) : .noContent
        }
    }

    private func vault(_ name: String, _ request: ARMRequest) async throws -> APIResponse {
        let id = try id(name, type: "vaults", request)
        switch request.http.method {
        case .get, .head:
            return try await audit.recording("VaultGet", on: id, request) {
                try show(try await vaults.vault(id, by: request.grant))
            }
        case .put:
            let body = Result { try request.http.decode(VaultBody.self) }
            let isRecovery = (try? body.get())?.properties?.createMode?.lowercased() == "recover"
            // New vaults use role assignments since this version; asking through an older one keeps access policies.
            let defaultsToRBAC = (request.http.parameter("api-version") ?? "") >= "2026-02-01"
            return try show(
                try await audit.recordingChange(isRecovery ? "VaultRecover" : "VaultPut", on: id, request) {
                    guard VaultName(name) != nil else { throw APIError.vaultNameNotValid(name) }
                    let wanted = try VaultSpecification(try body.get(), tenantID: settings.tenantID)
                    return try await vaults.put(id, as: wanted, defaultsToRBAC: defaultsToRBAC, by: request.grant)
                })
        case .patch:
            return try show(
                try await audit.recordingChange("VaultPatch", on: id, request) {
                    let wanted = try VaultSpecification(request.http.decode(VaultBody.self), tenantID: settings.tenantID)
                    return try await vaults.patch(id, with: wanted, by: request.grant)
                })
        case .delete:
            return try await audit.recording("VaultDelete", on: id, request) {
                try await vaults.delete(id, by: request.grant) ? APIResponse(status: 200) : .noContent
            }
        case .post: throw APIError.methodNotAllowed("POST", id.text)
        }
    }

    /// - Parameter path: What follows the vault's name.
    private func below(_ vault: ResourceID, _ path: [String], _ request: ARMRequest) async throws -> APIResponse {
        let rest = Array(path.dropFirst())
        switch path[0].lowercased() {
        case "keys": return try await keys.handle(request, rest, in: vault)
        case "secrets": return try await secrets.handle(request, rest, in: vault)
        case "accesspolicies": return try await accessPolicies(rest, of: vault, request)
        default: throw APIError.notInThisVersion("'\(path[0].shortened)' below a vault in Azure Resource Manager is")
        }
    }

    private func accessPolicies(_ rest: [String], of vault: ResourceID, _ request: ARMRequest) async throws -> APIResponse {
        guard request.http.method == .put, rest.count == 1 else {
            throw APIError.methodNotAllowed(request.http.method.rawValue, "a vault's access policies")
        }
        let changed = try await audit.recordingChange("VaultPatch", on: vault, request) {
            guard let change = AccessPolicyChange(rawValue: rest[0].lowercased()) else { throw APIError.badPolicyChange(rest[0]) }
            let body = try request.http.decode(AccessPoliciesBody.self)
            let entries = try body.properties.accessPolicies.map { try $0.checked(tenantID: settings.tenantID) }
            return try await vaults.change(policiesOf: vault, change, entries, by: request.grant)
        }
        return try .json(AccessPoliciesResource(changed))
    }

    private func deletedVault(
        _ name: String, at location: String, action: String?, _ request: ARMRequest
    ) async throws -> APIResponse {
        switch (request.http.method, action?.lowercased()) {
        case (.get, nil):
            let vault = try await vaults.deletedVault(
                name, location: location, subscription: request.subscription, by: request.grant)
            return try await audit.recording("VaultGetDeleted", on: vault.id, request) { try .json(DeletedVaultResource(vault)) }
        case (.post, "purge"):
            let vault = try await vaults.deletedVault(
                name, location: location, subscription: request.subscription, by: request.grant)
            return try await audit.recording("VaultPurge", on: vault.id, request) {
                _ = try await vaults.purge(
                    name, location: location, subscription: request.subscription, by: request.grant)
                return APIResponse(status: 200)
            }
        default: throw APIError.methodNotAllowed(request.http.method.rawValue, "a deleted vault")
        }
    }

    private func list(_ request: ARMRequest) async throws -> APIResponse {
        let found = try await vaults.vaults(in: request.subscription, group: request.group)
        return try page(found, request) { VaultResource($0, settings: settings) }
    }

    private func availability(_ request: ARMRequest) async throws -> APIResponse {
        let body = try request.http.decode(NameAvailabilityBody.self)
        guard body.type?.lowercased() == "microsoft.keyvault/vaults" else {
            throw APIError.badVaultRequest("The type must be Microsoft.KeyVault/vaults.")
        }
        return try .json(NameAvailabilityView(try await vaults.availability(of: body.name)))
    }

    /// A page of at most `$top` vaults, beginning after the one that `$skiptoken` names.
    private func page<Item: Encodable & Sendable>(
        _ vaults: [VaultRecord], _ request: ARMRequest, _ show: (VaultRecord) -> Item?
    ) throws -> APIResponse {
        let wanted = try ResourcePageRequest(request.http)
        let mark = wanted.mark?.lowercased() ?? ""
        let rest = vaults.filter { mark.isEmpty || $0.name.lowercased() > mark }
        let shown = rest.prefix(wanted.top ?? .max)
        let link = shown.count < rest.count ? shown.last.map { wanted.link(after: $0.name.lowercased()) } : nil
        return try .json(Page(value: shown.compactMap(show), nextLink: link))
    }

    private func show(_ vault: VaultRecord) throws -> APIResponse {
        try .json(VaultResource(vault, settings: settings))
    }

    private func id(_ name: String, type: String, _ request: ARMRequest) throws -> ResourceID {
        guard let group = request.group else { throw APIError.vaultNeedsGroup }
        guard !name.contains("/") else { throw APIError.vaultNameNotValid(name) }
        return ResourceID(
            subscription: request.subscription, group: group, namespace: namespace, type: type, name: name)
    }
}

/// The body of `checkNameAvailability`.
private struct NameAvailabilityBody: Decodable {
    let name: String
    let type: String?
}

/// The answer of `checkNameAvailability`.
private struct NameAvailabilityView: Encodable {
    let nameAvailable: Bool
    let reason: String?
    let message: String?

    init(_ availability: NameAvailability) {
        switch availability {
        case .available: (nameAvailable, reason, message) = (true, nil, nil)
        case .invalid(let rule): (nameAvailable, reason, message) = (false, "AccountNameInvalid", rule)
        case .taken(let sentence): (nameAvailable, reason, message) = (false, "AlreadyExists", sentence)
        }
    }
}
