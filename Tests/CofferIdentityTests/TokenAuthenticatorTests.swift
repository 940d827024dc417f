import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferIdentity

@Suite struct TokenAuthenticatorTests {
    @Test func `a token that was issued names its caller`() async throws {
        let fixture = try await Fixture()
        let caller = try await fixture.caller(fixture.token())
        #expect(caller.objectID == fixture.administrator.objectID)
        #expect(caller.applicationID == fixture.administrator.applicationID)
        #expect(caller.tenantID == fixture.settings.tenantID)
        #expect(caller.address == "127.0.0.1")
    }

    @Test func `no token is told apart from a bad one`() async throws {
        let fixture = try await Fixture()
        await #expect(throws: TokenRefusal.missing) {
            try await fixture.authenticator.caller(of: fixture.request(.get, "/subscriptions"), audiences: [Fixture.management])
        }
        for text in ["x", "a.b.c", "..", "e30.e30.e30", String(repeating: "A", count: 20_000)] {
            await #expect(throws: TokenRefusal.malformed) { try await fixture.caller(text) }
        }
    }

    @Test func `a token without one of its claims is malformed`() async throws {
        let fixture = try await Fixture()
        for claim in ["aud", "iss", "exp", "nbf", "oid", "appid", "tid"] {
            var forge = try Forge(try await fixture.token())
            forge.claims[claim] = nil
            let token = try await forge.signed(by: fixture.keys)
            await #expect(throws: TokenRefusal.malformed, "without \(claim)") { try await fixture.caller(token) }
        }
    }

    @Test func `a token ends on its second`() async throws {
        let fixture = try await Fixture()
        let token = try await fixture.token()
        fixture.clock.advance(by: .seconds(3599))
        _ = try await fixture.caller(token)
        fixture.clock.advance(by: .seconds(1))
        await #expect(throws: TokenRefusal.expired) { try await fixture.caller(token) }
    }

    @Test func `a token may be five minutes ahead and no more`() async throws {
        let fixture = try await Fixture()
        for (ahead, isAllowed) in [(300, true), (301, false)] {
            var forge = try Forge(try await fixture.token())
            forge.claims["nbf"] = .int(fixture.clock.now().seconds + Int64(ahead))
            let token = try await forge.signed(by: fixture.keys)
            if isAllowed {
                _ = try await fixture.caller(token)
            } else {
                await #expect(throws: TokenRefusal.notYetValid) { try await fixture.caller(token) }
            }
        }
    }

    @Test(arguments: [
        ("https://localhost:8443/", true), ("https://localhost:8443", true), ("https://management.azure.com", true),
        ("https://management.azure.com/", true), ("https://management.core.windows.net/", true),
        ("https://vault.localhost:8443", false), ("https://localhost", false), ("https://localhost:84430", false),
    ])
    func `the resource manager accepts its audiences with and without a slash`(audience: String, isAllowed: Bool) async throws {
        let fixture = try await Fixture()
        let token = try await fixture.token(for: audience)
        if isAllowed {
            _ = try await fixture.caller(token)
        } else {
            await #expect(throws: TokenRefusal.wrongAudience(audience)) { try await fixture.caller(token) }
        }
    }

    @Test func `a token that is known is still checked for its audience`() async throws {
        let fixture = try await Fixture()
        let token = try await fixture.token()
        _ = try await fixture.caller(token)
        await #expect(throws: TokenRefusal.wrongAudience(Fixture.management)) {
            try await fixture.caller(token, audiences: [Fixture.vault])
        }
    }

    @Test func `a token of another issuer says which one is expected`() async throws {
        let fixture = try await Fixture()
        var forge = try Forge(try await fixture.token())
        forge.claims["iss"] = "https://sts.windows.net/other/"
        let refusal = TokenRefusal.wrongIssuer(expected: fixture.settings.issuer, found: "https://sts.windows.net/other/")
        let ours = try await forge.signed(by: fixture.keys)
        await #expect(throws: refusal) { try await fixture.caller(ours) }
        forge.header = ["alg": "RS256", "kid": "theirs"]
        let theirs = try forge.signed { _ in [1, 2, 3] }
        await #expect(throws: refusal) { try await fixture.caller(theirs) }
    }

    @Test func `the algorithm none is refused`() async throws {
        let fixture = try await Fixture()
        for algorithm in ["none", "None", "RS512", "rs256", ""] {
            var forge = try Forge(try await fixture.token())
            forge.header = ["alg": .string(algorithm), "kid": try #require(forge.header["kid"])]
            let token = try forge.signed { _ in [0] }
            await #expect(throws: TokenRefusal.badSignature) { try await fixture.caller(token) }
        }
    }

    @Test func `a MAC keyed with the public key is refused`() async throws {
        let fixture = try await Fixture()
        var forge = try Forge(try await fixture.token())
        let set = try await fixture.keys.webKeySet()
        let modulus = try #require(set["keys"]?.array?.first?["n"]?.string)
        forge.header = ["alg": "HS256", "kid": try #require(forge.header["kid"])]
        for text in [modulus, String(decoding: try JSON.encode(try #require(set["keys"]?.array?.first)), as: UTF8.self)] {
            var key = Array(text.utf8)
            let secret = SecretBytes(wiping: &key)
            let token = try forge.signed { HMAC.authenticate($0, key: secret, using: .sha256) }
            await #expect(throws: TokenRefusal.badSignature) { try await fixture.caller(token) }
        }
    }

    @Test func `a key that is not ours is refused, also under the name of ours`() async throws {
        let fixture = try await Fixture()
        let stranger = try RSAKey.generate(bits: 2048)
        var forge = try Forge(try await fixture.token())
        for name in ["unknown", try #require(forge.header["kid"]?.string)] {
            forge.header = ["alg": "RS256", "kid": .string(name)]
            let token = try forge.signed { try stranger.sign(digest: DigestAlgorithm.sha256.hash($0), using: .rs256) }
            await #expect(throws: TokenRefusal.badSignature) { try await fixture.caller(token) }
        }
    }

    @Test func `a changed claim breaks the signature`() async throws {
        let fixture = try await Fixture()
        let token = try await fixture.token()
        let signature = try JWTParser.parse(Array(token.utf8)).signature
        var forge = try Forge(token)
        forge.claims["oid"] = "00000000-0000-0000-0000-000000000000"
        let changed = try forge.signed { _ in signature }
        await #expect(throws: TokenRefusal.badSignature) { try await fixture.caller(changed) }
    }

    @Test func `a removed principal's token is refused at once, though it was known`() async throws {
        let fixture = try await Fixture()
        let application = try await fixture.addApplication(named: "app")
        let token = try await fixture.tokens.token(for: application.principal, audience: Fixture.management).text
        _ = try await fixture.caller(token)
        try await fixture.principals.remove(application.principal.objectID, by: fixture.directoryGrant())
        await #expect(throws: TokenRefusal.unknownPrincipal) { try await fixture.caller(token) }
    }

    @Test func `a disabled principal's token is refused until it is enabled`() async throws {
        let fixture = try await Fixture()
        let application = try await fixture.addApplication(named: "app")
        var principal = application.principal
        let token = try await fixture.tokens.token(for: principal, audience: Fixture.management).text
        _ = try await fixture.caller(token)
        principal.isEnabled = false
        try await fixture.store(principal)
        await #expect(throws: TokenRefusal.unknownPrincipal) { try await fixture.caller(token) }
        principal.isEnabled = true
        try await fixture.store(principal)
        _ = try await fixture.caller(token)
    }

    @Test func `the cache stays within its bounds`() async throws {
        let fixture = try await Fixture()
        for _ in 0..<30 { _ = try await fixture.caller(fixture.token()) }
        #expect((1...8).contains(fixture.authenticator.cache.count))
    }

    @Test func `a scheme other than bearer counts as no token`() async throws {
        let fixture = try await Fixture()
        let request = APIRequest(
            method: .get, host: "localhost:8443", path: [], query: [], headers: ["authorization": "Basic YTpi"], body: [],
            address: "", requestID: "", received: fixture.clock.now()
        )
        await #expect(throws: TokenRefusal.missing) {
            try await fixture.authenticator.caller(of: request, audiences: [Fixture.management])
        }
    }
}
