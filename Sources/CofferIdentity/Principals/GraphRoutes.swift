import CofferModel
package import CofferPlatform

/// The part of Microsoft Graph that clients need to give roles to principals. Everyone who can sign in may read it.
package struct GraphRoutes: APIHandler {
    private let service: PrincipalService
    private let authenticator: any Authenticator
    private let settings: IdentitySettings

    package init(service: PrincipalService, authenticator: any Authenticator, settings: IdentitySettings) {
        self.service = service
        self.authenticator = authenticator
        self.settings = settings
    }

    /// Whether this is one of the directory's paths: all below `/v1.0/`.
    package func handles(_ path: [String]) -> Bool {
        path.first?.lowercased() == "v1.0"
    }

    package func handle(_ request: APIRequest) async throws -> APIResponse {
        try await authenticate(request)
        let path = request.path.dropFirst().filter { !$0.isEmpty }
        let words = path.map { $0.lowercased() }
        switch (request.method, words.first, words.count) {
        case (_, "me", _): throw APIError.delegatedFlowRequired()
        case (.get, "serviceprincipals", 1): return try await list(request)
        case (.get, "serviceprincipals", 2): return try await one(path[1])
        case (.post, "directoryobjects", 2) where words[1] == "getbyids": return try await byIDs(request)
        // There are no people and no groups; a client that looks for one finds none.
        case (.get, "users", 1), (.get, "groups", 1): return try .json(Self.list([]))
        default: throw APIError.graphPathNotFound("/" + path.joined(separator: "/"))
        }
    }

    private func authenticate(_ request: APIRequest) async throws {
        let audiences = IdentitySettings.managementAudiences(authority: settings.authority) + ["https://graph.microsoft.com"]
        do {
            _ = try await authenticator.caller(of: request, audiences: audiences)
        } catch let refusal as TokenRefusal {
            switch refusal {
            case .missing: throw APIError.invalidAuthenticationToken("Access token is empty.")
            case .expired: throw APIError.invalidAuthenticationToken("Lifetime validation failed, the token is expired.")
            case .wrongAudience: throw APIError.invalidAuthenticationToken("Access token validation failure. Invalid audience.")
            case .malformed, .badSignature, .notYetValid, .wrongIssuer, .unknownPrincipal:
                throw APIError.invalidAuthenticationToken("Access token validation failure.")
            }
        }
    }

    private func list(_ request: APIRequest) async throws -> APIResponse {
        let filter = try GraphFilter(request.parameter("$filter"))
        let found = try await service.principals().filter { filter.takes($0) }
        return try .json(Self.list(found.map { $0.graphJSON(tenantID: settings.tenantID) }))
    }

    /// By object id.
    private func one(_ id: String) async throws -> APIResponse {
        guard let principal = try await service.principal(id) else { throw APIError.directoryObjectNotFound(id) }
        return try .json(principal.graphJSON(tenantID: settings.tenantID))
    }

    private func byIDs(_ request: APIRequest) async throws -> APIResponse {
        let body = try request.decode(DirectoryObjectsBody.self)
        guard body.ids.count <= 1000 else {
            throw APIError(
                status: 400, code: "Request_BadRequest", message: "Too many ids: \(body.ids.count), at most 1000.", target: "ids"
            )
        }
        var found: [JSONValue] = []
        let kinds: Set = ["serviceprincipal", "directoryobject"]
        if body.types?.contains(where: { kinds.contains($0.lowercased()) }) != false {
            for id in body.ids {
                if let principal = try await service.principal(id) {
                    found.append(principal.graphJSON(tenantID: settings.tenantID))
                }
            }
        }
        return try .json(Self.list(found))
    }

    private static func list(_ values: [JSONValue]) -> JSONValue { ["value": .array(values)] }
}

private struct DirectoryObjectsBody: Decodable {
    let ids: [String]
    let types: [String]?
}
