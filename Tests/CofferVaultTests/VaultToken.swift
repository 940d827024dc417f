import CofferCore
import CofferPlatform
import CofferTesting
import CofferToken
import Synchronization
import Testing

/// The token of SoftHSM's that the vaults of all tests share.
enum VaultToken {
    private static let opened = Task {
        try #require(SoftToken.isReady)
        var pin = Array(SoftToken.pin.utf8)
        return try await PKCS11Token.open(module: SoftToken.module, label: SoftToken.vaults, pin: SecretBytes(wiping: &pin), threads: 2)
    }

    static func get() async throws -> any KeyToken { try await opened.value }
}

/// A token that can be away, over one that is there.
final class FlakyToken: KeyToken {
    private let token: any KeyToken
    private let away = Flag()

    init(_ token: any KeyToken) {
        self.token = token
    }

    func goAway(_ isAway: Bool) { away.set(isAway) }

    func generate(_ kind: TokenKeyKind, as name: TokenKeyName) async throws -> TokenPublicKey {
        try check()
        return try await token.generate(kind, as: name)
    }

    func importKey(_ material: borrowing SecretBytes, _ kind: TokenKeyKind, as name: TokenKeyName) async throws {
        try check()
        try await token.importKey(material, kind, as: name)
    }

    func perform(_ operation: TokenOperation, on input: borrowing SecretBytes, with key: TokenKeyID) async throws -> SecretBytes {
        try check()
        return try await token.perform(operation, on: input, with: key)
    }

    func destroy(_ key: TokenKeyID) async throws {
        try check()
        try await token.destroy(key)
    }

    func random(_ count: Int) async throws -> SecretBytes {
        try check()
        return try await token.random(count)
    }

    private func check() throws {
        if away.isSet { throw TokenError.failed("answer", name: "CKR_DEVICE_REMOVED") }
    }
}

/// Something that is so or not, for several tasks.
final class Flag: Sendable {
    private let value = Mutex(false)

    var isSet: Bool { value.withLock { $0 } }

    func set(_ isSet: Bool) { value.withLock { $0 = isSet } }
}
