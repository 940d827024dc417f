import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferVault

@Suite struct ChallengeTests {
    let fixture = VaultFixture()

    @Test func theFirstRequestGetsAChallengeBeforeItsBodyOrVersionIsLookedAt() async throws {
        try await fixture.makeVault()
        for version in ["7.6-preview.2", nil] {
            let answer = try await fixture.vault(.post, "keys/key1/create", as: nil, apiVersion: version)
            #expect(answer.status == 401)
            #expect(answer.json == ["error": ["code": "Unauthorized", "message": "AKV10000: Request is missing a Bearer or PoP token."]])
            #expect(
                answer.headers["www-authenticate"]
                    == "Bearer authorization=\"https://localhost:8443/\(VaultFixture.tenant)\", resource=\"https://vault.localhost:8443\"")
            #expect(answer.headers["x-ms-keyvault-region"] == "uksouth")
        }
    }

    @Test(arguments: [
        ("malformed", "AKV10001"), ("forged", "AKV10046"), ("expired", "AKV10001"), ("early", "AKV10001"),
        ("arm", "AKV10022"), ("stranger", "AKV10032"), ("gone", "AKV10001"), ("foreign", "AKV10032"),
    ])
    func eachBadTokenHasItsOwnSentenceAndTheChallenge(token: String, number: String) async throws {
        try await fixture.makeVault()
        let answer = try await fixture.vault(.get, "keys", as: token)
        #expect(answer.status == 401)
        #expect(answer.code == "Unauthorized")
        #expect(answer.message.hasPrefix("\(number): "))
        #expect(answer.headers["www-authenticate"] != nil)
        let event = try #require(fixture.audit.events.last)
        #expect(event.operation == "Authentication")
        #expect(event.status == 401)
        #expect(event.callerObjectID == nil)
        #expect(event.resource.name == "kv1")
    }

    @Test func theSentencesDiffer() async throws {
        try await fixture.makeVault()
        var sentences: Set<String> = []
        let tokens = ["malformed", "forged", "expired", "early", "arm", "stranger", "gone", "foreign"]
        for token in tokens { sentences.insert(try await fixture.vault(.get, "keys", as: token).message) }
        #expect(sentences.count == tokens.count)
    }

    @Test func tokensForTheSuffixWithAndWithoutPortAreTaken() {
        let settings = VaultSettings(suffix: "Vault.Localhost:8443", authority: "a", tenantID: "t", region: "r")
        #expect(settings.audiences.contains("https://vault.localhost:8443"))
        #expect(settings.audiences.contains("https://vault.localhost"))
    }

    @Test(arguments: ["none", "a.b", "", "kv1.kv1"])
    func hostsWithoutAVaultAnswerNotFound(vault: String) async throws {
        try await fixture.makeVault()
        let answer = try await fixture.vault(.get, "keys", vault: vault)
        #expect(answer.status == 404)
        #expect(answer.code == "VaultNotFound")
    }

    @Test func vaultsAreFoundInAnyCase() async throws {
        try await fixture.makeVault("Kv1")
        #expect(try await fixture.vault(.get, "keys", vault: "KV1").status == 200)
    }

    @Test(arguments: [
        "7.0", "7.1", "7.4", "7.5", "7.6", "7.6-preview.1", "7.6-preview.2", "8.0", "7.10", "2025-06-01-preview", "2025-07-01",
        "2026-07-01-preview", "2031-12-31",
    ])
    func versionsFromTheFloorUpAreTaken(version: String) async throws {
        try await fixture.makeVault()
        #expect(try await fixture.vault(.get, "keys", apiVersion: version).status == 200)
    }

    @Test(arguments: [
        nil, "", "6.9", "7", "7.", ".4", "7.x", "7.4-beta", "7.4-preview.", "2016-10-01", "2025-05-31", "2025-13-01", "2025-7-1",
        "2025-07-01-", "2025-07-01-preview-2", "٧.٤", "7.4 ", String(repeating: "7", count: 5000),
    ] as [String?])
    func otherVersionsAreRefused(version: String?) async throws {
        try await fixture.makeVault()
        let answer = try await fixture.vault(.get, "keys", apiVersion: version)
        #expect(answer.status == 400)
        #expect(answer.code == "BadParameter")
        #expect(answer.message.count < 300)
    }
}
