import CofferModel
import CofferPlatform

/// Makes and opens the data keys of a disk's layers, each with the key service that its wrapping key belongs to.
struct DiskKeys: Sendable {
    /// What a platform key service takes for its newest key.
    static let platformKeyID = "platform"

    let customer: any KeyService
    let platform: any KeyService
    let store: any Store

    /// New data keys for all layers of a disk, the one next to the guest first.
    ///
    /// - Parameter set: The disk's encryption set, unless only platform keys are used.
    /// - Throws: ``APIError`` of the key service if the set's identity may not use the set's key.
    func make(for record: DiskRecord, set: EncryptionSetRecord?, sealedTo publicKey: [UInt8]) async throws -> [WrappedDataKey] {
        var keys: [WrappedDataKey] = []
        if let set, record.encryption.usesCustomerKey {
            keys.append(try await customer.makeDataKey(
                under: set.activeKey.url.text, as: set.identity.caller,
                for: DataKeyRecipient(publicKey: publicKey, disk: record.disk, layer: 0)))
        }
        if record.encryption != .customerKey {
            keys.append(try await platform.makeDataKey(
                under: Self.platformKeyID, as: .platform,
                for: DataKeyRecipient(publicKey: publicKey, disk: record.disk, layer: keys.count)))
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
            keys.append(
                layer.isCustomers
                    ? try await customer.openDataKey(layer, as: identity, for: recipient)
                    : try await platform.openDataKey(layer, as: .platform, for: recipient))
        }
        return keys
    }

    /// The identity that may use the keys of a disk.
    private func identity(of record: DiskRecord) async throws -> Caller {
        guard let id = record.set else { return .platform }
        guard let set = try await store.read({ try $0.encryptionSet(id) }) else { throw APIError.encryptionSetNotFound(id) }
        return set.identity.caller
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
