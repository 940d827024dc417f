import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferIdentity

@Suite struct ServicePrincipalTests {
    /// The requests of `az ad sp create-for-rbac`, as its source has them, up to the password.
    private func createForRBAC(_ fixture: Fixture, _ name: String) async throws -> (applicationID: String, objectID: String, secret: String) {
        let application = try await fixture.graph(.post, "/v1.0/applications", body: #"{"displayName":"\#(name)","keyCredentials":[]}"#)
        #expect(application.status == 201)
        #expect(application.json["passwordCredentials"] == [])
        let id = try #require(application.json["id"]?.string)
        let applicationID = try #require(application.json["appId"]?.string)
        let password = try await fixture.graph(.post, "/v1.0/applications/\(id)/addPassword", body: #"""
            {"passwordCredential":{"displayName":"rbac","startDateTime":"2026-01-01T00:00:00Z","endDateTime":"2027-01-01T00:00:00.5Z"}}
            """#)
        #expect(password.status == 200)
        let secret = try #require(password.json["secretText"]?.string)
        let principal = try await fixture.graph(
            .post, "/v1.0/servicePrincipals", body: #"{"appId":"\#(applicationID)","accountEnabled":true}"#)
        #expect(principal.status == 201)
        return (applicationID, try #require(principal.json["id"]?.string), secret)
    }

    @Test func `what create-for-rbac prints signs in`() async throws {
        let fixture = try await Fixture()
        let made = try await createForRBAC(fixture, "ci")
        let answer = try await fixture.post(fixture.form(id: made.applicationID, secret: made.secret))
        #expect(answer.status == 200)
        let caller = try await fixture.caller(try #require(answer.json["access_token"]?.string))
        #expect(caller.objectID == made.objectID)
        #expect(try await fixture.post(fixture.form(id: made.applicationID, secret: made.secret + "x")).status == 401)
        let shown = try await fixture.graph(
            .get, "/v1.0/servicePrincipals", query: [("$filter", "servicePrincipalNames/any(c:c eq '\(made.applicationID)')")])
        #expect(shown.json["value"]?.array?.first?["id"] == .string(made.objectID))
        #expect(shown.json["value"]?.array?.first?["displayName"] == "ci")
    }

    @Test func `an application without a service principal cannot sign in`() async throws {
        let fixture = try await Fixture()
        let id = try await fixture.make("applications", ["displayName": "bare"])
        let password = try await fixture.graph(.post, "/v1.0/applications/\(id)/addPassword", body: "{}")
        let shown = try await fixture.graph(.get, "/v1.0/applications/\(id)")
        let applicationID = try #require(shown.json["appId"]?.string)
        let form = fixture.form(id: applicationID, secret: try #require(password.json["secretText"]?.string))
        #expect(try await fixture.post(form).json["error_codes"] == [700_016])
    }

    @Test func `a secret is told once and kept by its hash only`() async throws {
        let fixture = try await Fixture()
        let made = try await createForRBAC(fixture, "ci")
        let list = try await fixture.graph(.get, "/v1.0/applications", query: [("$filter", "startswith(displayName,'ci')")])
        let application = try #require(list.json["value"]?.array?.first)
        let credential = try #require(application["passwordCredentials"]?.array?.first)
        #expect(credential["displayName"] == "rbac" && credential["secretText"] == nil)
        #expect(credential["endDateTime"] == "2027-01-01T00:00:00.000Z")
        #expect(!String(decoding: list.body, as: UTF8.self).contains(made.secret))
        let documents = try await fixture.store.read { try $0.documents(in: ApplicationRecord.collection, prefix: "", after: nil, limit: 10) }
        #expect(documents.count == 1)
        #expect(documents.allSatisfy { !String(decoding: $0.body, as: UTF8.self).contains(made.secret) })
    }

    @Test func `a removed secret signs in no more`() async throws {
        let fixture = try await Fixture()
        let made = try await createForRBAC(fixture, "ci")
        let application = try #require(try await fixture.graph(.get, "/v1.0/applications").json["value"]?.array?.first)
        let id = try #require(application["id"]?.string)
        let keyID = try #require(application["passwordCredentials"]?.array?.first?["keyId"]?.string)
        #expect(try await fixture.graph(.post, "/v1.0/applications/\(id)/removePassword", body: #"{"keyId":"\#(keyID)"}"#).status == 204)
        #expect(try await fixture.post(fixture.form(id: made.applicationID, secret: made.secret)).json["error_codes"] == [7_000_215])
        await expect(400, "Request_BadRequest") {
            try await fixture.graph(.post, "/v1.0/applications/\(id)/removePassword", body: #"{"keyId":"\#(keyID)"}"#)
        }
    }

    @Test func `a service principal has secrets of its own too`() async throws {
        let fixture = try await Fixture()
        let made = try await createForRBAC(fixture, "ci")
        let path = "/v1.0/servicePrincipals/\(made.objectID)"
        let password = try await fixture.graph(.post, path + "/addPassword", body: #"{"passwordCredential":{"displayName":null}}"#)
        let secret = try #require(password.json["secretText"]?.string)
        for each in [secret, made.secret] {
            #expect(try await fixture.post(fixture.form(id: made.applicationID, secret: each)).status == 200)
        }
        let keyID = try #require(password.json["keyId"]?.string)
        #expect(try await fixture.graph(.post, path + "/removePassword", body: #"{"keyId":"\#(keyID)"}"#).status == 204)
        #expect(try await fixture.post(fixture.form(id: made.applicationID, secret: secret)).status == 401)
        for _ in 0..<SecretDraft.maximumCount { _ = try await fixture.graph(.post, path + "/addPassword", body: "{}") }
        await expect(400, "Request_BadRequest") { try await fixture.graph(.post, path + "/addPassword", body: "{}") }
    }

    @Test(arguments: [
        #"{"passwordCredential":{"endDateTime":"tomorrow"}}"#, #"{"passwordCredential":{"endDateTime":"2025-12-31T00:00:00Z"}}"#,
        #"{"passwordCredential":{"startDateTime":"2027-01-01T00:00:00Z","endDateTime":"2027-01-01T00:00:00Z"}}"#,
    ])
    func `a secret without a lifetime is not made`(body: String) async throws {
        let fixture = try await Fixture()
        let id = try await fixture.make("applications", ["displayName": "a"])
        await expect(400, "Request_BadRequest") { try await fixture.graph(.post, "/v1.0/applications/\(id)/addPassword", body: body) }
    }

    @Test func `secrets never begin as an option does`() {
        for _ in 0..<500 {
            #expect(ClientSecretRecord.makeSecret().text().hasPrefix("-") == false)
        }
    }

    @Test func `a deleted application takes its principal, roles and tokens along`() async throws {
        let fixture = try await Fixture()
        let made = try await createForRBAC(fixture, "ci")
        try await fixture.assign("Key Vault Reader", to: made.objectID, at: fixture.vault())
        let answer = try await fixture.post(fixture.form(id: made.applicationID, secret: made.secret))
        let token = try #require(answer.json["access_token"]?.string)
        _ = try await fixture.caller(token)
        let id = try #require(try await fixture.graph(.get, "/v1.0/applications").json["value"]?.array?.first?["id"]?.string)
        #expect(try await fixture.graph(.delete, "/v1.0/applications/\(id)").status == 204)
        await #expect(throws: TokenRefusal.unknownPrincipal) { try await fixture.caller(token) }
        #expect(try await fixture.store.read { try $0.roleAssignments(of: made.objectID) }.isEmpty)
        await expect(404, "Request_ResourceNotFound") { try await fixture.graph(.get, "/v1.0/servicePrincipals/\(made.objectID)") }
        await expect(404, "Request_ResourceNotFound") { try await fixture.graph(.delete, "/v1.0/applications/\(id)") }
    }

    @Test func `a disabled service principal is refused at once`() async throws {
        let fixture = try await Fixture()
        let made = try await createForRBAC(fixture, "ci")
        let form = fixture.form(id: made.applicationID, secret: made.secret)
        let token = try #require(try await fixture.post(form).json["access_token"]?.string)
        let path = "/v1.0/servicePrincipals/\(made.objectID)"
        #expect(try await fixture.graph(.patch, path, body: #"{"accountEnabled":false}"#).status == 204)
        await #expect(throws: TokenRefusal.unknownPrincipal) { try await fixture.caller(token) }
        #expect(try await fixture.post(form).json["error_codes"] == [7_000_112])
        #expect(try await fixture.graph(.patch, path, body: #"{"accountEnabled":true}"#).status == 204)
        _ = try await fixture.caller(token)
        let own = "/v1.0/servicePrincipals/\(fixture.administrator.objectID)"
        await expect(400, "Request_BadRequest") { try await fixture.graph(.patch, own, body: #"{"accountEnabled":false}"#) }
    }

    @Test func `only who may give any role may write the directory`() async throws {
        let fixture = try await Fixture()
        let made = try await createForRBAC(fixture, "ci")
        let answer = try await fixture.post(fixture.form(id: made.applicationID, secret: made.secret))
        let token = try #require(answer.json["access_token"]?.string)
        let owners = try await fixture.makeGroup("owners")
        try await fixture.assign("Owner", to: owners, at: fixture.subscription, type: "Group")
        try await fixture.assign("User Access Administrator", to: made.objectID, at: fixture.vault())
        for role in ["Contributor", "Reader", "Key Vault Data Access Administrator", "Role Based Access Control Administrator"] {
            try await fixture.assign(role, to: made.objectID, at: fixture.subscription)
        }
        let admin = fixture.administrator.objectID
        let member = #"{"@odata.id":"https://localhost:8443/v1.0/directoryObjects/\#(made.objectID)"}"#
        let attempts: [(APIRequest.Method, String, String)] = [
            (.post, "/v1.0/groups/\(owners)/members/$ref", member), (.post, "/v1.0/servicePrincipals/\(admin)/addPassword", "{}"),
            (.post, "/v1.0/users", "{}"), (.post, "/v1.0/groups", "{}"), (.post, "/v1.0/applications", #"{"displayName":"x"}"#),
            (.post, "/v1.0/servicePrincipals", #"{"appId":"x"}"#), (.delete, "/v1.0/groups/\(owners)", ""),
            (.delete, "/v1.0/servicePrincipals/\(admin)", ""), (.patch, "/v1.0/servicePrincipals/\(admin)", #"{"accountEnabled":false}"#),
            (.delete, "/v1.0/users/x", ""), (.patch, "/v1.0/users/x", "{}"), (.patch, "/v1.0/groups/\(owners)", "{}"),
            (.delete, "/v1.0/groups/\(owners)/members/x/$ref", ""), (.delete, "/v1.0/applications/x", ""),
            (.patch, "/v1.0/applications/x", "{}"), (.post, "/v1.0/applications/x/addPassword", "{}"),
            (.post, "/v1.0/applications/x/removePassword", "{}"), (.post, "/v1.0/servicePrincipals/x/removePassword", "{}"),
        ]
        for (method, path, body) in attempts {
            await #expect("\(method) \(path)") { try await fixture.graph(method, path, body: body, token: token) } throws: {
                ($0 as? APIError)?.code == "Authorization_RequestDenied"
            }
        }
        #expect(try await fixture.graph(.get, "/v1.0/groups/\(owners)", token: token).status == 200)
        try await fixture.assign("User Access Administrator", to: made.objectID, at: fixture.subscription)
        #expect(try await fixture.graph(.post, "/v1.0/groups/\(owners)/members/$ref", body: member, token: token).status == 204)
    }

    @Test func `what would make no sense is refused`() async throws {
        let fixture = try await Fixture()
        let made = try await createForRBAC(fixture, "ci")
        await expect(409, "Request_MultipleObjectsWithSameKeyValue") {
            try await fixture.graph(.post, "/v1.0/servicePrincipals", body: #"{"appId":"\#(made.applicationID)"}"#)
        }
        for body in [#"{"appId":""}"#, #"{"appId":"00000000-0000-0000-0000-000000000000"}"#, #"{"appId":"a/b"}"#] {
            await expect(400, "Request_BadRequest") { try await fixture.graph(.post, "/v1.0/servicePrincipals", body: body) }
        }
        for body in [#"{}"#, #"{"displayName":""}"#, #"{"displayName":"a\u0000"}"#, #"{"displayName":"x","keyCredentials":[{"key":"AA"}]}"#] {
            await expect(400, "Request_BadRequest") { try await fixture.graph(.post, "/v1.0/applications", body: body) }
        }
        await expect(400, "InvalidRequestContent") { try await fixture.graph(.post, "/v1.0/applications", body: #"{"displayName":5}"#) }
        let identity = try await fixture.identities.systemAssigned(for: fixture.vault("des"))
        for (method, path) in [(APIRequest.Method.delete, ""), (.post, "/addPassword")] {
            await expect(400, "Request_BadRequest") {
                try await fixture.graph(method, "/v1.0/servicePrincipals/\(identity.objectID)\(path)", body: "{}")
            }
        }
        await expect(400, "Request_BadRequest") {
            try await fixture.graph(.delete, "/v1.0/servicePrincipals/\(fixture.administrator.objectID)")
        }
        _ = try await fixture.caller(try await fixture.token())
    }

    @Test func `an identifier URI names one application and its principal`() async throws {
        let fixture = try await Fixture()
        let made = try await createForRBAC(fixture, "ci")
        let id = try #require(try await fixture.graph(.get, "/v1.0/applications").json["value"]?.array?.first?["id"]?.string)
        let body = #"{"identifierUris":["api://ci"],"displayName":"renamed"}"#
        #expect(try await fixture.graph(.patch, "/v1.0/applications/\(id)", body: body).status == 204)
        let found = try await fixture.graph(.get, "/v1.0/applications", query: [("$filter", "identifierUris/any(s:s eq 'api://ci')")])
        #expect(found.json["value"]?.array?.first?["displayName"] == "renamed")
        let principal = try await fixture.graph(
            .get, "/v1.0/servicePrincipals", query: [("$filter", "servicePrincipalNames/any(c:c eq 'API://ci')")])
        #expect(principal.json["value"]?.array?.first?["id"] == .string(made.objectID))
        #expect(principal.json["value"]?.array?.first?["displayName"] == "renamed")
        await expect(400, "Request_BadRequest") {
            try await fixture.graph(.post, "/v1.0/applications", body: #"{"displayName":"b","identifierUris":["api://CI"]}"#)
        }
        await expect(400, "Request_BadRequest") {
            try await fixture.graph(.post, "/v1.0/applications", body: #"{"displayName":"b","identifierUris":["no uri"]}"#)
        }
    }
}
