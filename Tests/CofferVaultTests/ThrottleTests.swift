import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferVault

@Suite struct ThrottleTests {
    private let start = Timestamp(seconds: 1000)

    /// How many requests of one kind a vault answers in one window.
    private func capacity(_ operation: String, _ key: AuditKey?) -> Int {
        var machine = ThrottleMachine()
        var count = 0
        while answer(&machine, operation, key, at: start) == nil { count += 1 }
        return count
    }

    /// One request as ``Throttle`` counts it. Returns when to come again if it was refused.
    private func answer(
        _ machine: inout ThrottleMachine, _ operation: String, _ key: AuditKey?, vault: String = "v", at now: Timestamp
    ) -> Timestamp? {
        if let end = machine.admit(ThrottleCost(operation).bucket, vault: vault, subscription: "s", at: now) { return end }
        if let key {
            let cost = ThrottleCost(operation, key)
            machine.take(cost.units - 1, cost.bucket, vault: vault, subscription: "s", at: now)
        }
        return nil
    }

    @Test(arguments: [
        ("RSA", 2048, nil, 4000), ("RSA", 3072, nil, 1000), ("RSA", 4096, nil, 500),
        ("RSA-HSM", 2048, nil, 2000), ("RSA-HSM", 3072, nil, 500), ("RSA-HSM", 4096, nil, 250),
        ("EC", nil, "P-256", 4000), ("EC", nil, "P-521", 4000), ("EC-HSM", nil, "P-384", 2000),
    ] as [(String, Int?, String?, Int)])
    func aVaultAnswersWhatThePublishedTableSays(type: String, size: Int?, curve: String?, count: Int) {
        #expect(capacity("KeySign", AuditKey(type: type, size: size, curve: curve)) == count)
        #expect(capacity("KeyCreate", AuditKey(type: type, size: size, curve: curve)) == (type.hasSuffix("-HSM") ? 10 : 20))
    }

    @Test func secretsAndCertificatesHaveABucketOfTheirOwn() {
        #expect(capacity("SecretGet", nil) == 4000)
        #expect(capacity("CertificateGet", nil) == 4000)
        var machine = ThrottleMachine()
        while answer(&machine, "SecretGet", nil, at: start) == nil {}
        #expect(answer(&machine, "KeySign", nil, at: start) == nil)
        #expect(answer(&machine, "KeyCreate", nil, at: start) == nil)
    }

    /// The example of the published limits: 248 with 4096 bits and 16 with 2048 bits, both of an HSM.
    @Test func theSumOfAllIsWhatCounts() {
        var machine = ThrottleMachine()
        for _ in 0..<248 { #expect(answer(&machine, "KeyGet", AuditKey(type: "RSA-HSM", size: 4096), at: start) == nil) }
        for _ in 0..<16 { #expect(answer(&machine, "KeyGet", AuditKey(type: "RSA-HSM", size: 2048), at: start) == nil) }
        #expect(answer(&machine, "KeyGet", AuditKey(type: "RSA-HSM", size: 2048), at: start) != nil)
    }

    @Test func bucketsAreFullAgainAfterTenSecondsAndRefusalsCountForNothing() {
        var machine = ThrottleMachine()
        for _ in 0..<20 { _ = answer(&machine, "KeyCreate", nil, at: start) }
        let end = start.adding(.seconds(10))
        for second in 0..<10 {
            #expect(answer(&machine, "KeyCreate", nil, at: start.adding(.seconds(second))) == end)
        }
        for _ in 0..<20 { #expect(answer(&machine, "KeyCreate", nil, at: end) == nil) }
        #expect(answer(&machine, "KeyCreate", nil, at: end) == end.adding(.seconds(10)))
    }

    @Test func vaultsHaveBucketsOfTheirOwnAndTheirSubscriptionFiveTimesAsMuch() {
        var machine = ThrottleMachine()
        for vault in 0..<5 {
            for _ in 0..<20 { #expect(answer(&machine, "KeyCreate", nil, vault: "\(vault)", at: start) == nil) }
        }
        #expect(answer(&machine, "KeyCreate", nil, vault: "6", at: start) != nil)
    }

    @Test func aClockThatWasSetBackShutsNobodyOut() {
        var machine = ThrottleMachine()
        while answer(&machine, "SecretGet", nil, at: start) == nil {}
        #expect(answer(&machine, "SecretGet", nil, at: Timestamp(seconds: 500)) == nil)
    }

    @Test func manyVaultsAreNotRememberedForever() {
        var machine = ThrottleMachine()
        for vault in 0..<5000 {
            _ = answer(&machine, "SecretGet", nil, vault: "\(vault)", at: start.adding(.seconds(Int64(vault) * 20)))
        }
        #expect(machine.ownerCount < 1100)
    }

    @Test func whatIsTooMuchIsRefusedWithRetryAfterAndRecorded() async throws {
        let fixture = VaultFixture(isThrottled: true)
        fixture.roles.allow("admin", "Microsoft.KeyVault/vaults/keys/*", below: "/")
        try await fixture.makeVault()
        for number in 0..<20 { #expect(try await fixture.vault(.post, "keys/key\(number)/create", ["kty": "RSA"]).status == 200) }
        fixture.clock.advance(by: .milliseconds(2500))
        let refused = try await fixture.vault(.post, "keys/key1/create", ["kty": "RSA"])
        #expect(refused.status == 429 && refused.code == "Throttled")
        #expect(refused.headers["retry-after"] == "8")
        #expect(fixture.audit.events.last?.status == 429)
        #expect(try await fixture.vault(.get, "keys/key1").status == 200)
        fixture.clock.advance(by: .milliseconds(7500))
        #expect(try await fixture.vault(.post, "keys/key1/create", ["kty": "RSA"]).status == 200)
    }

    @Test func vaultsHaveNoLimitsUnlessAskedFor() async throws {
        let fixture = VaultFixture()
        try await fixture.makeVault()
        for number in 0..<21 { #expect(try await fixture.vault(.post, "keys/key\(number)/create", ["kty": "RSA"]).status == 200) }
    }
}
