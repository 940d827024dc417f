import CofferModel
import CofferPlatform

/// Changes disks and snapshots that are there: their size, their keys, and what is only kept and shown.
///
/// Whoever calls holds the disk's turn.
struct DiskUpdates: Sendable {
    let store: any Store
    let changes: DiskChange
    let chooser: EncryptionChooser
    let rules: RuleBook
    let accesses: DiskAccesses
    let limiter: DiskLimiter

    /// - Parameter tags: All tags that it is to have.
    /// - Throws: ``APIError`` for the first thing that cannot be changed so; then nothing is changed, or the size alone.
    func apply(
        _ wanted: DiskSpecification, to old: DiskRecord, tags: [String: String], by grant: Grant
    ) async throws -> DiskRecord {
        let old = try await changes.noteReencryption(old)
        let size = try newSize(wanted, of: old)
        let target = try await newKeys(wanted, of: old, by: grant)
        let sku = wanted.sku ?? old.sku
        let encryption = target?.encryption ?? old.encryption
        try rules.require(
            .doubleEncryptionSKU, encryption != .platformAndCustomerKeys || sku.allowsDoubleEncryption, ["sku": sku.rawValue])
        let guestEncryption = try GuestEncryption.merged(old.guestEncryption, with: wanted.guestEncryption)
        try rules.require(.customerKeyGuestEncrypted, !encryption.usesCustomerKey || guestEncryption == nil, ["disk": old.id.name])
        var record = old
        if size != nil || target != nil {
            guard !old.isAwaitingUpload else { throw APIError.diskAwaitsUpload(old.id) }
            record = try await accesses.requireNone(record)
        }
        if let size { record = try await changes.grow(record, to: size) }
        if let target {
            let isSameCount = target.encryption.layerCount == record.encryption.layerCount
            record = try await isSameCount ? changes.move(record, to: target) : changes.reencrypt(record, to: target)
        }
        let changed = try await store.write { transaction in
            try transaction.change(old) { record in
                record.tags = tags
                record.sku = sku
                record.labels.update(with: wanted.labels)
                record.guestEncryption = guestEncryption
            }
        }
        guard let changed else { throw APIError.resourceNotFound(old.id) }
        await limiter.hold(changed)
        return changed
    }

    /// The size to grow to, or nil if it stays.
    private func newSize(_ wanted: DiskSpecification, of old: DiskRecord) throws -> UInt64? {
        guard let size = wanted.size, !size.isSize(of: old.byteCount) else { return nil }
        guard size.byteCount > old.byteCount else { throw APIError.diskCannotShrink(old.id) }
        guard old.snapshot == nil else { throw APIError.snapshotSizeFixed(old.id) }
        return size.byteCount
    }

    /// The keys to move to, or nil if they stay.
    private func newKeys(_ wanted: DiskSpecification, of old: DiskRecord, by grant: Grant) async throws -> KeyMove? {
        try rules.require(.setWithPlatformKey, wanted.encryption != .platformKey || wanted.set == nil, ["disk": old.id.name])
        // `az disk update` leaves the set out of what it echoes for double encryption; that is no wish to change it.
        let keepsSet = wanted.set.map { $0 == old.set } ?? (wanted.encryption != .platformKey || old.set == nil)
        if keepsSet, wanted.encryption.map({ $0 == old.encryption }) ?? true { return nil }
        if let job = old.reencryption {
            // Asked for once more, while it is being done.
            let isSame = wanted.encryption == job.target.encryption && (wanted.set == nil || wanted.set == job.target.set)
            guard isSame else { throw APIError.diskIsReencrypted(old.id) }
            return nil
        }
        let choice = try await chooser.choose(for: old.id, wanted, sku: wanted.sku ?? old.sku, location: old.location, by: grant)
        let chain = try await store.read { try $0.incrementalSnapshots(of: old) }
        let names = chain.map(\.id.name).joined(separator: ", ")
        let isLeaving = old.encryption.usesCustomerKey && !choice.type.usesCustomerKey
        try rules.require(.customerKeyKept, !isLeaving, ["disk": old.id.name])
        try rules.require(.incrementalKeepsCustomerKey, !isLeaving || chain.isEmpty, ["disk": old.id.name, "snapshots": names])
        try rules.require(.incrementalOneSet, choice.set == old.set || chain.isEmpty, ["disk": old.id.name, "snapshots": names])
        try rules.require(.encryptionChangeAttached, !old.isAttached, ["disk": old.id.name, "group": old.id.group ?? ""])
        return KeyMove(encryption: choice.type, set: choice.set)
    }
}

extension DiskLabels {
    /// Takes over what `wanted` says something of.
    mutating func update(with wanted: DiskLabels) {
        osType = wanted.osType ?? osType
        hyperVGeneration = wanted.hyperVGeneration ?? hyperVGeneration
        zones = wanted.zones ?? zones
        tier = wanted.tier ?? tier
        iops = wanted.iops ?? iops
        mbps = wanted.mbps ?? mbps
    }
}
