import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferIdentity

@Suite("User-assigned identities")
struct UserAssignedIdentityTests {
    let fixture: Fixture

    init() async throws {
        fixture = try await Fixture()
    }

    private func id(_ name: String, group: String = "rg1") -> ResourceID {
        ResourceID(
            subscription: fixture.settings.subscriptionID, group: group, namespace: "Microsoft.ManagedIdentity",
            type: "userAssignedIdentities", name: name)
    }

    private func call(
        _ method: APIRequest.Method, _ path: String, _ body: JSONValue? = nil, group: String? = "rg1"
    ) async throws -> (status: Int, body: JSONValue) {
        let parts = path.split(separator: "/").map(String.init)
        let grant = try await fixture.authorizer.grant(
            .management("Microsoft.ManagedIdentity/userAssignedIdentities/write"), to: fixture.administrator, on: fixture.subscription)
        let http = fixture.request(method, "/x", query: [], body: try body.map { try String(decoding: JSON.encode($0), as: UTF8.self) } ?? "")
        let provider = ManagedIdentityProvider(
            service: UserAssignedIdentitiesService(store: fixture.store, clock: fixture.clock, bell: fixture.bell), settings: fixture.settings)
        let answer = try await provider.handle(
            ARMRequest(http: http, path: parts, subscription: fixture.settings.subscriptionID, group: group, grant: grant))
        return (answer.status, answer.body.isEmpty ? .null : try JSON.decode(JSONValue.self, from: answer.body))
    }

    @Test("An identity is made once, shown, tagged, listed and deleted, with its service principal")
    func life() async throws {
        let (status, made) = try await call(.put, "userAssignedIdentities/id1", ["location": "UK South", "tags": ["a": "b"]])
        #expect(status == 201)
        #expect(made["id"]?.string == id("id1").text && made["location"] == "uksouth" && made["tags"] == ["a": "b"])
        let principal = try #require(made["properties"]?["principalId"]?.string)
        let record = try #require(try await fixture.principals.principal(principal))
        #expect(record.kind == .managedIdentity && record.applicationID == made["properties"]?["clientId"]?.string)
        let again = try await call(.put, "userAssignedIdentities/ID1", ["location": "uksouth"])
        #expect(again.status == 200 && again.body["properties"] == made["properties"] && again.body["tags"] == [:])
        let patched = try await call(.patch, "userAssignedIdentities/id1", ["tags": ["c": "d"]])
        #expect(patched.body["tags"] == ["c": "d"])
        #expect(try await call(.get, "userAssignedIdentities/id1").body == patched.body)
        #expect(try await call(.get, "userAssignedIdentities").body["value"]?.array?.count == 1)
        #expect(try await call(.get, "userAssignedIdentities", group: nil).body["value"]?.array?.count == 1)
        #expect(try await call(.get, "userAssignedIdentities", group: "rg2").body["value"] == [])
        #expect(try await fixture.identities.userAssigned(id("id1"))?.objectID == principal)
        #expect(try await call(.delete, "userAssignedIdentities/id1").status == 200)
        #expect(try await call(.delete, "userAssignedIdentities/id1").status == 204)
        #expect(try await fixture.principals.principal(principal) == nil)
        #expect(try await fixture.identities.userAssigned(id("id1")) == nil)
    }

    @Test("Deleting an identity takes its roles away and tells those who follow keys, of all vaults")
    func deletion() async throws {
        let made = try await call(.put, "userAssignedIdentities/id1", ["location": "uksouth"]).body
        let principal = try #require(made["properties"]?["principalId"]?.string)
        try await fixture.assign("Key Vault Crypto Service Encryption User", to: principal, at: fixture.vault())
        _ = try await call(.delete, "userAssignedIdentities/id1")
        #expect(try await fixture.store.read { try $0.roleAssignments(of: principal) }.isEmpty)
        #expect(try await fixture.keyChanges().last?.scope.text == "/")
        let again = try await call(.put, "userAssignedIdentities/id1", ["location": "uksouth"]).body
        #expect(again["properties"]?["principalId"]?.string != principal)
    }

    @Test("What does not fit is refused", arguments: [
        ("id1", "{}", "400 LocationNotAvailableForResourceType"), ("ab", #"{"location":"uksouth"}"#, "400 InvalidResourceName"),
        ("-id", #"{"location":"uksouth"}"#, "400 InvalidResourceName"), ("a.b.c", #"{"location":"uksouth"}"#, "400 InvalidResourceName"),
        ("there", #"{"location":"ukwest"}"#, "409 InvalidResourceLocation"),
        ("there/federatedIdentityCredentials/x", #"{"properties":{}}"#, "404 InvalidResourceType"),
    ])
    func refusals(name: String, body: String, error: String) async throws {
        _ = try await call(.put, "userAssignedIdentities/there", ["location": "uksouth"])
        do {
            _ = try await call(.put, "userAssignedIdentities/\(name)", try JSON.decode(JSONValue.self, from: Array(body.utf8)))
            Issue.record("\(name) was taken")
        } catch let refusal as APIError {
            #expect("\(refusal.status) \(refusal.code)" == error)
        }
    }
}
