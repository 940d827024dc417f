import CofferModel
import CofferPlatform
import Testing

@testable import CofferVault

/// The life of a key on the wire, each exchange going on from the one before.
@Suite struct KeyExchangeTests {
    static let text = """
        # Every client begins without a token.
        > POST /keys/key1/create?api-version=7.6-preview.2 as -
        < 401 {"error":{"code":"Unauthorized","message":"AKV10000: Request is missing a Bearer or PoP token."}}
        # The same again with a token and a body.
        > POST /keys/key1/create?api-version=7.6-preview.2 {"kty":"RSA","key_size":2048,"attributes":{"enabled":true}}
        < 200 {"key":{"kid":"…","kty":"RSA","key_ops":["encrypt","decrypt","sign","verify","wrapKey","unwrapKey"],"n":"…","e":"AQAB"},"attributes":{"enabled":true,"created":1767225600,"updated":1767225600,"recoveryLevel":"Recoverable+Purgeable","recoverableDays":90}}
        # The current version, with the trailing slash that clients send.
        > GET /keys/key1/?api-version=7.6-preview.2
        < 200 {"key":{"kid":"…","kty":"RSA","n":"…","e":"AQAB"},"attributes":{"enabled":true}}
        # Lists have no material and no versions.
        > GET /keys?api-version=7.4&maxresults=25
        < 200 {"value":[{"kid":"https://kv1.vault.localhost:8443/keys/key1","attributes":{"enabled":true}}],"nextLink":null}
        # Versions have.
        > GET /keys/key1/versions?api-version=7.4
        < 200 {"value":[{"kid":"…","attributes":{"enabled":true}}],"nextLink":null}
        # Encryption on the server.
        > POST /keys/key1//encrypt?api-version=7.4 {"alg":"RSA-OAEP-256","value":"AQID"}
        < 200 {"kid":"…","value":"…"}
        # A signature over something that is no digest.
        > POST /keys/key1//sign?api-version=7.4 {"alg":"RS256","value":"AQID"}
        < 400 {"error":{"code":"BadParameter","message":"The digest has 3 bytes. RS256 takes a digest of 32 bytes."}}
        # A signature that does not hold is an answer, not an error.
        > POST /keys/key1//verify?api-version=7.4 {"alg":"RS256","digest":"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE","value":"AQID"}
        < 200 {"value":false}
        # Disabled by its owner.
        > PATCH /keys/key1/?api-version=7.6-preview.2 {"attributes":{"enabled":false}}
        < 200 {"attributes":{"enabled":false}}
        # Then it encrypts no more.
        > POST /keys/key1//wrapkey?api-version=7.4 {"alg":"RSA-OAEP-256","value":"AQID"}
        < 403 {"error":{"code":"Forbidden","message":"…","innererror":{"code":"KeyDisabled"}}}
        # A rotation brings an enabled version.
        > POST /keys/key1/rotate?api-version=7.6-preview.2
        < 200 {"attributes":{"enabled":true}}
        # Of keys that are not there.
        > GET /keys/none/?api-version=7.4
        < 404 {"error":{"code":"KeyNotFound","message":"A key with (name/id) none was not found in this key vault. If you recently deleted this key you may be able to recover it using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182"}}
        # Of keys that are none of the caller's business.
        > GET /keys/key1/?api-version=7.4 as nobody
        < 403 {"error":{"code":"Forbidden","message":"…","innererror":{"code":"ForbiddenByRbac"}}}
        # Without an api-version.
        > GET /keys/key1/
        < 400 {"error":{"code":"BadParameter","message":"The api-version query parameter is missing. Use 7.0 or later, such as 7.4 or 2025-07-01."}}
        # A curve that there is not.
        > POST /keys/key2/create?api-version=7.4 {"kty":"EC","crv":"P-192"}
        < 400 {"error":{"code":"BadParameter","message":"'P-192' is not a curve. Use one of: P-256, P-384, P-521, P-256K."}}
        """

    @Test func theLifeOfAKey() async throws {
        let fixture = VaultFixture()
        try await fixture.makeVault()
        let exchanges = try Exchange.all(in: Self.text)
        #expect(exchanges.count == 15)
        for exchange in exchanges {
            let answer = try await fixture.vault(
                exchange.method, exchange.path, exchange.body, as: exchange.token, apiVersion: nil, query: exchange.query)
            #expect(answer.status == exchange.status, "\(exchange)")
            if let wanted = exchange.answer { #expect(answer.json.holds(wanted), "\(exchange)") }
        }
    }
}
