import CofferCore
import CofferModel
import CofferPlatform
import Foundation
import Synchronization

/// Customers' vaults: keys with versions and their states, and who may use them. Data keys are wrapped and sealed readably, so that
/// tests can see what went where, but open only for the version, the recipient and the disk that they were made for.
final class KeyVaultDouble: KeyService {
    struct Version: Sendable {
        var isEnabled = true
        var notBefore: Timestamp?
        var expires: Timestamp?
        var type = "RSA"
        var bits = 2048
    }

    struct Vault: Sendable {
        var id: ResourceID
        var location = "uksouth"
        var hasPurgeProtection = true
        /// Object ids.
        var allowed: Set<String> = []
        var keys: [String: [(name: String, version: Version)]] = [:]
    }

    private struct Contents: Sendable {
        var vaults: [String: Vault] = [:]
        var uses: [String] = []
        var outage: (any Error)?
    }

    private let contents = Mutex(Contents())
    private let clock: any WallClock

    init(clock: any WallClock) {
        self.clock = clock
    }

    /// Operations done and refused, such as `unwrap kv1/key1/v1 by 1234`.
    var uses: [String] { contents.withLock { $0.uses } }

    func change(_ vault: String, _ body: (inout Vault) -> Void) {
        contents.withLock { contents in
            var found = contents.vaults[vault] ?? Vault(id: ResourceID(
                subscription: World.subscription, group: "rg", namespace: "Microsoft.KeyVault", type: "vaults", name: vault))
            body(&found)
            contents.vaults[vault] = found
        }
    }

    func change(_ vault: String, _ key: String, _ version: String, _ body: (inout Version) -> Void) {
        change(vault) { vault in
            var versions = vault.keys[key] ?? []
            if let index = versions.firstIndex(where: { $0.name == version }) {
                body(&versions[index].version)
            } else {
                var new = Version()
                body(&new)
                versions.append((version, new))
            }
            vault.keys[key] = versions
        }
    }

    /// Makes everything fail as a broken store would.
    func fail(with error: (any Error)?) {
        contents.withLock { $0.outage = error }
    }

    func status(of key: KeyURL, as identity: Caller) async throws -> KeyStatus {
        let vault = try vault(key)
        guard identity == .platform || vault.allowed.contains(identity.objectID) else { throw Self.forbidden(identity) }
        guard let versions = vault.keys[key.name], let current = versions.last,
            let found = key.version.map({ name in versions.first { $0.name == name } }) ?? current
        else { throw Self.notFound(key) }
        return KeyStatus(
            url: key.with(version: found.name), currentVersion: current.name, isEnabled: found.version.isEnabled,
            notBefore: found.version.notBefore, expires: found.version.expires, keyType: found.version.type,
            bits: found.version.bits, vault: vault.id, location: vault.location, hasPurgeProtection: vault.hasPurgeProtection)
    }

    func makeDataKey(under keyID: String, as identity: Caller, for recipient: DataKeyRecipient) async throws -> WrappedDataKey {
        let url = try use("wrap", keyID, identity)
        return Self.wrap(Self.newDataKey(), keyID: url.text, algorithm: "RSA-OAEP-256", for: recipient)
    }

    func openDataKey(_ layer: DiskLayer, as identity: Caller, for recipient: DataKeyRecipient) async throws -> SealedKey {
        _ = try use("unwrap", layer.keyID, identity)
        return Self.seal(try Self.unwrap(layer), for: recipient)
    }

    func rewrapDataKey(
        _ layer: DiskLayer, under keyID: String, as identity: Caller, for recipient: DataKeyRecipient
    ) async throws -> WrappedDataKey {
        let url = try use("wrap", keyID, identity)
        _ = try use("unwrap", layer.keyID, identity)
        return Self.wrap(try Self.unwrap(layer), keyID: url.text, algorithm: "RSA-OAEP-256", for: recipient)
    }

    func adoptDataKey(
        under keyID: String, as identity: Caller, for recipient: DataKeyRecipient, giving: (DataKeyRecipient) async throws -> SealedKey
    ) async throws -> WrappedDataKey {
        let dataKey = try await Self.receive(recipient, giving)
        let url = try use("wrap", keyID, identity)
        return Self.wrap(dataKey, keyID: url.text, algorithm: "RSA-OAEP-256", for: recipient)
    }

    private func use(_ what: String, _ keyID: String, _ identity: Caller) throws -> KeyURL {
        guard let url = KeyURL(keyID), let version = url.version else { throw APIError.invalidParameter("no version") }
        let vault = try vault(url)
        contents.withLock { $0.uses.append("\(what) \(url.vault)/\(url.name)/\(version) by \(identity.objectID)") }
        guard vault.allowed.contains(identity.objectID) else { throw Self.forbidden(identity) }
        guard let found = vault.keys[url.name]?.first(where: { $0.name == version })?.version else { throw Self.notFound(url) }
        guard found.isEnabled else { throw Self.unusable("KeyVaultKeyDisabled", url, "is disabled.") }
        if let expires = found.expires, clock.now() >= expires { throw Self.unusable("KeyVaultKeyExpired", url, "expired.") }
        return url
    }

    private func vault(_ url: KeyURL) throws -> Vault {
        let (vault, outage) = contents.withLock { ($0.vaults[url.vault], $0.outage) }
        if let outage { throw outage }
        guard let vault else { throw APIError(status: 404, code: "KeyVaultNotFound", message: "There is no vault \(url.vault).") }
        return vault
    }

    private static func forbidden(_ identity: Caller) -> APIError {
        APIError(status: 403, code: "KeyVaultAccessForbidden", message: "The identity \(identity.objectID) may not use the key.")
    }

    private static func notFound(_ url: KeyURL) -> APIError {
        APIError(status: 404, code: "KeyVaultKeyNotFound", message: "The key '\(url.text)' was not found.")
    }

    private static func unusable(_ code: String, _ url: KeyURL, _ what: String) -> APIError {
        APIError(status: 403, code: code, message: "The key '\(url.text)' \(what)")
    }
}

extension KeyService {
    static func newDataKey() -> [UInt8] { (0..<64).map { _ in UInt8.random(in: .min ... .max) } }

    /// A data key that another key service gives away.
    static func receive(_ recipient: DataKeyRecipient, _ giving: (DataKeyRecipient) async throws -> SealedKey) async throws -> [UInt8] {
        let courier = DataKeyRecipient(publicKey: Array(newDataKey().suffix(32)), disk: recipient.disk, layer: recipient.layer)
        let prefix = courier.publicKey + SealedKey.binding(disk: recipient.disk, layer: recipient.layer)
        let box = try await giving(courier).box
        guard box.starts(with: prefix) else { throw APIError.invalidParameter("sealed to somebody else") }
        return Array(box.dropFirst(prefix.count))
    }

    static func seal(_ dataKey: [UInt8], for recipient: DataKeyRecipient) -> SealedKey {
        SealedKey(box: recipient.publicKey + SealedKey.binding(disk: recipient.disk, layer: recipient.layer) + dataKey)
    }

    static func wrap(_ dataKey: [UInt8], keyID: String, algorithm: String, for recipient: DataKeyRecipient) -> WrappedDataKey {
        let layer = DiskLayer(keyID: keyID, algorithm: algorithm, wrappedKey: Array(keyID.utf8) + [0] + dataKey)
        return WrappedDataKey(layer: layer, sealed: seal(dataKey, for: recipient))
    }

    static func unwrap(_ layer: DiskLayer) throws -> [UInt8] {
        let prefix = Array(layer.keyID.utf8) + [0]
        guard layer.wrappedKey.starts(with: prefix), layer.wrappedKey.count == prefix.count + 64 else {
            throw APIError(status: 409, code: "WrappedKeyNotValid", message: "The data key was not wrapped by '\(layer.keyID)'.")
        }
        return Array(layer.wrappedKey.dropFirst(prefix.count))
    }
}

/// The platform's own key, which nobody can take away.
struct PlatformKeysDouble: KeyService {
    func status(of key: KeyURL, as identity: Caller) async throws -> KeyStatus {
        throw APIError.invalidParameter("A platform key has no URL.")
    }

    func makeDataKey(under keyID: String, as identity: Caller, for recipient: DataKeyRecipient) async throws -> WrappedDataKey {
        guard keyID == "platform", identity == .platform else { throw APIError.invalidParameter("not a platform key") }
        return Self.wrap(Self.newDataKey(), keyID: "platform:1", algorithm: "A256KW", for: recipient)
    }

    func openDataKey(_ layer: DiskLayer, as identity: Caller, for recipient: DataKeyRecipient) async throws -> SealedKey {
        guard layer.keyID == "platform:1", identity == .platform else { throw APIError.invalidParameter("not a platform key") }
        return Self.seal(try Self.unwrap(layer), for: recipient)
    }

    func rewrapDataKey(
        _ layer: DiskLayer, under keyID: String, as identity: Caller, for recipient: DataKeyRecipient
    ) async throws -> WrappedDataKey {
        Self.wrap(try Self.unwrap(layer), keyID: "platform:1", algorithm: "A256KW", for: recipient)
    }

    func adoptDataKey(
        under keyID: String, as identity: Caller, for recipient: DataKeyRecipient, giving: (DataKeyRecipient) async throws -> SealedKey
    ) async throws -> WrappedDataKey {
        guard keyID == "platform", identity == .platform else { throw APIError.invalidParameter("not a platform key") }
        return Self.wrap(try await Self.receive(recipient, giving), keyID: "platform:1", algorithm: "A256KW", for: recipient)
    }
}
