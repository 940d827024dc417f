import CofferCore
import CofferCrypto
package import CofferModel
package import CofferPlatform
import Foundation

/// Makes, opens and re-wraps the data keys of disks under customers' keys, with the permissions of the disk encryption
/// set's identity and an audit event for every use of a key.
///
/// A data key in clear is in `SecretBytes` alone, from where a key unwraps it to where it is sealed to its recipient.
package struct VaultKeyService: KeyService {
    /// How data keys are wrapped (RFC 7518 section 4.3).
    static let scheme = RSAEncryption.oaep256

    let store: any Store
    let material: KeyMaterial
    let access: VaultAccess
    let audit: VaultAudit
    let clock: any WallClock
    let settings: VaultSettings

    /// A key's state. A disabled or expired key has one too; only a missing permission, key or vault is an error.
    ///
    /// - Throws: ``APIError`` with one of the codes `KeyVaultNotFound`, `KeyVaultKeyNotFound` and
    ///   `KeyVaultAccessForbidden`.
    package func status(of key: KeyURL, as identity: Caller) async throws -> KeyStatus {
        let found = try await perform(.get, "KeyGet", key, as: identity) { vault, name in
            let (record, current) = try await store.read { transaction in
                (
                    try transaction.version(KeyVersionRecord.self, of: name, key.version, in: vault),
                    try transaction.object(.keys, name, in: vault).current
                )
            }
            return Found(record: record, vault: vault, current: current, url: record.url(host: key.host))
        }
        let (record, vault) = (found.record, found.vault)
        return KeyStatus(
            url: found.url, currentVersion: found.current, isEnabled: record.isEnabled, notBefore: record.notBefore,
            expires: record.expires, keyType: record.type, bits: record.bits, vault: vault.id, location: vault.location,
            hasPurgeProtection: vault.hasPurgeProtection)
    }

    /// Makes a data key, wraps it, and unwraps it again before anybody relies on it: a disk is never made under a key that
    /// could not open it. So the identity needs both permissions.
    package func makeDataKey(
        under keyID: String, as identity: Caller, for recipient: DataKeyRecipient
    ) async throws -> WrappedDataKey {
        let url = try versioned(keyID)
        let wrapped = try await use(.wrapKey, url, as: identity) { version, vault in
            let key = try version.publicKey(url)
            return try DataKey.generate().withBytes { try key.encrypt($0, using: Self.scheme) }
        }
        let layer = DiskLayer(keyID: url.text, algorithm: Self.scheme.rawValue, wrappedKey: wrapped.value)
        return WrappedDataKey(layer: layer, sealed: try await openDataKey(layer, as: identity, for: recipient))
    }

    package func openDataKey(
        _ layer: DiskLayer, as identity: Caller, for recipient: DataKeyRecipient
    ) async throws -> SealedKey {
        let url = try versioned(layer.keyID)
        try check(layer)
        return try await use(.unwrapKey, url, as: identity) { version, vault in
            try recipient.seal(try await dataKey(in: layer.wrappedKey, version, vault, url))
        }.value
    }

    /// - Throws: an ``APIError`` if either key may not be used or the old wrap is not valid; then nothing has changed.
    package func rewrapDataKey(
        _ layer: DiskLayer, under keyID: String, as identity: Caller, for recipient: DataKeyRecipient
    ) async throws -> WrappedDataKey {
        let oldURL = try versioned(layer.keyID)
        let newURL = try versioned(keyID)
        try check(layer)
        // The new key is proven usable before the old one is touched, each with its own event.
        let target = try await use(.wrapKey, newURL, as: identity) { version, vault in (version, vault) }.value
        _ = try await use(.unwrapKey, newURL, as: identity) { version, vault in version.version }
        return try await use(.unwrapKey, oldURL, as: identity) { version, vault in
            let dataKey = try await dataKey(in: layer.wrappedKey, version, vault, oldURL)
            let new = try target.0.publicKey(newURL)
            let wrapped = try dataKey.withBytes { try new.encrypt($0, using: Self.scheme) }
            let proof = try await self.dataKey(in: wrapped, target.0, target.1, newURL)
            guard proof.constantTimeEquals(dataKey) else { throw APIError.wrappedKeyNotValid(newURL) }
            return WrappedDataKey(
                layer: DiskLayer(keyID: newURL.text, algorithm: Self.scheme.rawValue, wrappedKey: wrapped),
                sealed: try recipient.seal(proof))
        }.value
    }

    package func adoptDataKey(
        under keyID: String, as identity: Caller, for recipient: DataKeyRecipient,
        giving: (DataKeyRecipient) async throws -> SealedKey
    ) async throws -> WrappedDataKey {
        let url = try versioned(keyID)
        let courier = HPKEPrivateKey.generate()
        let sealed = try await giving(DataKeyRecipient(publicKey: courier.publicKey, disk: recipient.disk, layer: recipient.layer))
        let dataKey = try courier.open(
            sealed.box, info: SealedKey.purpose, authenticating: SealedKey.binding(disk: recipient.disk, layer: recipient.layer))
        guard DataKey.isSound(dataKey) else { throw APIError.wrappedKeyNotValid(url) }
        let wrapped = try await use(.wrapKey, url, as: identity) { version, vault in
            let key = try version.publicKey(url)
            return try dataKey.withBytes { try key.encrypt($0, using: Self.scheme) }
        }
        let layer = DiskLayer(keyID: url.text, algorithm: Self.scheme.rawValue, wrappedKey: wrapped.value)
        return WrappedDataKey(layer: layer, sealed: try await openDataKey(layer, as: identity, for: recipient))
    }

    /// The data key that a version's key wrapped.
    private func dataKey(
        in wrapped: [UInt8], _ version: KeyVersionRecord, _ vault: VaultRecord, _ url: KeyURL
    ) async throws -> SecretBytes {
        let key: SecretBytes
        do {
            key = try await material.unwrap(wrapped, Self.scheme, with: version, in: vault)
        } catch CryptoError.authenticationFailed {
            throw APIError.wrappedKeyNotValid(url)
        } catch {
            throw error
        }
        guard DataKey.isSound(key) else { throw APIError.wrappedKeyNotValid(url) }
        return key
    }

    /// Does `body` with the version that `url` names, if the identity and the version's state allow it.
    private func use<R: Sendable>(
        _ operation: KeyOperation, _ url: KeyURL, as identity: Caller,
        _ body: (KeyVersionRecord, VaultRecord) async throws -> R
    ) async throws -> Used<R> {
        try await perform(operation.permission, operation.auditName, url, as: identity) { vault, name in
            let record = try await store.read { try $0.version(KeyVersionRecord.self, of: name, url.version, in: vault) }
            if !record.isEnabled { material.forget(record, in: vault) }
            try record.checkForDisk(operation, url, at: clock.now())
            return Used(value: try await body(record, vault), url: record.url(host: url.host), key: record.audited)
        }
    }

    private func perform<Answer: Audited>(
        _ permission: KeyPermission, _ auditName: String, _ url: KeyURL, as identity: Caller,
        _ body: (VaultRecord, ObjectName) async throws -> Answer
    ) async throws -> Answer {
        let started = clock.now()
        guard let vaultName = settings.vault(host: url.host) else {
            throw APIError.keyVaultNotFound(url, example: settings.suffix)
        }
        guard let vault = try await store.read({ try $0.vault(named: vaultName, at: started) }) else {
            throw APIError.keyVaultNotFound(url, example: settings.suffix)
        }
        let origin = AuditOrigin(
            started: started, address: identity.address, correlationID: UUID().uuidString.lowercased(), clientInfo: "Coffer",
            uri: url.text)
        return try await audit.recording(
            auditName, on: vault.id, by: identity, from: origin, object: url.text,
            asking: identity == .platform ? nil : vault.permissionModel
        ) {
            guard vault.deletion == nil else { throw APIError.keyVaultDeleted(vault) }
            guard VaultFirewall(vault).admitsTrustedServices else { throw APIError.keyVaultFirewallForbidden(vault) }
            guard let name = try? ObjectName(url.name) else { throw APIError.keyVaultKeyNotFound(url) }
            do {
                // Coffer itself may look at a key's state, and do nothing else with it.
                if identity != .platform || permission != .get {
                    _ = try await access.ask(permission, identity, vault, name)
                }
                return try await body(vault, name)
            } catch is Forbidden {
                throw APIError.keyVaultAccessForbidden(permission, identity, vault)
            } catch let refusal as APIError where refusal.code == "KeyNotFound" {
                throw APIError.keyVaultKeyNotFound(url)
            }
        }
    }

    private func versioned(_ keyID: String) throws -> KeyURL {
        guard let url = KeyURL(keyID), url.version != nil else { throw APIError.keyURLNotValid(keyID) }
        return url
    }

    private func check(_ layer: DiskLayer) throws {
        guard layer.algorithm == Self.scheme.rawValue else { throw APIError.wrapAlgorithmNotSupported(layer.algorithm) }
    }
}

/// What a use of a key gave, and the version used.
private struct Used<R: Sendable>: Audited, Sendable {
    let value: R
    let url: KeyURL
    let key: AuditKey?
    var status: Int { 200 }
    var object: String? { url.text }
    var algorithm: String? { VaultKeyService.scheme.rawValue }
}

/// A key version that was looked at.
private struct Found: Audited, Sendable {
    let record: KeyVersionRecord
    let vault: VaultRecord
    let current: String
    let url: KeyURL
    var status: Int { 200 }
    var object: String? { url.text }
    var key: AuditKey? { record.audited }
}

extension KeyVersionRecord {
    /// Whether a disk may rely on this version. Stricter than the vault itself: outside its dates a key does not even
    /// unwrap for disks (contract section 4.1).
    fileprivate func checkForDisk(_ operation: KeyOperation, _ url: KeyURL, at now: Timestamp) throws {
        guard isEnabled else { throw APIError.keyVaultKeyDisabled(url) }
        if let notBefore, now < notBefore { throw APIError.keyVaultKeyNotYetValid(url, notBefore) }
        if let expires, now >= expires { throw APIError.keyVaultKeyExpired(url, expires) }
        guard operations.contains(operation) else { throw APIError.keyVaultKeyOperationForbidden(url, operation) }
    }
}

extension KeyVersionRecord {
    /// The public half, which is all that wrapping takes.
    fileprivate func publicKey(_ url: KeyURL) throws -> RSAKey {
        guard let key = try publicRSAKey() else { throw APIError.keyVaultKeyNotRSA(url, type) }
        return key
    }
}

extension DataKeyRecipient {
    /// The data key in a box that only this recipient opens, bound to the disk and the layer.
    fileprivate func seal(_ key: borrowing SecretBytes) throws -> SealedKey {
        do {
            return SealedKey(
                box: try key.withBytes { (bytes) throws(CryptoError) in
                    try HPKE.seal(
                        bytes, to: publicKey, info: SealedKey.purpose,
                        authenticating: SealedKey.binding(disk: disk, layer: layer))
                })
        } catch {
            guard error == .invalidKey else { throw error }
            throw APIError.invalidParameter("The recipient's key is not a public key of X25519.", target: "recipient")
        }
    }
}
