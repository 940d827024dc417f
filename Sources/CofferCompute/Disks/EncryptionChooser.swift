import CofferModel
import CofferPlatform

/// How a disk, snapshot or image is to be encrypted.
struct EncryptionChoice: Sendable {
    let type: DiskEncryptionType
    /// Unless only platform keys are used.
    let set: ResourceID?
}

/// Decides how a disk, snapshot or image is encrypted from what a request says and what it is made of, by the rules.
struct EncryptionChooser: Sendable {
    let store: any Store
    let authorizer: any Authorizer
    let rules: RuleBook

    /// - Parameters:
    ///   - source: What it is made of: its encryption is taken over where the request says nothing.
    /// - Throws: ``APIError`` for the first rule that is broken.
    func choose(
        for id: ResourceID, _ wanted: DiskSpecification, sku: DiskSKU, location: String, source: DiskRecord? = nil, by grant: Grant
    ) async throws -> EncryptionChoice {
        let choice: EncryptionChoice
        if let source, wanted.set == nil, wanted.encryption.map({ $0 == source.encryption }) ?? true {
            choice = EncryptionChoice(type: source.encryption, set: source.set)
        } else {
            let set = try await set(for: id, wanted, location: location, by: grant)
            // A set that is named without a type says which type is meant.
            choice = EncryptionChoice(type: wanted.encryption ?? set?.type.ofDisks ?? .platformKey, set: set?.id)
        }
        try rules.require(
            .doubleEncryptionSKU, choice.type != .platformAndCustomerKeys || sku.allowsDoubleEncryption, ["sku": sku.rawValue])
        let isGuestEncrypted = source?.guestEncryption != nil || wanted.guestEncryption?.isEnabled == true
        try rules.require(.customerKeyGuestEncrypted, !choice.type.usesCustomerKey || !isGuestEncrypted, ["disk": id.name])
        if let source { try checkLayers(source, choice.type) }
        return choice
    }

    /// Refuses another number of layers than a copy's source has: its data would have to be encrypted anew.
    private func checkLayers(_ record: DiskRecord, _ type: DiskEncryptionType) throws {
        guard record.encryption.layerCount == type.layerCount else { throw APIError.layersDiffer(record, type) }
    }

    private func set(
        for id: ResourceID, _ wanted: DiskSpecification, location: String, by grant: Grant
    ) async throws -> EncryptionSetRecord? {
        guard let setID = wanted.set else {
            if let type = wanted.encryption { try rules.require(.setRequired, !type.usesCustomerKey, ["type": type.rawValue]) }
            return nil
        }
        try rules.require(.setWithPlatformKey, wanted.encryption != .platformKey, ["disk": id.name])
        let isSameSubscription = setID.subscription?.lowercased() == id.subscription?.lowercased()
        try rules.require(
            .setSubscription, isSameSubscription,
            ["set": setID.name, "theirs": setID.subscription ?? "", "ours": id.subscription ?? ""])
        let action = Action.management("Microsoft.Compute/diskEncryptionSets/read")
        try await authorizer.require(action, on: setID, linkedFrom: id, by: grant)
        guard let set = try await store.read({ try $0.encryptionSet(setID) }) else { throw APIError.encryptionSetNotFound(setID) }
        try rules.require(
            .setRegion, set.location == location, ["set": setID.name, "theirs": set.location, "ours": location])
        try rules.require(
            .setTypeMatch, set.type.ofDisks.map { (wanted.encryption ?? $0) == $0 } ?? false,
            ["set": setID.name, "theirs": set.type.rawValue, "type": wanted.encryption?.rawValue ?? "of a disk"])
        return set
    }
}

extension DiskEncryptionType {
    /// How many times the data is encrypted.
    var layerCount: Int { (usesCustomerKey ? 1 : 0) + (usesPlatformKey ? 1 : 0) }
}
