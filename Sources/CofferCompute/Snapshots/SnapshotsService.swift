import CofferCore
import CofferModel
import CofferPlatform

/// What Azure Resource Manager can do with snapshots: disks as they were at one moment, which nobody writes to.
struct SnapshotsService: Sendable {
    let store: any Store
    let creation: DiskCreation
    let updates: DiskUpdates
    let sources: DiskSources
    let chooser: EncryptionChooser
    let rules: RuleBook
    let accesses: DiskAccesses
    let turns: Turns

    /// - Throws: ``APIError/resourceNotFound(_:)``.
    func snapshot(_ id: ResourceID, by grant: Grant) async throws -> ShownDisk {
        guard let record = try await store.read({ try $0.disk(id) }) else { throw APIError.resourceNotFound(id) }
        return try await creation.look(at: record, turns)
    }

    /// All snapshots below a subscription or group.
    func snapshots(in scope: ResourceID) async throws -> [DiskRecord] {
        try await store.read { try $0.disks(in: scope, type: SnapshotsRoutes.type) }
    }

    /// Makes a snapshot, or changes one; what is left out stays as it is, but tags, which are replaced.
    ///
    /// The snapshot holds what had been written when this was called, and nothing that is written after it returns.
    func put(_ id: ResourceID, as wanted: DiskSpecification, by grant: Grant) async throws -> ShownDisk {
        let record = try await turns.take(id.key) {
            if let old = try await creation.settled(id) {
                guard let location = wanted.location else { throw APIError.locationNotAvailable("") }
                guard location == old.location else { throw APIError.resourceLocationFixed(id, old.location, asked: location) }
                guard wanted.isIncremental.map({ $0 == old.snapshot?.isIncremental }) ?? true else {
                    throw APIError.snapshotKindFixed(id)
                }
                return try await updates.apply(wanted, to: old, tags: wanted.tags ?? [:], by: grant)
            }
            return try await make(id, as: wanted, by: grant)
        }
        return try await creation.look(at: record, turns)
    }

    /// Changes what `wanted` says something of.
    func patch(_ id: ResourceID, with wanted: DiskSpecification, by grant: Grant) async throws -> ShownDisk {
        ShownDisk(record: try await turns.take(id.key) {
            guard let old = try await creation.settled(id) else { throw APIError.resourceNotFound(id) }
            return try await updates.apply(wanted, to: old, tags: wanted.tags ?? old.tags, by: grant)
        })
    }

    /// Deletes a snapshot. Others of its chain stay as they are: each is whole by itself.
    ///
    /// - Returns: Whether there was one.
    func delete(_ id: ResourceID, by grant: Grant) async throws -> Bool {
        try await turns.take(id.key) {
            guard let record = try await store.read({ try $0.disk(id) }) else { return false }
            try await creation.delete(accesses.requireNone(record))
            return true
        }
    }

    private func make(_ id: ResourceID, as wanted: DiskSpecification, by grant: Grant) async throws -> DiskRecord {
        guard let location = wanted.location, !location.isEmpty else { throw APIError.locationNotAvailable("") }
        guard case .copy(let sourceID) = wanted.creation else { throw APIError.snapshotSourceRequired }
        let types = [DisksRoutes.type, SnapshotsRoutes.type]
        let source = try await sources.source(sourceID, types: types, for: id, location: location, by: grant)
        let sku = wanted.sku ?? .standardHDD
        let choice = try await chooser.choose(for: id, wanted, sku: sku, location: location, source: source, by: grant)
        if let size = wanted.size, !size.isSize(of: source.byteCount) { throw APIError.snapshotSizeFixed(id) }
        let isIncremental = wanted.isIncremental ?? false
        if isIncremental {
            guard source.snapshot == nil || source.snapshot?.isIncremental == true else { throw APIError.incrementalSourceNotValid(id, source.id) }
            try rules.require(.incrementalOneSet, choice.set == source.set, ["disk": source.id.name, "snapshots": id.name])
        }
        let family = isIncremental ? source.snapshot?.family ?? source.disk : nil
        var labels = wanted.labels
        labels.osType = labels.osType ?? source.labels.osType
        labels.hyperVGeneration = labels.hyperVGeneration ?? source.labels.hyperVGeneration
        let record = DiskRecord(
            id: id, disk: creation.newID(), location: location, tags: wanted.tags ?? [:], sku: sku, byteCount: source.byteCount,
            encryption: choice.type, set: choice.set, created: creation.clock.now(), labels: labels, phase: .creating,
            origin: DiskOrigin(kind: .copy, source: sourceID, sourceDisk: source.disk),
            snapshot: SnapshotTraits(isIncremental: isIncremental, family: family),
            guestEncryption: try GuestEncryption.merged(source.guestEncryption, with: wanted.guestEncryption))
        return try await creation.create(record, of: source)
    }
}

extension APIError {
    fileprivate static let snapshotSourceRequired = invalidParameter(
        "A snapshot is made of a disk or of another snapshot: say createOption Copy and the source's id in 'sourceResourceId'.",
        target: "creationData")

    fileprivate static func snapshotKindFixed(_ id: ResourceID) -> APIError {
        APIError(
            status: 409, code: "PropertyChangeNotAllowed",
            message: "Changing property 'incremental' is not allowed for the snapshot '\(id.name)'. Make another one.", target: "incremental")
    }

    fileprivate static func incrementalSourceNotValid(_ id: ResourceID, _ source: ResourceID) -> APIError {
        invalidParameter(
            "The snapshot '\(id.name)' is to be incremental, and its source '\(source.name)' is a full snapshot. Name a disk or an incremental "
                + "snapshot, or leave 'incremental' out.", target: "incremental")
    }
}
