import CofferModel
import CofferPlatform
import Testing

@testable import CofferIdentity

extension Fixture {
    /// What the administrator may do with the directory.
    func directoryGrant() async throws -> Grant {
        try await authorizer.grant(
            .management("Microsoft.Authorization/directoryObjects/write"), to: administrator, on: subscription
        )
    }

    /// Sends a request to the directory.
    ///
    /// - Parameter token: The administrator's if not given; nil for a request without one.
    func graph(
        _ method: APIRequest.Method, _ path: String, query: [(name: String, value: String)] = [], body: String = "",
        token: String?? = .none
    ) async throws -> APIResponse {
        let routes = GraphRoutes(
            services: directory, authenticator: authenticator, authorizer: authorizer, settings: settings, clock: clock
        )
        #expect(routes.handles(path.split(separator: "/").map(String.init)))
        let bearer = if let token { token } else { try await self.token() }
        return try await routes.handle(request(method, path, query: query, body: body, token: bearer))
    }

    /// Makes an object of the directory and returns its id.
    func make(_ collection: String, _ body: JSONValue) async throws -> String {
        let text = String(decoding: try JSON.encode(body), as: UTF8.self)
        let made = try await graph(.post, "/v1.0/\(collection)", body: text)
        #expect(made.status == 201)
        return try #require(made.json["id"]?.string)
    }

    func makeGroup(_ name: String) async throws -> String {
        try await make("groups", ["displayName": .string(name), "mailNickname": "g", "mailEnabled": false, "securityEnabled": true])
    }

    func makeUser(_ name: String) async throws -> String {
        try await make("users", [
            "userPrincipalName": .string("\(name)@coffer.localhost"), "displayName": .string(name), "mailNickname": .string(name),
            "accountEnabled": true, "passwordProfile": ["password": "correct horse 1", "forceChangePasswordNextSignIn": false],
        ])
    }

    func addMember(_ member: String, to group: String) async throws {
        let body = #"{"@odata.id":"https://localhost:8443/v1.0/directoryObjects/\#(member)"}"#
        #expect(try await graph(.post, "/v1.0/groups/\(group)/members/$ref", body: body).status == 204)
    }

    func removeMember(_ member: String, from group: String) async throws {
        #expect(try await graph(.delete, "/v1.0/groups/\(group)/members/\(member)/$ref").status == 204)
    }

    func allows(_ objectID: String, _ action: String, on scope: ResourceID? = nil) async throws -> Bool {
        let caller = Caller(objectID: objectID, applicationID: "", tenantID: settings.tenantID, address: "")
        return try await authorizer.allows(caller, .data("Microsoft.KeyVault/vaults/" + action), on: scope ?? vault())
    }
}
