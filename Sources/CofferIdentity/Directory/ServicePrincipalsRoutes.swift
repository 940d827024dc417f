import CofferModel
import CofferPlatform

/// `/servicePrincipals` and their own secrets. Decodes, calls ``PrincipalService``, encodes.
struct ServicePrincipalsRoutes {
    let service: PrincipalService
    let passwords: PasswordRoutes
    let objects: DirectoryObjectsRoutes
    let answer: GraphAnswer

    private struct NewBody: Decodable {
        let appId: String
        let accountEnabled: Bool?
    }

    private struct Body: Decodable {
        let accountEnabled: Bool?
        let keyCredentials: [JSONValue]?
    }

    func handle(_ call: GraphCall) async throws -> APIResponse {
        if let done = try await passwords.handle(call) { return done }
        let request = call.request
        switch (request.method, call.words.count) {
        case (.get, 1): return try answer.page(await service.list(DirectoryPageRequest(request)), of: "servicePrincipals", request)
        case (.post, 1):
            let grant = try await call.permit()
            let body = try request.decode(NewBody.self)
            let principal = try await service.add(application: body.appId, isEnabled: body.accountEnabled ?? true, by: grant)
            return try answer.one(json(principal), of: "servicePrincipals", status: 201)
        case (.get, 2):
            guard let principal = try await service.principal(call.path[1]) else { throw APIError.directoryObjectNotFound(call.path[1]) }
            return try answer.one(json(principal), of: "servicePrincipals")
        case (.patch, 2):
            let grant = try await call.permit()
            let body = try request.decode(Body.self)
            guard body.keyCredentials?.isEmpty != false else { throw APIError.keyCredentialsNotSupported() }
            if let isEnabled = body.accountEnabled { try await service.setEnabled(isEnabled, call.path[1], by: grant) }
            return .noContent
        case (.delete, 2):
            try await service.remove(call.path[1], by: call.permit())
            return .noContent
        default: return try await objects.question(call)
        }
    }

    private func json(_ principal: PrincipalRecord) -> JSONValue { principal.graphJSON(tenantID: answer.settings.tenantID) }
}
