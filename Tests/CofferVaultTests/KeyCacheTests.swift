import CofferCrypto
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferVault

@Suite struct KeyCacheTests {
    @Test func theKeyThatWasNotUsedLongestGoesFirst() throws {
        let cache = KeyCache(capacity: 2)
        let key = SoftwareKey.pair(.rsa(try ReadyKeys().key(bits: 2048)))
        cache.insert(key, "v/a/1", cache.key("v/a/1").ticket)
        cache.insert(key, "v/b/1", cache.key("v/b/1").ticket)
        #expect(cache.key("v/a/1").key != nil)
        cache.insert(key, "v/c/1", cache.key("v/c/1").ticket)
        #expect(cache.count == 2)
        #expect(cache.key("v/b/1").key == nil)
        #expect(cache.key("v/a/1").key != nil)
    }

    @Test func aKeyThatIsRemovedWhileItIsOpenedIsNotKept() throws {
        let cache = KeyCache(capacity: 2)
        let ticket = cache.key("v/a/1").ticket
        cache.remove("v/a/1")
        cache.insert(.pair(.rsa(try ReadyKeys().key(bits: 2048))), "v/a/1", ticket)
        #expect(cache.count == 0)
    }

    @Test func removingAVaultLeavesTheOthers() throws {
        let cache = KeyCache(capacity: 8)
        let key = SoftwareKey.pair(.rsa(try ReadyKeys().key(bits: 2048)))
        for path in ["v/a/1", "v/b/1", "vv/a/1"] { cache.insert(key, path, cache.key(path).ticket) }
        cache.removeKeys(below: "v/")
        #expect(cache.count == 1)
        #expect(cache.key("vv/a/1").key != nil)
    }

    @Test func disablingAKeyOrDeletingItsVaultClearsItFromMemory() async throws {
        let fixture = VaultFixture()
        let cache = fixture.services.provider.vaults.material.cache
        let digest: JSONValue = ["alg": "RS256", "value": "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"]
        try await fixture.makeVault()
        try await fixture.makeKey("key1")
        try await fixture.makeKey("key2")
        for key in ["key1", "key2"] { _ = try await fixture.vault(.post, "keys/\(key)//sign", digest) }
        #expect(cache.count == 2)
        _ = try await fixture.vault(.patch, "keys/key1", ["attributes": ["enabled": false]])
        #expect(cache.count == 1)
        _ = try await fixture.arm(.delete, "vaults/kv1")
        #expect(cache.count == 0)
    }
}
