import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferIdentity

@Suite struct UserTests {
    @Test func `a user is made, found, changed and removed`() async throws {
        let fixture = try await Fixture()
        let id = try await fixture.makeUser("ann")
        for path in [id, "ann@coffer.localhost", "ANN@coffer.localhost"] {
            #expect(try await fixture.graph(.get, "/v1.0/users/\(path)").json["id"] == .string(id))
        }
        #expect(try await fixture.graph(.get, "/v1.0/users('ann@coffer.localhost')").json["id"] == .string(id))
        for filter in ["userPrincipalName eq 'ann@coffer.localhost'", "startswith(displayName,'AN')", "accountEnabled eq true and id eq '\(id)'"] {
            let found = try await fixture.graph(.get, "/v1.0/users", query: [("$filter", filter)]).json["value"]?.array
            #expect(found?.map { $0["id"] } == [.string(id)], "\(filter)")
        }
        let change = #"{"displayName":"Ann B","accountEnabled":false,"passwordProfile":{"password":"another one 2"}}"#
        #expect(try await fixture.graph(.patch, "/v1.0/users/\(id)", body: change).status == 204)
        let shown = try await fixture.graph(.get, "/v1.0/users/\(id)").json
        #expect(shown["displayName"] == "Ann B" && shown["accountEnabled"] == false)
        #expect(shown["@odata.context"] == "https://localhost:8443/v1.0/$metadata#users/$entity")
        #expect(shown["@odata.type"] == "#microsoft.graph.user")
        try await fixture.assign("Key Vault Reader", to: id, at: fixture.vault(), type: "User")
        #expect(try await fixture.graph(.delete, "/v1.0/users/ann@coffer.localhost").status == 204)
        await expect(404, "Request_ResourceNotFound") { try await fixture.graph(.get, "/v1.0/users/\(id)") }
        #expect(try await fixture.store.read { try $0.roleAssignments(of: id) }.isEmpty)
        #expect(try await fixture.makeUser("ann") != id)
    }

    @Test func `of a password a hash is kept, and nothing when the user is gone`() async throws {
        let fixture = try await Fixture()
        let id = try await fixture.makeUser("ann")
        for collection in [UserRecord.collection, PasswordRecord.collection] {
            let document = try #require(try await fixture.store.read { try $0.document(id, in: collection) })
            #expect(!String(decoding: document.body, as: UTF8.self).contains("correct horse"))
        }
        #expect(try await fixture.signIn("ann", "wrong one 1").status == 400)
        #expect(try await fixture.graph(.delete, "/v1.0/users/\(id)").status == 204)
        for collection in [PasswordRecord.collection, SignInAttempts.collection] {
            #expect(try await fixture.store.read { try $0.document(id, in: collection) } == nil)
        }
    }

    @Test(arguments: [
        #"{"displayName":"a","mailNickname":"a","passwordProfile":{"password":"12345678"}}"#,
        #"{"userPrincipalName":"a","displayName":"a","mailNickname":"a","passwordProfile":{"password":"12345678"}}"#,
        #"{"userPrincipalName":"a@b@c","displayName":"a","mailNickname":"a","passwordProfile":{"password":"12345678"}}"#,
        #"{"userPrincipalName":"a b@c","displayName":"a","mailNickname":"a","passwordProfile":{"password":"12345678"}}"#,
        #"{"userPrincipalName":"@c","displayName":"a","mailNickname":"a","passwordProfile":{"password":"12345678"}}"#,
        #"{"userPrincipalName":"a@c","mailNickname":"a","passwordProfile":{"password":"12345678"}}"#,
        #"{"userPrincipalName":"a@c","displayName":"a","passwordProfile":{"password":"12345678"}}"#,
        #"{"userPrincipalName":"a@c","displayName":"a","mailNickname":"a b","passwordProfile":{"password":"12345678"}}"#,
        #"{"userPrincipalName":"a@c","displayName":"a","mailNickname":"a"}"#,
        #"{"userPrincipalName":"a@c","displayName":"a","mailNickname":"a","passwordProfile":{"password":"short"}}"#,
        #"{"userPrincipalName":"ann@coffer.localhost","displayName":"a","mailNickname":"a","passwordProfile":{"password":"12345678"}}"#,
        #"{"userPrincipalName":"ANN@coffer.localhost","displayName":"a","mailNickname":"a","passwordProfile":{"password":"12345678"}}"#,
    ])
    func `a user that cannot be is refused`(body: String) async throws {
        let fixture = try await Fixture()
        _ = try await fixture.makeUser("ann")
        await expect(400, "Request_BadRequest") { try await fixture.graph(.post, "/v1.0/users", body: body) }
    }

    @Test func `a long list comes in pages that join to the whole`() async throws {
        let fixture = try await Fixture()
        var made: Set<String> = []
        for number in 0..<7 { made.insert(try await fixture.makeUser("user\(number)")) }
        _ = try await fixture.makeUser("other")
        var query: [(name: String, value: String)] = [("$top", "3"), ("$filter", "startswith(displayName,'user')")]
        var seen: [String] = []
        var pages = 0
        while true {
            let page = try await fixture.graph(.get, "/v1.0/users", query: query).json
            pages += 1
            seen += page["value"]?.array?.compactMap { $0["id"]?.string } ?? []
            guard let link = page["@odata.nextLink"]?.string else { break }
            #expect(link.hasPrefix("https://localhost:8443/v1.0/users?"))
            query = try #require(RequestTarget.query(of: String(link.split(separator: "?", maxSplits: 1)[1])))
        }
        #expect(pages == 3 && seen.count == 7 && Set(seen) == made)
        for top in ["0", "1000", "x", "-1"] {
            await expect(400, "Request_BadRequest") { try await fixture.graph(.get, "/v1.0/users", query: [("$top", top)]) }
        }
    }
}
