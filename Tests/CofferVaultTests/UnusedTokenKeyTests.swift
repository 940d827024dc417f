import CofferCore
import CofferCrypto
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferVault

/// No key stays in the token that no version names, whatever happens in between.
@Suite struct UnusedTokenKeyTests {
    private let store = InMemoryStore()
    private let clock = ManualClock()
    private let token: FlakyToken
    private let keys: TokenKeys
    private let name: TokenKeyName

    init() async throws {
        token = FlakyToken(try await VaultToken.get())
        keys = TokenKeys(token: token, store: store, clock: clock)
        name = TokenKeyName(id: try #require(TokenKeyID(SecureRandom.bytes(TokenKeyID.count))), label: "unused")
    }

    private func isInToken() async throws -> Bool {
        do {
            var digest = SecureRandom.bytes(32)
            return try await VaultToken.get().perform(.sign(.es256), on: SecretBytes(wiping: &digest), with: name.id).count == 64
        } catch TokenError.noKey {
            return false
        }
    }

    private func isWrittenDown() async throws -> Bool {
        try await store.read { try $0.document(name.id.hex, in: UnusedTokenKey.collection) != nil }
    }

    @Test func aKeyThatIsKeptStays() async throws {
        _ = try await keys.generate(.ec(.p256), for: name)
        #expect(try await isWrittenDown())
        let now = clock.now()
        try await store.write { try $0.keepTokenKey(name.id, at: now) }
        #expect(try await !isWrittenDown())
        clock.advance(by: .seconds(24 * 3600))
        try await keys.sweep()
        #expect(try await isInToken())
        try await VaultToken.get().destroy(name.id)
    }

    @Test func aKeyThatNoVersionCameToNameIsDestroyedLater() async throws {
        _ = try await keys.generate(.ec(.p256), for: name)
        try await keys.sweep()
        #expect(try await isInToken())
        clock.advance(by: TokenKeys.patience)
        let late = clock.now()
        await #expect(throws: (any Error).self) { try await store.write { try $0.keepTokenKey(name.id, at: late) } }
        clock.advance(by: TokenKeys.grace)
        try await keys.sweep()
        #expect(try await !isInToken())
        #expect(try await !isWrittenDown())
    }

    @Test func whatTheTokenCouldNotDestroyIsDestroyedWhenItIsBack() async throws {
        _ = try await keys.generate(.ec(.p256), for: name)
        token.goAway(true)
        await keys.destroyNow(name.id)
        #expect(try await isWrittenDown())
        clock.advance(by: TokenKeys.patience + TokenKeys.grace)
        await #expect(throws: TokenError.self) { try await keys.sweep() }
        token.goAway(false)
        try await keys.sweep()
        #expect(try await !isInToken())
        #expect(try await !isWrittenDown())
    }
}
