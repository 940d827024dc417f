import CofferCore
import CofferModel
import CofferPlatform

/// What Azure Resource Manager can do with disks.
struct DisksService: Sendable {
    let store: any Store
    let creation: DiskCreation
    let authorizer: any Authorizer
    let rules: RuleBook
    let turns: Turns

    /// - Throws: ``APIError/resourceNotFound(_:)``.
    func disk(_ id: ResourceID, by grant: Grant) async throws -> DiskRecord {
        try await existing(id)
    }

    /// All disks below a subscription or group.
    func disks(in scope: ResourceID) async throws -> [DiskRecord] {
        try await store.read { try $0.values(DiskRecord.self, in: DiskRecord.collection, prefix: scope.key + "/") }
    }

    /// Makes a disk, or changes one; what is left out stays as it is, but tags, which are replaced.
    func put(_ id: ResourceID, as wanted: DiskSpecification, by grant: Grant) async throws -> DiskRecord {
        try await turns.take(id.key) {
            if let old = try await settled(id) {
                guard let location = wanted.location else { throw APIError.locationNotAvailable("") }
                guard location == old.location else { throw APIError.resourceLocationFixed(id, old.location, asked: location) }
                return try await change(old, to: wanted, tags: wanted.tags ?? [:])
            }
            let record = try await plan(id, as: wanted, by: grant)
            return try await creation.create(record)
        }
    }

    /// Changes what `wanted` says something of.
    func patch(_ id: ResourceID, with wanted: DiskSpecification, by grant: Grant) async throws -> DiskRecord {
        try await turns.take(id.key) {
            guard let old = try await settled(id) else { throw APIError.resourceNotFound(id) }
            return try await change(old, to: wanted, tags: wanted.tags ?? old.tags)
        }
    }

    /// Deletes a disk that is not attached: its wrapped keys first, so that nothing can read it any more, then its data.
    ///
    /// - Returns: Whether there was one.
    func delete(_ id: ResourceID, by grant: Grant) async throws -> Bool {
        try await turns.take(id.key) {
            guard let record = try await store.read({ try $0.disk(id) }) else { return false }
            guard !record.isAttached else { throw APIError.diskIsAttached(id) }
            try await creation.delete(record)
            return true
        }
    }

    /// The disk once what a crash left of an earlier creation or deletion is settled; nil if there is none.
    private func settled(_ id: ResourceID) async throws -> DiskRecord? {
        guard let record = try await store.read({ try $0.disk(id) }) else { return nil }
        return record.phase == .succeeded ? record : try await creation.settle(record)
    }

    private func existing(_ id: ResourceID) async throws -> DiskRecord {
        guard let record = try await store.read({ try $0.disk(id) }) else { throw APIError.resourceNotFound(id) }
        return record
    }

    /// The record of a disk that is to be made, if all rules are kept.
    private func plan(_ id: ResourceID, as wanted: DiskSpecification, by grant: Grant) async throws -> DiskRecord {
        guard let location = wanted.location, !location.isEmpty else { throw APIError.locationNotAvailable("") }
        guard wanted.createsEmpty else { throw APIError.createOptionRequired }
        guard let byteCount = wanted.size?.byteCount else { throw APIError.diskSizeRequired }
        let sku = wanted.sku ?? .standardHDD
        let set = try await set(for: id, wanted, location: location, by: grant)
        // A set that is named without a type says which type is meant.
        let encryption = wanted.encryption ?? set?.type ?? .platformKey
        try rules.require(
            .doubleEncryptionSKU, encryption != .platformAndCustomerKeys || sku.allowsDoubleEncryption, ["sku": sku.rawValue])
        return DiskRecord(
            id: id, disk: creation.newID(), location: location, tags: wanted.tags ?? [:], sku: sku, byteCount: byteCount,
            encryption: encryption, set: set?.id, created: creation.clock.now(), labels: wanted.labels, phase: .creating)
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
        guard try await authorizer.allows(grant.caller, action, on: setID) else {
            throw APIError.linkedAuthorizationFailed(grant.caller.applicationID, grant.caller.objectID, disk: id, set: setID)
        }
        guard let set = try await store.read({ try $0.encryptionSet(setID) }) else { throw APIError.encryptionSetNotFound(setID) }
        try rules.require(
            .setRegion, set.location == location, ["set": setID.name, "theirs": set.location, "ours": location])
        try rules.require(
            .setTypeMatch, wanted.encryption.map { $0 == set.type } ?? true,
            ["set": setID.name, "theirs": set.type.rawValue, "type": wanted.encryption?.rawValue ?? ""])
        return set
    }

    private func change(_ old: DiskRecord, to wanted: DiskSpecification, tags: [String: String]) async throws -> DiskRecord {
        if let size = wanted.size, !size.isSize(of: old.byteCount) {
            throw APIError.diskResize(old.id, isGrowth: size.byteCount > old.byteCount)
        }
        try rules.require(.setWithPlatformKey, wanted.encryption != .platformKey || wanted.set == nil, ["disk": old.id.name])
        // `az disk update` leaves the set out of what it echoes for double encryption; that is no wish to change it.
        let keepsSet = wanted.set.map { $0 == old.set } ?? (wanted.encryption != .platformKey || old.set == nil)
        guard wanted.encryption.map({ $0 == old.encryption }) ?? true, keepsSet else {
            try rules.require(.diskEncryptionFixed, false, ["disk": old.id.name])
            throw APIError.diskEncryptionChange(old.id)
        }
        if let sku = wanted.sku {
            try rules.require(
                .doubleEncryptionSKU, old.encryption != .platformAndCustomerKeys || sku.allowsDoubleEncryption, ["sku": sku.rawValue])
        }
        let changed = try await store.write { transaction in
            try transaction.change(old) { record in
                record.tags = tags
                record.sku = wanted.sku ?? record.sku
                record.labels.osType = wanted.labels.osType ?? record.labels.osType
                record.labels.hyperVGeneration = wanted.labels.hyperVGeneration ?? record.labels.hyperVGeneration
                record.labels.zones = wanted.labels.zones ?? record.labels.zones
            }
        }
        guard let changed else { throw APIError.resourceNotFound(old.id) }
        return changed
    }
}
