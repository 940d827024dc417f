package import CofferModel
package import CofferPlatform

/// The namespace Microsoft.Authorization: role definitions, role assignments and permissions at any scope.
/// Decodes, calls ``RoleAssignmentService`` and ``RoleDefinitionService``, encodes.
package struct AuthorizationProvider: ResourceProvider {
    package let namespace = "Microsoft.Authorization"
    package let types = [
        ResourceTypeDescription("roleAssignments", since: "2015-07-01"),
        ResourceTypeDescription("roleDefinitions", since: "2015-07-01"),
        ResourceTypeDescription("permissions", since: "2015-07-01"),
        ResourceTypeDescription("denyAssignments", since: "2018-07-01-preview"),
        // Kept and answered by the resource manager itself.
        ResourceTypeDescription("locks", since: "2015-01-01"),
    ]

    private let service: RoleAssignmentService
    private let roles: RoleDefinitionService

    package init(service: RoleAssignmentService, roles: RoleDefinitionService) {
        self.service = service
        self.roles = roles
    }

    package func handle(_ request: ARMRequest) async throws -> APIResponse {
        let path = try AuthorizationPath(request.http.path)
        try check(request.grant, covers: path.scope)
        switch path.type {
        case "roleassignments": return try await assignments(request, path)
        case "roledefinitions": return try await definitions(request, path)
        case "permissions": return try await permissions(request, path)
        case "denyassignments": return try denials(request, path)
        default:
            throw APIError(
                status: 404, code: "InvalidResourceType",
                message: "The resource type '\(path.type)' could not be found in the namespace 'Microsoft.Authorization'."
            )
        }
    }

    /// Role assignments are extensions of resources and not in lists of them.
    package func resources(in subscription: String, group: String?) async throws -> [ResourceSummary] { [] }

    /// Never asked, for nothing is listed.
    package func delete(_ id: ResourceID, by grant: Grant) async throws {
        throw APIError.resourceNotFound(id)
    }

    private func assignments(_ request: ARMRequest, _ path: AuthorizationPath) async throws -> APIResponse {
        guard let name = path.name else {
            try require(request, .get)
            let filter = try RoleAssignmentFilter(request.http.parameter("$filter"))
            let records = try await service.list(at: path.scope, filter)
            return try .json(list(records.map { $0.json(at: path.scope) }))
        }
        switch request.http.method {
        case .get, .head:
            return try .json(try await service.get(name, at: path.scope).json(at: path.scope))
        case .put:
            let body = try request.http.decode(RoleAssignmentBody.self).properties
            guard body.condition?.isEmpty != false else { throw APIError.conditionNotSupported() }
            let draft = RoleAssignmentService.Draft(
                name: name, scope: path.scope, roleDefinitionID: body.roleDefinitionId, principalID: body.principalId,
                principalType: body.principalType, description: body.description
            )
            let result = try await service.put(draft, by: request.grant)
            return try .json(result.record.json(at: path.scope), status: result.isNew ? 201 : 200)
        case .delete:
            guard let removed = try await service.delete(name, at: path.scope, by: request.grant) else { return .noContent }
            return try .json(removed.json(at: path.scope))
        case .post, .patch:
            throw APIError.methodNotAllowed(request.http.method.rawValue, "role assignments")
        }
    }

    private func definitions(_ request: ARMRequest, _ path: AuthorizationPath) async throws -> APIResponse {
        guard let id = path.name else {
            try require(request, .get)
            let filter = try RoleDefinitionFilter(request.http.parameter("$filter"))
            return try .json(list(try await roles.list(at: path.scope, filter).map { $0.json(at: path.scope) }))
        }
        switch request.http.method {
        case .get, .head:
            return try .json(try await roles.get(id).json(at: path.scope))
        case .put:
            // 201 whether it is new or not, as Azure answers.
            let result = try await roles.put(id, request.http.decode(RoleDefinitionBody.self), by: request.grant)
            return try .json(result.role.json(at: path.scope), status: 201)
        case .delete:
            guard let removed = try await roles.delete(id, by: request.grant) else { return .noContent }
            return try .json(removed.json(at: path.scope))
        case .post, .patch:
            throw APIError.methodNotAllowed(request.http.method.rawValue, "role definitions")
        }
    }

    private func permissions(_ request: ARMRequest, _ path: AuthorizationPath) async throws -> APIResponse {
        try require(request, .get)
        guard path.name == nil else { throw APIError.methodNotAllowed("GET", "a single permission") }
        let roles = try await service.roles(of: request.grant.caller, at: path.scope)
        return try .json(list(roles.map(\.permission)))
    }

    /// There are none, and clients cannot make any.
    private func denials(_ request: ARMRequest, _ path: AuthorizationPath) throws -> APIResponse {
        try require(request, .get)
        if let name = path.name {
            throw APIError(
                status: 404, code: "DenyAssignmentNotFound", message: "The deny assignment '\(name)' is not found."
            )
        }
        return try .json(list([]))
    }

    private func require(_ request: ARMRequest, _ method: APIRequest.Method) throws(APIError) {
        guard request.http.method == method else {
            throw .methodNotAllowed(request.http.method.rawValue, request.path.joined(separator: "/"))
        }
    }

    /// The grant was given for what Azure Resource Manager read in the path; it must be what is read here.
    private func check(_ grant: Grant, covers scope: ResourceID) throws(APIError) {
        guard grant.covers(scope) else { throw .authorizationFailed(grant.caller.objectID, grant.action.name, scope) }
    }

    private func list(_ values: [JSONValue]) -> JSONValue { ["value": .array(values)] }
}

/// The body of a PUT. `az` and older clients send more; it is passed over.
private struct RoleAssignmentBody: Decodable {
    struct Properties: Decodable {
        let roleDefinitionId: String
        let principalId: String
        let principalType: String?
        let description: String?
        let condition: String?
    }

    let properties: Properties
}
