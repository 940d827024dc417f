import CofferModel
import CofferPlatform

/// `/applications` and their secrets. Decodes, calls ``ApplicationService``, encodes.
struct ApplicationsRoutes {
    let service: ApplicationService
    let passwords: PasswordRoutes
    let answer: GraphAnswer

    /// What is not named here (web, api, appRoles and their like) is about sign-in of people and is passed over.
    private struct Body: Decodable {
        let displayName: String?
        let identifierUris: [String]?
        let keyCredentials: [JSONValue]?

        func draft() throws(APIError) -> ApplicationService.Draft {
            guard keyCredentials?.isEmpty != false else { throw .keyCredentialsNotSupported() }
            return ApplicationService.Draft(displayName: displayName, identifierURIs: identifierUris)
        }
    }

    func handle(_ call: GraphCall) async throws -> APIResponse {
        if let done = try await passwords.handle(call) { return done }
        let request = call.request
        switch (request.method, call.words.count) {
        case (.get, 1): return try answer.page(await service.list(DirectoryPageRequest(request)), of: "applications", request)
        case (.post, 1):
            let grant = try await call.permit()
            let application = try await service.add(request.decode(Body.self).draft(), by: grant)
            return try answer.one(json(application), of: "applications", status: 201)
        case (.get, 2): return try answer.one(json(await service.get(call.path[1])), of: "applications")
        case (.patch, 2):
            let grant = try await call.permit()
            try await service.update(call.path[1], request.decode(Body.self).draft(), by: grant)
            return .noContent
        case (.delete, 2):
            try await service.remove(call.path[1], by: call.permit())
            return .noContent
        case (.get, 3) where call.words[2] == "owners" || call.words[2] == "federatedidentitycredentials":
            _ = try await service.get(call.path[1])
            return try answer.list([])
        default: throw call.notFound
        }
    }

    private func json(_ application: ApplicationRecord) -> JSONValue { application.graphJSON(tenantID: answer.settings.tenantID) }
}
