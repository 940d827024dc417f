import CofferModel
import CofferPlatform

/// Makes and opens the data keys of a disk's layers, each with the key service that its wrapping key belongs to.
struct DiskKeys: Sendable {
    /// What a platform key service takes for its newest key.
    static let platformKeyID = "platform"

    let customer: any KeyService
    let platform: any KeyService
    let store: any Store
    let identities: any ManagedIdentities

    /// New data keys for all layers of a disk, the one next to the guest first.
    ///
    /// - Parameters:
    ///   - set: The disk's encryption set, unless only platform keys are used.
    ///   - first: The number of the first layer.
    /// - Throws: ``APIError`` of the key service if the set's identity may not use the set's key.
    func make(
        for record: DiskRecord, set: EncryptionSetRecord?, from first: Int = 0, sealedTo publicKey: [UInt8]
    ) async throws -> [WrappedDataKey] {
        var keys: [WrappedDataKey] = []
        if let set, record.encryption.usesCustomerKey {
            keys.append(try await customer.makeDataKey(
                under: set.activeKey.url.text, as: try await identities.caller(of: set),
                for: DataKeyRecipient(publicKey: publicKey, disk: record.disk, layer: first)))
        }
        if record.encryption.usesPlatformKey {
            keys.append(try await platform.makeDataKey(
                under: Self.platformKeyID, as: .platform,
                for: DataKeyRecipient(publicKey: publicKey, disk: record.disk, layer: first + keys.count)))
        }
        return keys
    }

    /// The data keys of `layers`, each sealed to `publicKey`.
    ///
    /// - Throws: ``APIError`` of the key service if a key may not be used.
    func open(_ layers: [DiskLayer], of record: DiskRecord, sealedTo publicKey: [UInt8]) async throws -> [SealedKey] {
        let identity = try await identity(of: record)
        var keys: [SealedKey] = []
        for (index, layer) in layers.enumerated() {
            let recipient = DataKeyRecipient(publicKey: publicKey, disk: record.disk, layer: index)
            keys.append(try await open(layer, as: identity, for: recipient))
        }
        return keys
    }

    /// The data keys of all layers of a disk, also of those that its re-encryption leads to, each sealed to `publicKey`.
    ///
    /// - Throws: ``APIError`` of the key service if a key may not be used.
    func open(_ status: DiskStatus, of record: DiskRecord, sealedTo publicKey: [UInt8]) async throws -> [SealedKey] {
        var keys: [SealedKey] = []
        for placed in status.placedLayers(of: record) {
            let recipient = DataKeyRecipient(publicKey: publicKey, disk: record.disk, layer: placed.number)
            keys.append(try await open(placed.layer, as: try await identity(of: placed.set), for: recipient))
        }
        return keys
    }

    /// The data keys of `source`, whose layers are `layers`, as those of another disk with its own encryption: each wrapped by the
    /// key that the other disk is to have there, and sealed for it.
    ///
    /// - Parameters:
    ///   - encryption: The other disk's, which has as many layers.
    ///   - set: The other disk's encryption set, unless only platform keys are used.
    /// - Throws: ``APIError`` of a key service if a key may not be used.
    func share(
        _ layers: [DiskLayer], of source: DiskRecord, with disk: DiskID, encryption: DiskEncryptionType, set: EncryptionSetRecord?,
        sealedTo publicKey: [UInt8]
    ) async throws -> [WrappedDataKey] {
        var keys: [WrappedDataKey] = []
        for (index, layer) in layers.enumerated() {
            let recipient = DataKeyRecipient(publicKey: publicKey, disk: disk, layer: index)
            let isCustomers = index == 0 && encryption.usesCustomerKey
            keys.append(try await share(layer, of: source, under: isCustomers ? set : nil, with: recipient))
        }
        return keys
    }

    /// One layer's data key under a set's key or, without a set, under the platform's.
    func share(
        _ layer: DiskLayer, of source: DiskRecord, under set: EncryptionSetRecord?, with recipient: DataKeyRecipient
    ) async throws -> WrappedDataKey {
        let identity = try await identity(of: source)
        if let set {
            if layer.keyID == set.activeKey.url.text, source.set == set.id {
                return WrappedDataKey(layer: layer, sealed: try await customer.openDataKey(layer, as: identity, for: recipient))
            }
            return try await customer.adoptDataKey(under: set.activeKey.url.text, as: try await identities.caller(of: set), for: recipient) {
                try await open(layer, as: identity, for: $0)
            }
        }
        guard layer.isCustomers else {
            return WrappedDataKey(layer: layer, sealed: try await platform.openDataKey(layer, as: .platform, for: recipient))
        }
        return try await platform.adoptDataKey(under: Self.platformKeyID, as: .platform, for: recipient) {
            try await open(layer, as: identity, for: $0)
        }
    }

    private func open(_ layer: DiskLayer, as identity: Caller, for recipient: DataKeyRecipient) async throws -> SealedKey {
        layer.isCustomers
            ? try await customer.openDataKey(layer, as: identity, for: recipient)
            : try await platform.openDataKey(layer, as: .platform, for: recipient)
    }

    /// The identity that may use the keys of a disk.
    private func identity(of record: DiskRecord) async throws -> Caller { try await identity(of: record.set) }

    private func identity(of set: ResourceID?) async throws -> Caller {
        guard let id = set else { return .platform }
        guard let set = try await store.read({ try $0.encryptionSet(id) }) else { throw APIError.encryptionSetNotFound(id) }
        return try await identities.caller(of: set)
    }
}

extension DiskLayer {
    /// Whether a customer's key wraps the data key, and not one of the platform's.
    var isCustomers: Bool { keyID.hasPrefix("https://") }

    /// The version of the wrapping key.
    var keyVersion: String {
        KeyURL(keyID)?.version ?? keyID.split(separator: ":", maxSplits: 1).last.map(String.init) ?? ""
    }
}
