package import CofferModel
package import CofferPlatform

/// The namespace Microsoft.ManagedIdentity. Decodes, calls ``UserAssignedIdentitiesService``, encodes.
package struct ManagedIdentityProvider: ResourceProvider {
    package let namespace = "Microsoft.ManagedIdentity"
    package let types = [ResourceTypeDescription(Self.type, since: "2015-08-31-preview")]

    private static let type = "userAssignedIdentities"

    private let service: UserAssignedIdentitiesService
    private let settings: IdentitySettings

    package init(service: UserAssignedIdentitiesService, settings: IdentitySettings) {
        self.service = service
        self.settings = settings
    }

    private struct Body: Decodable {
        let location: String?
        let tags: [String: String]?
    }

    /// - Throws: ``APIError``.
    package func handle(_ request: ARMRequest) async throws -> APIResponse {
        let path = request.path.filter { !$0.isEmpty }
        guard path.first?.lowercased() == Self.type.lowercased(), path.count <= 2 else { throw APIError.identityTypeNotServed(path) }
        let method = request.http.method
        guard path.count == 2 else {
            guard method == .get || method == .head else { throw APIError.methodNotAllowed(method.rawValue, Self.type) }
            let scope = ResourceID(subscription: request.subscription, group: request.group)
            let found = try await service.identities(in: scope)
            return try .json(UserAssignedIdentityList(value: found.map { UserAssignedIdentityResource($0, tenantID: settings.tenantID) }))
        }
        guard let group = request.group else { throw APIError.identityTypeNotServed(path) }
        let id = ResourceID(
            subscription: request.subscription, group: group, namespace: namespace, type: Self.type, name: path[1])
        switch method {
        case .get, .head:
            return try show(try await service.identity(id, by: request.grant))
        case .put:
            let body = try request.http.decode(Body.self)
            let (identity, isNew) = try await service.put(
                id, location: body.location.map(Location.canonical), tags: Tags.checked(body.tags ?? [:]), by: request.grant)
            return try show(identity, status: isNew ? 201 : 200)
        case .patch:
            let tags = try request.http.decode(Body.self).tags.map(Tags.checked)
            return try show(try await service.patch(id, tags: tags, by: request.grant))
        case .delete:
            return try await service.delete(id, by: request.grant) ? APIResponse(status: 200) : .noContent
        case .post:
            throw APIError.methodNotAllowed("POST", id.text)
        }
    }

    package func resources(in subscription: String, group: String?) async throws -> [ResourceSummary] {
        try await service.identities(in: ResourceID(subscription: subscription, group: group))
            .map { ResourceSummary(id: $0.id, location: $0.location, tags: $0.tags) }
    }

    package func delete(_ id: ResourceID, by grant: Grant) async throws {
        _ = try await service.delete(id, by: grant)
    }

    private func show(_ identity: UserAssignedIdentityRecord, status: Int = 200) throws -> APIResponse {
        try .json(UserAssignedIdentityResource(identity, tenantID: settings.tenantID), status: status)
    }
}

/// A user-assigned identity as Azure Resource Manager shows it.
private struct UserAssignedIdentityResource: Encodable, Sendable {
    struct Properties: Encodable, Sendable {
        let tenantId: String
        let principalId: String
        let clientId: String
    }

    let id: String
    let name: String
    let type = "Microsoft.ManagedIdentity/userAssignedIdentities"
    let location: String
    let tags: [String: String]
    let properties: Properties

    init(_ identity: UserAssignedIdentityRecord, tenantID: String) {
        id = identity.id.text
        name = identity.id.name
        location = identity.location
        tags = identity.tags
        properties = Properties(tenantId: tenantID, principalId: identity.objectID, clientId: identity.applicationID)
    }
}

private struct UserAssignedIdentityList: Encodable, Sendable {
    let value: [UserAssignedIdentityResource]
}
