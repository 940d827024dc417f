import CofferPlatform
import CofferTesting
import Testing

@testable import CofferVault

/// What a vault does by itself is in the audit trail as what clients do.
@Suite struct OwnActsTests {
    private let fixture = VaultFixture()

    @Test func purgesAtTheEndOfRetentionAreRecordedOnce() async throws {
        try await fixture.makeVault()
        try await fixture.makeKey()
        _ = try await fixture.vault(.delete, "keys/key1")
        _ = try await fixture.arm(.delete, "vaults/kv1")
        fixture.clock.advance(by: .seconds(91 * 86_400))
        let before = fixture.audit.events.count
        for _ in 0..<3 { await fixture.services.keeper.runDue() }
        let events = fixture.audit.events.dropFirst(before)
        #expect(events.map(\.operation) == ["VaultPurge"])
        #expect(events.first?.callerObjectID == nil)
        #expect(events.first?.clientInfo == "Coffer")
    }

    @Test func aKeyPurgedAtTheEndOfItsRetentionIsNamed() async throws {
        try await fixture.makeVault()
        try await fixture.makeKey()
        _ = try await fixture.vault(.delete, "keys/key1")
        fixture.clock.advance(by: .seconds(91 * 86_400))
        let before = fixture.audit.events.count
        for _ in 0..<3 { await fixture.services.keeper.runDue() }
        let events = fixture.audit.events.dropFirst(before)
        #expect(events.map(\.operation) == ["KeyPurge"])
        #expect(events.first?.object == "https://kv1.vault.localhost:8443/deletedkeys/key1")
    }
}
