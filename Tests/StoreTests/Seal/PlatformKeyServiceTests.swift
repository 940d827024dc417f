import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform
import CofferSeal
import CofferTesting
import Testing

@Suite struct PlatformKeyServiceTests {
    private let service: PlatformKeyService
    private let store = InMemoryStore()
    private let host = Host()
    private let caller = Caller(objectID: "o", applicationID: "a", tenantID: "t", address: "")
    private let disk: DiskID

    /// A disk host's end: what it was sent, it can open.
    private final class Host: Sendable {
        let key = HPKEPrivateKey.generate()

        func open(_ sealed: SealedKey, disk: DiskID, layer: Int) throws -> [UInt8] {
            KeyringTests.bytes(
                try key.open(sealed.box, info: SealedKey.purpose, authenticating: SealedKey.binding(disk: disk, layer: layer)))
        }
    }

    init() async throws {
        let keyring = try await Keyring.open(root: KeyringTests.root(), store: store)
        service = PlatformKeyService(store: store, sealer: keyring)
        disk = try #require(DiskID("0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"))
    }

    private func recipient(layer: Int = 0) -> DataKeyRecipient {
        DataKeyRecipient(publicKey: host.key.publicKey, disk: disk, layer: layer)
    }

    @Test func aDataKeyThatWasMadeOpensAgain() async throws {
        let made = try await service.makeDataKey(under: "platform", as: caller, for: recipient())
        #expect(made.layer.keyID == "platform:1")
        #expect(made.layer.algorithm == "A256KW")
        #expect(made.layer.wrappedKey.count == 72)
        let key = try host.open(made.sealed, disk: disk, layer: 0)
        #expect(key.count == 64 && key[..<32] != key[32...])
        let opened = try await service.openDataKey(made.layer, as: caller, for: recipient(layer: 1))
        #expect(try host.open(opened, disk: disk, layer: 1) == key)
        #expect(throws: CryptoError.authenticationFailed) { _ = try host.open(opened, disk: disk, layer: 0) }
        let other = try await service.makeDataKey(under: "platform:1", as: caller, for: recipient())
        #expect(try host.open(other.sealed, disk: disk, layer: 0) != key)
    }

    @Test func aDataKeyOfAnotherServiceIsAdoptedSealed() async throws {
        let other = PlatformKeyService(
            store: InMemoryStore(), sealer: try await Keyring.open(root: KeyringTests.root(), store: InMemoryStore()))
        let made = try await other.makeDataKey(under: "platform", as: caller, for: recipient())
        let adopted = try await service.adoptDataKey(under: "platform", as: caller, for: recipient()) { courier in
            try await other.openDataKey(made.layer, as: caller, for: courier)
        }
        #expect(try host.open(adopted.sealed, disk: disk, layer: 0) == host.open(made.sealed, disk: disk, layer: 0))
        #expect(adopted.layer.wrappedKey != made.layer.wrappedKey)
        await #expect(throws: CryptoError.authenticationFailed) {
            _ = try await service.adoptDataKey(under: "platform", as: caller, for: recipient()) { _ in made.sealed }
        }
    }

    @Test func aRotatedKeyWrapsNewKeysAndStillOpensOldOnes() async throws {
        let old = try await service.makeDataKey(under: "platform", as: caller, for: recipient())
        let key = try host.open(old.sealed, disk: disk, layer: 0)
        #expect(try await service.rotate() == "platform:2")
        #expect(try await service.currentKeyID() == "platform:2")
        #expect(try await service.makeDataKey(under: "platform", as: caller, for: recipient()).layer.keyID == "platform:2")
        let opened = try await service.openDataKey(old.layer, as: caller, for: recipient())
        #expect(try host.open(opened, disk: disk, layer: 0) == key)
        let new = try await service.rewrapDataKey(old.layer, under: "platform:2", as: caller, for: recipient())
        #expect(new.layer.keyID == "platform:2" && new.layer.wrappedKey != old.layer.wrappedKey)
        #expect(try host.open(new.sealed, disk: disk, layer: 0) == key)
        let reopened = try await service.openDataKey(new.layer, as: caller, for: recipient())
        #expect(try host.open(reopened, disk: disk, layer: 0) == key)
    }

    @Test func theFirstVersionIsMadeOnce() async throws {
        let ids = try await withThrowingTaskGroup { group in
            for _ in 0..<8 { group.addTask { [service] in try await service.currentKeyID() } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(ids) == ["platform:1"])
        let rotated = try await withThrowingTaskGroup { group in
            for _ in 0..<4 { group.addTask { [service] in try await service.rotate() } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(Set(rotated) == ["platform:2", "platform:3", "platform:4", "platform:5"])
    }

    @Test func whatIsNotAPlatformKeyIsRefused() async throws {
        let made = try await service.makeDataKey(under: "platform", as: caller, for: recipient())
        for id in ["platform:2", "platform:01", "platform:+1", "platform:-1", "platform:", "platform:99999999999999999999", "x", ""] {
            await #expect { try await service.makeDataKey(under: id, as: caller, for: recipient()) } throws: {
                ($0 as? APIError)?.code == "PlatformKeyNotFound"
            }
            let layer = DiskLayer(keyID: id, algorithm: "A256KW", wrappedKey: made.layer.wrappedKey)
            await #expect { try await service.openDataKey(layer, as: caller, for: recipient()) } throws: {
                ($0 as? APIError)?.code == "PlatformKeyNotFound"
            }
        }
        await #expect(throws: APIError.self) {
            try await service.status(of: KeyURL(host: "kv.vault", name: "k", version: nil), as: caller)
        }
    }

    @Test func aDamagedWrapAndABadRecipientAreRefused() async throws {
        let made = try await service.makeDataKey(under: "platform", as: caller, for: recipient())
        var wrapped = made.layer.wrappedKey
        wrapped[40] ^= 1
        for bad in [wrapped, [], Array(wrapped.prefix(64)), Array(repeating: 0, count: 72)] {
            let layer = DiskLayer(keyID: "platform:1", algorithm: "A256KW", wrappedKey: bad)
            await #expect { try await service.openDataKey(layer, as: caller, for: recipient()) } throws: {
                ($0 as? APIError)?.code == "WrappedKeyNotValid"
            }
        }
        let layer = DiskLayer(keyID: "platform:1", algorithm: "RSA-OAEP-256", wrappedKey: made.layer.wrappedKey)
        await #expect(throws: APIError.self) { try await service.openDataKey(layer, as: caller, for: recipient()) }
        for publicKey in [[], [UInt8](repeating: 0, count: 32), [UInt8](repeating: 1, count: 31)] {
            let recipient = DataKeyRecipient(publicKey: publicKey, disk: disk, layer: 0)
            await #expect { try await service.openDataKey(made.layer, as: caller, for: recipient) } throws: {
                ($0 as? APIError)?.target == "recipient"
            }
        }
    }
}
