import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferIdentity

@Suite struct TokenRoutesTests {
    @Test func `az gets a token with the bootstrap secret`() async throws {
        let fixture = try await Fixture()
        let answer = try await fixture.post(fixture.form())
        #expect(answer.status == 200)
        #expect(answer.headers["cache-control"]?.contains("no-store") == true)
        #expect(answer.json["token_type"] == "Bearer")
        #expect(answer.json["expires_in"] == .int(3599))
        #expect(answer.json["ext_expires_in"] == .int(3599))
        let text = try #require(answer.json["access_token"]?.string)
        let token = try JWTParser.parse(Array(text.utf8))
        #expect(token.algorithm == "RS256")
        #expect(token.string("aud") == "https://localhost:8443/")
        #expect(token.string("iss") == "https://sts.windows.net/\(fixture.settings.tenantID)/")
        #expect(token.string("tid") == fixture.settings.tenantID)
        #expect(token.string("appid") == fixture.administrator.applicationID)
        #expect(token.string("oid") == fixture.administrator.objectID)
        #expect(token.string("sub") == fixture.administrator.objectID)
        #expect(token.string("idtyp") == "app")
        #expect(token.string("ver") == "1.0")
        #expect(token.string("uti")?.isEmpty == false)
        let now = fixture.clock.now().seconds
        #expect(token.date("iat") == now && token.date("nbf") == now && token.date("exp") == now + 3600)
        #expect(try await fixture.caller(text) == Caller(
            objectID: fixture.administrator.objectID, applicationID: fixture.administrator.applicationID,
            tenantID: fixture.settings.tenantID, address: "127.0.0.1"
        ))
    }

    @Test(arguments: [
        ("https://localhost:8443//.default", "https://localhost:8443/"),
        ("https://localhost:8443/.default", "https://localhost:8443"),
        ("https://vault.localhost:8443/.default", "https://vault.localhost:8443"),
        ("https://vault.azure.net/.default", "https://vault.azure.net"),
        ("https://management.azure.com/.default", "https://management.azure.com"),
        ("https://management.core.windows.net//.default", "https://management.core.windows.net/"),
        ("openid profile offline_access https://localhost:8443//.default", "https://localhost:8443/"),
        ("HTTPS://LOCALHOST:8443//.default", "HTTPS://LOCALHOST:8443/"),
    ])
    func `the audience is the scope without its suffix`(scope: String, audience: String) async throws {
        let fixture = try await Fixture()
        let answer = try await fixture.post(fixture.form(scope: scope))
        let token = try JWTParser.parse(Array(try #require(answer.json["access_token"]?.string).utf8))
        #expect(token.string("aud") == audience)
    }

    @Test(arguments: ["https://localhost:8443/", "/.default", "openid", "a/.default b/.default", "https://localhost:8443/user_impersonation"])
    func `other scopes are refused`(scope: String) async throws {
        let fixture = try await Fixture()
        let answer = try await fixture.post(fixture.form(scope: scope))
        #expect(answer.status == 400)
        #expect(answer.json["error"] == "invalid_scope")
        #expect(answer.json["error_codes"] == [1_002_012])
    }

    @Test func `a resource that is not here is refused`() async throws {
        let fixture = try await Fixture()
        let answer = try await fixture.post(fixture.form(scope: "https://elsewhere.example/.default"))
        #expect(answer.status == 400)
        #expect(answer.json["error"] == "invalid_resource")
        #expect(answer.json["error_codes"] == [500_011])
    }

    @Test func `a wrong secret is refused as Entra does it`() async throws {
        let fixture = try await Fixture()
        let answer = try await fixture.post(fixture.form(secret: "wrong"))
        #expect(answer.status == 401)
        #expect(answer.json["error"] == "invalid_client")
        #expect(answer.json["error_codes"] == [7_000_215])
        #expect(answer.json["error_description"]?.string?.hasPrefix("AADSTS7000215: Invalid client secret provided.") == true)
        #expect(answer.json["trace_id"] == "11111111-2222-4333-8444-555555555555")
        #expect(answer.json["correlation_id"] != nil)
        #expect(answer.json["timestamp"] == "2026-01-01 00:00:00Z")
        #expect(!String(decoding: answer.body, as: UTF8.self).contains("wrong"))
    }

    @Test func `an unknown application, an expired and a disabled one each say so`() async throws {
        let fixture = try await Fixture()
        let unknown = try await fixture.post(fixture.form(id: "5f7cf10d-ef34-44e3-a1e7-99c52a1fc3d1"))
        #expect(unknown.status == 400)
        #expect(unknown.json["error"] == "unauthorized_client")
        #expect(unknown.json["error_codes"] == [700_016])

        let application = try await fixture.addApplication(named: "app", lifetime: .seconds(100))
        var principal = application.principal
        let form = fixture.form(id: principal.applicationID.uppercased(), secret: application.secret)
        #expect(try await fixture.post(form).status == 200)
        fixture.clock.advance(by: .seconds(100))
        let expired = try await fixture.post(form)
        #expect(expired.status == 401)
        #expect(expired.json["error_codes"] == [7_000_222])

        fixture.clock.set(to: principal.created)
        principal.isEnabled = false
        try await fixture.store(principal)
        #expect(try await fixture.post(form).json["error_codes"] == [7_000_112])
    }

    @Test func `a managed identity has no secret to sign in with`() async throws {
        let fixture = try await Fixture()
        let identity = try await fixture.identities.systemAssigned(for: fixture.vault())
        let answer = try await fixture.post(fixture.form(id: identity.applicationID))
        #expect(answer.json["error_codes"] == [700_016])
    }

    @Test(arguments: ["grant_type", "client_id", "client_secret", "scope"])
    func `a missing parameter is named`(name: String) async throws {
        let fixture = try await Fixture()
        let form = fixture.form().split(separator: "&").filter { !$0.hasPrefix(name + "=") }.joined(separator: "&")
        let answer = try await fixture.post(form)
        #expect(answer.status == 400)
        #expect(answer.json["error_codes"] == [900_144])
        #expect(answer.json["error_description"]?.string?.contains("'\(name)'") == true)
    }

    @Test func `other grants and assertions are refused`() async throws {
        let fixture = try await Fixture()
        let grant = try await fixture.post(fixture.form().replacing("client_credentials", with: "authorization_code"))
        #expect(grant.json["error"] == "unsupported_grant_type")
        #expect(grant.json["error_codes"] == [70003])
        let assertion = try await fixture.post(fixture.form().replacing("client_secret=", with: "client_assertion="))
        #expect(assertion.json["error"] == "invalid_client")
        #expect(assertion.json["error_codes"] == [70002])
        let device = try await fixture.post("client_id=x&scope=y", path: "oauth2/v2.0/devicecode")
        #expect(device.json["error"] == "unsupported_grant_type")
    }

    @Test func `a form that says a thing twice or is no form is refused`() async throws {
        let fixture = try await Fixture()
        for form in [fixture.form() + "&scope=x", "%zz=1", "a=%4", String(repeating: "a", count: 70_000)] {
            let answer = try await fixture.post(form)
            #expect(answer.status == 400)
            #expect(answer.json["error_codes"] == [90100])
        }
    }

    @Test func `another tenant is not found anywhere`() async throws {
        let fixture = try await Fixture()
        let tenant = "00000000-0000-0000-0000-00000000dead"
        for request in [
            fixture.request(.get, "/\(tenant)/v2.0/.well-known/openid-configuration"),
            fixture.request(.get, "/\(tenant)/discovery/v2.0/keys"),
            fixture.request(.post, "/\(tenant)/oauth2/v2.0/token", body: fixture.form()),
        ] {
            let answer = try await fixture.routes.handle(request)
            #expect(answer.status == 400)
            #expect(answer.json["error_codes"] == [90002])
            #expect(answer.json["error_description"]?.string?.hasPrefix("AADSTS90002: Tenant '\(tenant)' not found.") == true)
        }
    }

    @Test(arguments: ["", "common", "organizations"])
    func `discovery has what MSAL reads`(name: String) async throws {
        let fixture = try await Fixture()
        let tenant = fixture.settings.tenantID
        let path = "/\(name.isEmpty ? tenant.uppercased() : name)/v2.0/.well-known/openid-configuration"
        let document = try await fixture.routes.handle(fixture.request(.get, path)).json
        let base = "https://localhost:8443/\(tenant)"
        #expect(document["issuer"] == .string("\(base)/v2.0"))
        #expect(document["authorization_endpoint"] == .string("\(base)/oauth2/v2.0/authorize"))
        #expect(document["token_endpoint"] == .string("\(base)/oauth2/v2.0/token"))
        #expect(document["device_authorization_endpoint"] == .string("\(base)/oauth2/v2.0/devicecode"))
        #expect(document["jwks_uri"] == .string("\(base)/discovery/v2.0/keys"))
    }

    @Test func `version 1 discovery names the issuer of the tokens`() async throws {
        let fixture = try await Fixture()
        let path = "/\(fixture.settings.tenantID)/.well-known/openid-configuration"
        let document = try await fixture.routes.handle(fixture.request(.get, path)).json
        #expect(document["issuer"] == .string(fixture.settings.issuer))
        #expect(document["token_endpoint"]?.string?.hasSuffix("/oauth2/token") == true)
    }

    @Test func `version 1 of the endpoint takes a resource`() async throws {
        let fixture = try await Fixture()
        let form = fixture.form().replacing("&scope=", with: "&other=") + "&resource=https%3A%2F%2Flocalhost%3A8443%2F"
        let answer = try await fixture.post(form, path: "oauth2/token")
        #expect(answer.json["expires_in"] == "3599")
        let token = try JWTParser.parse(Array(try #require(answer.json["access_token"]?.string).utf8))
        #expect(token.string("aud") == Fixture.management)
    }

    @Test func `the key set verifies a token`() async throws {
        let fixture = try await Fixture()
        let set = try await fixture.routes.handle(fixture.request(.get, "/\(fixture.settings.tenantID)/discovery/v2.0/keys")).json
        let key = try #require(set["keys"]?.array?.first)
        #expect(key["kty"] == "RSA" && key["use"] == "sig" && key["alg"] == "RS256" && key["e"] == "AQAB")
        let token = try JWTParser.parse(Array(try await fixture.token().utf8))
        #expect(key["kid"] == .string(token.keyID))
        #expect(key.object?["d"] == nil)
    }

    @Test func `instance discovery points at the tenant`() async throws {
        let fixture = try await Fixture()
        let answer = try await fixture.routes.handle(fixture.request(.get, "/common/discovery/instance"))
        #expect(answer.json["tenant_discovery_endpoint"]?.string?.hasSuffix("/v2.0/.well-known/openid-configuration") == true)
        #expect(answer.json["metadata"]?.array?.first?["aliases"] == ["localhost:8443"])
    }

    @Test func `the routes know their paths and no others`() async throws {
        let fixture = try await Fixture()
        let tenant = fixture.settings.tenantID
        #expect(fixture.routes.handles([tenant, "oauth2", "v2.0", "token"]))
        #expect(fixture.routes.handles(["common", "discovery", "instance"]))
        #expect(!fixture.routes.handles(["subscriptions"]))
        #expect(!fixture.routes.handles(["subscriptions", fixture.settings.subscriptionID, "resourceGroups"]))
        #expect(!fixture.routes.handles([]))
        await #expect { try await fixture.routes.handle(fixture.request(.get, "/\(tenant)/oauth2/v2.0/token")) } throws: {
            ($0 as? APIError)?.status == 405
        }
    }
}
