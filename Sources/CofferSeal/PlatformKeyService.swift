import CofferCore
import CofferCrypto
package import CofferModel
package import CofferPlatform

/// Wraps the data keys of disks under keys that the platform manages: those of disks without a customer's key, and the
/// second layer of those with both. Key ids are `platform:1`, `platform:2`, …; `platform` alone means the current one.
package struct PlatformKeyService: KeyService {
    /// How data keys are wrapped (RFC 7518 section 4.4).
    package static let algorithm = "A256KW"

    private let store: any Store
    private let sealer: any Sealer

    package init(store: any Store, sealer: any Sealer) {
        self.store = store
        self.sealer = sealer
    }

    /// The id of the version that new data keys are wrapped under; the first is made when it is asked for.
    package func currentKeyID() async throws -> String {
        Self.id(try await currentVersion())
    }

    /// Makes a new version and wraps new data keys under it from now on. Headers that name an older one stay valid until
    /// they are re-wrapped.
    ///
    /// - Returns: the new version's id.
    package func rotate() async throws -> String {
        while true {
            let version = try await currentVersion() + 1
            if try await make(version) { return Self.id(version) }
        }
    }

    /// - Throws: ``APIError`` always: only keys in a vault have a status.
    package func status(of key: KeyURL, as identity: Caller) async throws -> KeyStatus {
        throw APIError.platformKeysHaveNoStatus
    }

    package func makeDataKey(
        under keyID: String, as identity: Caller, for recipient: DataKeyRecipient
    ) async throws -> WrappedDataKey {
        let version = try await version(keyID)
        let wrapping = try await key(version)
        return try wrap(DataKey.generate(), with: wrapping, version, for: recipient)
    }

    package func openDataKey(
        _ layer: DiskLayer, as identity: Caller, for recipient: DataKeyRecipient
    ) async throws -> SealedKey {
        try recipient.seal(try await dataKey(of: layer))
    }

    package func rewrapDataKey(
        _ layer: DiskLayer, under keyID: String, as identity: Caller, for recipient: DataKeyRecipient
    ) async throws -> WrappedDataKey {
        let version = try await version(keyID)
        let wrapping = try await key(version)
        let dataKey = try await dataKey(of: layer)
        return try wrap(dataKey, with: wrapping, version, for: recipient)
    }

    package func adoptDataKey(
        under keyID: String, as identity: Caller, for recipient: DataKeyRecipient,
        giving: (DataKeyRecipient) async throws -> SealedKey
    ) async throws -> WrappedDataKey {
        let version = try await version(keyID)
        let wrapping = try await key(version)
        let courier = HPKEPrivateKey.generate()
        let sealed = try await giving(DataKeyRecipient(publicKey: courier.publicKey, disk: recipient.disk, layer: recipient.layer))
        let dataKey = try courier.open(
            sealed.box, info: SealedKey.purpose, authenticating: SealedKey.binding(disk: recipient.disk, layer: recipient.layer))
        guard DataKey.isSound(dataKey) else { throw APIError.platformWrapNotValid(Self.id(version)) }
        return try wrap(dataKey, with: wrapping, version, for: recipient)
    }

    /// Wraps a data key and seals to the recipient what the wrap gives back, not what went in.
    private func wrap(
        _ dataKey: borrowing SecretBytes, with wrapping: borrowing SecretBytes, _ version: Int64, for recipient: DataKeyRecipient
    ) throws -> WrappedDataKey {
        let wrapped = try AESKeyWrap.wrap(dataKey, with: wrapping)
        let proof = try AESKeyWrap.unwrap(wrapped, with: wrapping)
        guard proof.constantTimeEquals(dataKey) else { throw APIError.platformWrapNotValid(Self.id(version)) }
        return WrappedDataKey(
            layer: DiskLayer(keyID: Self.id(version), algorithm: Self.algorithm, wrappedKey: wrapped),
            sealed: try recipient.seal(proof))
    }

    private func dataKey(of layer: DiskLayer) async throws -> SecretBytes {
        guard layer.algorithm == Self.algorithm else { throw APIError.platformAlgorithmNotSupported(layer.algorithm) }
        let wrapping = try await key(try await version(layer.keyID))
        let dataKey: SecretBytes
        do {
            dataKey = try AESKeyWrap.unwrap(layer.wrappedKey, with: wrapping)
        } catch {
            guard error == .authenticationFailed else { throw error }
            throw APIError.platformWrapNotValid(layer.keyID)
        }
        guard DataKey.isSound(dataKey) else { throw APIError.platformWrapNotValid(layer.keyID) }
        return dataKey
    }

    private func version(_ keyID: String) async throws -> Int64 {
        if keyID == "platform" { return try await currentVersion() }
        let prefix = "platform:"
        guard keyID.hasPrefix(prefix), let version = Int64(keyID.dropFirst(prefix.count)), Self.id(version) == keyID else {
            throw APIError.platformKeyNotFound(keyID)
        }
        return version
    }

    private func key(_ version: Int64) async throws -> SecretBytes {
        let id = PlatformKeyRecord.id(version)
        guard
            let record = try await store.read({
                try $0.value(PlatformKeyRecord.self, id, in: PlatformKeyRecord.collection)?.value
            })
        else { throw APIError.platformKeyNotFound(Self.id(version)) }
        guard let sealed = Base64URL.decode(record.sealed) else {
            throw StoreError.corrupt("\(PlatformKeyRecord.collection)/\(id)")
        }
        return try await sealer.open(sealed, realm: PlatformKeyRecord.realm, name: PlatformKeyRecord.sealName(version))
    }

    private func currentVersion() async throws -> Int64 {
        while true {
            if let current = try await store.read({ try $0.currentPlatformVersion() }) { return current }
            _ = try await make(1)
        }
    }

    /// Makes the version after the current one. Returns false if another process was faster.
    private func make(_ version: Int64) async throws -> Bool {
        let sealed = try await sealer.seal(
            SecureRandom.secret(32), realm: PlatformKeyRecord.realm, name: PlatformKeyRecord.sealName(version))
        let record = PlatformKeyRecord(version: version, sealed: Base64URL.encode(sealed))
        return try await store.write { transaction in
            guard try transaction.currentPlatformVersion() ?? 0 == version - 1 else { return false }
            try transaction.put(record, PlatformKeyRecord.id(version), in: PlatformKeyRecord.collection, if: .absent)
            try transaction.put(
                PlatformKeyVersion(version: version), PlatformKeyRecord.currentID, in: PlatformKeyRecord.collection)
            return true
        }
    }

    private static func id(_ version: Int64) -> String { "platform:\(version)" }
}

extension ReadTransaction {
    fileprivate func currentPlatformVersion() throws -> Int64? {
        try value(PlatformKeyVersion.self, PlatformKeyRecord.currentID, in: PlatformKeyRecord.collection)?.value.version
    }
}

extension DataKeyRecipient {
    /// The data key in a box that only this recipient opens, bound to the disk and the layer.
    fileprivate func seal(_ key: borrowing SecretBytes) throws -> SealedKey {
        do {
            return SealedKey(
                box: try key.withBytes { (bytes: RawSpan) throws(CryptoError) in
                    try HPKE.seal(
                        bytes, to: publicKey, info: SealedKey.purpose, authenticating: SealedKey.binding(disk: disk, layer: layer))
                })
        } catch {
            guard error == .invalidKey else { throw error }
            throw APIError.recipientNotValid
        }
    }
}
