import CofferModel
import CofferPlatform
import Testing

@testable import CofferIdentity

@Suite struct GraphRoutesTests {
    private func send(
        _ fixture: Fixture, _ method: APIRequest.Method, _ path: String, filter: String? = nil, body: String = "",
        token: String?? = .none
    ) async throws -> APIResponse {
        try await fixture.graph(method, path, query: filter.map { [(name: "$filter", value: $0)] } ?? [], body: body, token: token)
    }

    @Test func `az finds a principal by any of its names`() async throws {
        let fixture = try await Fixture()
        let identity = try await fixture.identities.systemAssigned(for: fixture.vault("des1"))
        for filter in [
            "servicePrincipalNames/any(c:c eq '\(identity.applicationID)')", "appId eq '\(identity.applicationID)'",
            "displayName eq 'des1'", "startswith(displayName,'DES')", "id eq '\(identity.objectID)'",
            "servicePrincipalType eq 'ManagedIdentity' and displayName eq 'des1'",
        ] {
            let found = try await send(fixture, .get, "/v1.0/servicePrincipals", filter: filter).json["value"]?.array
            #expect(found?.count == 1, "\(filter)")
            let principal = try #require(found?.first)
            #expect(principal["id"] == .string(identity.objectID))
            #expect(principal["appId"] == .string(identity.applicationID))
            #expect(principal["displayName"] == "des1")
            #expect(principal["servicePrincipalType"] == "ManagedIdentity")
            #expect(principal["@odata.type"] == "#microsoft.graph.servicePrincipal")
            #expect(principal["alternativeNames"] == ["isExplicit=False", .string(fixture.vault("des1").text)])
        }
        #expect(try await send(fixture, .get, "/v1.0/servicePrincipals", filter: "displayName eq 'x'' or'").json["value"] == [])
        #expect(try await send(fixture, .get, "/v1.0/servicePrincipals").json["value"]?.array?.count == 2)
        await expect(400, "Request_UnsupportedQuery") {
            try await send(fixture, .get, "/v1.0/servicePrincipals", filter: "tags/any(t:t eq 'x')")
        }
    }

    @Test func `a principal is shown by its object id`() async throws {
        let fixture = try await Fixture()
        let shown = try await send(fixture, .get, "/v1.0/servicePrincipals/\(fixture.administrator.objectID)").json
        #expect(shown["appId"] == .string(fixture.administrator.applicationID))
        #expect(shown["servicePrincipalType"] == "Application")
        #expect(shown["appOwnerOrganizationId"] == .string(fixture.settings.tenantID))
        #expect(shown.object?.keys.contains { $0.lowercased().contains("secret") } == false)
        await expect(404, "Request_ResourceNotFound") { try await send(fixture, .get, "/v1.0/servicePrincipals/nobody") }
    }

    @Test func `names of many principals are told at once`() async throws {
        let fixture = try await Fixture()
        let id = fixture.administrator.objectID
        let body = #"{"ids":["\#(id)","00000000-0000-0000-0000-000000000000"],"types":["user","group","servicePrincipal","directoryObjectPartnerReference"]}"#
        let found = try await send(fixture, .post, "/v1.0/directoryObjects/getByIds", body: body).json["value"]?.array
        #expect(found?.map { $0["id"] } == [.string(id)])
        let users = #"{"ids":["\#(id)"],"types":["user"]}"#
        #expect(try await send(fixture, .post, "/v1.0/directoryObjects/getByIds", body: users).json["value"] == [])
        await expect(400, "InvalidRequestContent") { try await send(fixture, .post, "/v1.0/directoryObjects/getByIds", body: "[]") }
    }

    @Test func `there is nobody signed in as a person`() async throws {
        let fixture = try await Fixture()
        await #expect { try await send(fixture, .get, "/v1.0/me") } throws: {
            ($0 as? APIError)?.message == "/me request is only valid with delegated authentication flow."
        }
        #expect(try await send(fixture, .get, "/v1.0/users", filter: "userPrincipalName eq 'a@b'").json["value"] == [])
        await expect(404, "Request_ResourceNotFound") { try await send(fixture, .get, "/v1.0/devices") }
    }

    @Test func `the directory wants a token`() async throws {
        let fixture = try await Fixture()
        await expect(401, "InvalidAuthenticationToken") {
            try await send(fixture, .get, "/v1.0/servicePrincipals", token: .some(nil))
        }
        let vaults = try await fixture.token(for: Fixture.vault)
        await expect(401, "InvalidAuthenticationToken") {
            try await send(fixture, .get, "/v1.0/servicePrincipals", token: vaults)
        }
        let graphs = try await fixture.token(for: "https://graph.microsoft.com/")
        #expect(try await send(fixture, .get, "/v1.0/servicePrincipals", token: graphs).status == 200)
    }
}
