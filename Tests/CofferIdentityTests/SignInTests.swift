import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferIdentity

/// People sign in by password, and stay signed in as long as their account and password are what they were.
@Suite struct SignInTests {
    static let password = "correct horse 1"

    private func refresh(_ fixture: Fixture, _ token: String, scope: String = "https://vault.localhost:8443/.default", client: String? = nil)
        async throws -> APIResponse
    {
        try await fixture.post(
            "grant_type=refresh_token&client_id=\(client ?? Fixture.az)&refresh_token=\(token)&scope=\(Fixture.escaped(scope))")
    }

    private func claims(_ token: JSONValue?) throws -> [String: JSONValue] {
        try JWTParser.parse(Array(try #require(token?.string).utf8)).claims
    }

    @Test func `who signs in is known by oid and name, here and to the client`() async throws {
        let fixture = try await Fixture()
        let id = try await fixture.makeUser("ann")
        let answer = try await fixture.signIn("ANN", Self.password)
        #expect(answer.status == 200, "\(answer.json)")
        #expect(answer.headers["cache-control"]?.contains("no-store") == true)
        let access = try claims(answer.json["access_token"])
        #expect(access["oid"] == .string(id) && access["upn"] == "ann@coffer.localhost" && access["idtyp"] == "user")
        #expect(access["appid"] == .string(Fixture.az) && access["scp"] == "user_impersonation" && access["amr"] == ["pwd"])
        let identity = try claims(answer.json["id_token"])
        #expect(identity["aud"] == .string(Fixture.az) && identity["preferred_username"] == "ann@coffer.localhost")
        let info = try #require(answer.json["client_info"]?.string.flatMap { Base64URL.decode($0) })
        #expect(try JSON.decode(JSONValue.self, from: info) == ["uid": .string(id), "utid": .string(fixture.settings.tenantID)])
        let caller = try await fixture.caller(try #require(answer.json["access_token"]?.string))
        #expect(caller.objectID == id && caller.userPrincipalName == "ann@coffer.localhost")
        // A token of an application has no person's claims.
        let application = try claims(.string(try await fixture.token()))
        #expect(application["idtyp"] == "app" && application["upn"] == nil && application["scp"] == nil)
    }

    @Test func `a role and a group give what they say to who signed in`() async throws {
        let fixture = try await Fixture()
        let id = try await fixture.makeUser("ann")
        let caller = try await fixture.caller(try #require(try await fixture.signIn("ann", Self.password).json["access_token"]?.string))
        let read = Action.data("Microsoft.KeyVault/vaults/secrets/getSecret/action")
        #expect(try await !fixture.authorizer.allows(caller, read, on: fixture.vault()))
        let group = try await fixture.makeGroup("readers")
        try await fixture.assign("Key Vault Secrets User", to: group, at: fixture.vault(), type: "Group")
        try await fixture.addMember(id, to: group)
        #expect(try await fixture.authorizer.allows(caller, read, on: fixture.vault()))
    }

    @Test func `the same is said of a wrong name and a wrong password`() async throws {
        let fixture = try await Fixture()
        _ = try await fixture.makeUser("ann")
        let wrong = try await fixture.signIn("ann", "incorrect horse")
        let unknown = try await fixture.signIn("bob", Self.password)
        for answer in [wrong, unknown] {
            #expect(answer.status == 400 && answer.json["error"] == "invalid_grant")
            #expect(answer.json["error_codes"] == [50126])
        }
        #expect(try await fixture.signIn("ann", "").json["error_codes"] == [900_144])
        #expect(try await fixture.signIn("ann", Self.password, client: "11111111-0000-0000-0000-000000000000").json["error_codes"] == [700_016])
        #expect(try await fixture.signIn("ann", Self.password, scope: "https://elsewhere/.default").json["error_codes"] == [500_011])
    }

    @Test func `ten failures lock the account for a minute and more for longer`() async throws {
        let fixture = try await Fixture()
        let id = try await fixture.makeUser("ann")
        for _ in 0..<10 { #expect(try await fixture.signIn("ann", "wrong one").json["error_codes"] == [50126]) }
        #expect(try await fixture.signIn("ann", Self.password).json["error_codes"] == [50053])
        fixture.clock.advance(by: .seconds(61))
        #expect(try await fixture.signIn("ann", "wrong one").json["error_codes"] == [50126])
        fixture.clock.advance(by: .seconds(61))
        #expect(try await fixture.signIn("ann", Self.password).json["error_codes"] == [50053])
        fixture.clock.advance(by: .seconds(61))
        #expect(try await fixture.signIn("ann", Self.password).status == 200)
        // It went well, so counting begins anew; and a new password forgives too.
        for _ in 0..<10 { #expect(try await fixture.signIn("ann", "wrong one").json["error_codes"] == [50126]) }
        let change = #"{"passwordProfile":{"password":"another one 2","forceChangePasswordNextSignIn":false}}"#
        #expect(try await fixture.graph(.patch, "/v1.0/users/\(id)", body: change).status == 204)
        #expect(try await fixture.signIn("ann", "another one 2").status == 200)
        #expect(try await fixture.signIn("ann", Self.password).json["error_codes"] == [50126])
    }

    @Test func `guesses at the same moment count too`() async throws {
        let fixture = try await Fixture()
        _ = try await fixture.makeUser("ann")
        let codes = try await withThrowingTaskGroup(of: JSONValue?.self) { group in
            for number in 0..<14 { group.addTask { try await fixture.signIn("ann", "guess \(number) of many").json["error_codes"] } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(codes.filter { $0 == [50126] }.count == 10)
        #expect(codes.filter { $0 == [50053] }.count == 4)
    }

    @Test func `an account that is disabled or must change its password says so to who knows it`() async throws {
        let fixture = try await Fixture()
        let id = try await fixture.makeUser("ann")
        let token = try #require(try await fixture.signIn("ann", Self.password).json["access_token"]?.string)
        #expect(try await fixture.graph(.patch, "/v1.0/users/\(id)", body: #"{"accountEnabled":false}"#).status == 204)
        #expect(try await fixture.signIn("ann", Self.password).json["error_codes"] == [50057])
        #expect(try await fixture.signIn("ann", "wrong one").json["error_codes"] == [50126])
        await #expect(throws: TokenRefusal.unknownPrincipal) { _ = try await fixture.caller(token) }
        let change = #"{"accountEnabled":true,"passwordProfile":{"password":"another one 2","forceChangePasswordNextSignIn":true}}"#
        #expect(try await fixture.graph(.patch, "/v1.0/users/\(id)", body: change).status == 204)
        #expect(try await fixture.signIn("ann", "another one 2").json["error_codes"] == [50055])
    }

    @Test func `a refresh token gives tokens for other resources until it is revoked`() async throws {
        let fixture = try await Fixture()
        let id = try await fixture.makeUser("ann")
        let first = try #require(try await fixture.signIn("ann", Self.password).json["refresh_token"]?.string)
        let second = try await refresh(fixture, first)
        #expect(second.status == 200, "\(second.json)")
        #expect(try claims(second.json["access_token"])["aud"] == "https://vault.localhost:8443")
        let delegated = try await refresh(fixture, first, scope: "https://vault.azure.net/user_impersonation openid profile offline_access")
        #expect(try claims(delegated.json["access_token"])["aud"] == "https://vault.azure.net")
        // It is nobody's access token, and no access token is one.
        await #expect(throws: TokenRefusal.self) { _ = try await fixture.caller(first) }
        let access = try #require(second.json["access_token"]?.string)
        #expect(try await refresh(fixture, access).json["error_codes"] == [70000])
        #expect(try await refresh(fixture, "x.y.z").json["error_codes"] == [70000])
        #expect(try await refresh(fixture, first, client: "1950a258-227b-4e31-a9cf-717495945fc2").json["error_codes"] == [70000])
        let forged = try Forge(first).signed { _ in [UInt8](repeating: 1, count: 256) }
        #expect(try await refresh(fixture, forged).json["error_codes"] == [70000])
        // Another password ends it, and so does time.
        let change = #"{"passwordProfile":{"password":"another one 2","forceChangePasswordNextSignIn":false}}"#
        #expect(try await fixture.graph(.patch, "/v1.0/users/\(id)", body: change).status == 204)
        #expect(try await refresh(fixture, first).json["error_codes"] == [50173])
        let third = try #require(try await fixture.signIn("ann", "another one 2").json["refresh_token"]?.string)
        fixture.clock.advance(by: SignInService.refreshLifetime)
        #expect(try await refresh(fixture, third).json["error_codes"] == [700_082])
    }

    @Test func `a registered application may sign people in, and proves itself if it says who it is`() async throws {
        let fixture = try await Fixture()
        _ = try await fixture.makeUser("ann")
        let application = try await fixture.addApplication(named: "app")
        let client = application.principal.applicationID
        #expect(try await fixture.signIn("ann", Self.password, client: client).status == 200)
        #expect(try await fixture.signIn("ann", Self.password, client: client, secret: application.secret).status == 200)
        #expect(try await fixture.signIn("ann", Self.password, client: client, secret: "wrong").json["error_codes"] == [7_000_215])
    }

    @Test func `me is who signed in, and no application`() async throws {
        let fixture = try await Fixture()
        let id = try await fixture.makeUser("ann")
        let token = try #require(try await fixture.signIn("ann", Self.password).json["access_token"]?.string)
        #expect(try await fixture.graph(.get, "/v1.0/me", token: token).json["id"] == .string(id))
        #expect(try await fixture.graph(.get, "/v1.0/me/memberOf", token: token).json["value"] == [])
        await expect(403, "Authorization_RequestDenied") {
            try await fixture.graph(.patch, "/v1.0/me", body: #"{"displayName":"X"}"#, token: token)
        }
        await expect(400, "BadRequest") { try await fixture.graph(.get, "/v1.0/me") }
    }

    @Test func `who knows the password changes it, and nobody else`() async throws {
        let fixture = try await Fixture()
        let id = try await fixture.makeUser("ann")
        let token = try #require(try await fixture.signIn("ann", Self.password).json["access_token"]?.string)
        func change(_ current: String, _ new: String, path: String = "/v1.0/me/changePassword") async throws -> APIResponse {
            try await fixture.graph(.post, path, body: #"{"currentPassword":"\#(current)","newPassword":"\#(new)"}"#, token: token)
        }
        await expect(400, "Request_BadRequest") { try await change("wrong one 1", "another one 2") }
        await expect(400, "Request_BadRequest") { try await change(Self.password, "short") }
        #expect(try await fixture.signIn("ann", Self.password).status == 200)
        #expect(try await change(Self.password, "another one 2").status == 204)
        #expect(try await fixture.signIn("ann", Self.password).json["error_codes"] == [50126])
        #expect(try await fixture.signIn("ann", "another one 2").status == 200)
        // Not by way of the list of users, where an administrator changes it.
        await expect(404, "Request_ResourceNotFound") { try await change("another one 2", "a third one 3", path: "/v1.0/users/\(id)/changePassword") }
        for _ in 0..<10 { await expect(400, "Request_BadRequest") { try await change("wrong one 1", "another one 2") } }
        #expect(try await fixture.signIn("ann", "another one 2").json["error_codes"] == [50053])
    }

    @Test func `every domain is managed here`() async throws {
        let fixture = try await Fixture()
        let answer = try await fixture.routes.handle(fixture.request(.get, "/common/userrealm/ann@coffer.localhost", query: [("api-version", "1.0")]))
        #expect(answer.json["account_type"] == "Managed" && answer.json["domain_name"] == "coffer.localhost")
    }
}

extension Fixture {
    /// The application that `az` signs in as.
    static let az = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"

    static func escaped(_ text: String) -> String {
        text.replacing(":", with: "%3A").replacing("/", with: "%2F").replacing(" ", with: "+").replacing("@", with: "%40")
    }

    /// What MSAL posts for a name and a password.
    func signIn(
        _ name: String, _ password: String, client: String = az, secret: String? = nil,
        scope: String = "https://localhost:8443//.default offline_access openid profile"
    ) async throws -> APIResponse {
        try await post(
            "grant_type=password&client_info=1&client_id=\(client)&username=\(Self.escaped("\(name)@coffer.localhost"))"
                + "&password=\(Self.escaped(password))&scope=\(Self.escaped(scope))" + (secret.map { "&client_secret=\($0)" } ?? ""))
    }
}
