import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferVault

/// POST with the header `X-HTTP-METHOD`, for clients whose way lets only GET and POST through.
@Suite struct MethodOverrideTests {
    let fixture = VaultFixture()

    @Test func aPostStandsForTheMethodThatItsHeaderNames() async throws {
        try await fixture.makeVault()
        let set = try await fixture.vault(.post, "secrets/secret1", ["value": "x"], headers: ["x-http-method": "PUT"])
        #expect(set.status == 200)
        #expect(fixture.audit.events.last?.operation == "SecretSet")
        #expect(try await fixture.vault(.post, "secrets/secret1", headers: ["x-http-method": "get"]).json["value"] == "x")
        #expect(try await fixture.vault(.post, "secrets/secret1", ["contentType": "t"], headers: ["x-http-request": "PATCH"]).status == 200)
        #expect(try await fixture.vault(.post, "secrets/secret1", headers: ["x-http-method": "DELETE"]).status == 200)
        #expect(try await fixture.vault(.get, "secrets/secret1").status == 404)
    }

    @Test func permissionIsThatOfTheMethodMeant() async throws {
        try await fixture.makeVault()
        fixture.roles.allow("reader", "Microsoft.KeyVault/vaults/secrets/getSecret/action", below: "/")
        #expect(try await fixture.vault(.post, "secrets/s", ["value": "x"], as: "reader", headers: ["x-http-method": "PUT"]).status == 403)
    }

    @Test func otherMethodsKeepTheirMeaning() async throws {
        try await fixture.makeVault()
        try await fixture.setSecret()
        #expect(try await fixture.vault(.get, "secrets/secret1", headers: ["x-http-method": "DELETE"]).json["value"] == "value")
    }

    @Test(arguments: ["", "FLY", "PUT, GET", "TRACE"])
    func aMethodThatThereIsNotIsRefused(method: String) async throws {
        try await fixture.makeVault()
        let answer = try await fixture.vault(.post, "secrets/secret1", ["value": "x"], headers: ["x-http-method": method])
        #expect(answer.status == 400)
        #expect(answer.code == "BadParameter")
        #expect(fixture.audit.events.last?.status == 400)
        #expect(try await fixture.vault(.post, "secrets/secret1", as: nil, headers: ["x-http-method": method]).status == 401)
    }
}
