import CofferCore
import CofferModel
import CofferPlatform

/// What Azure Resource Manager can do with disks.
struct DisksService: Sendable {
    let store: any Store
    let creation: DiskCreation
    let updates: DiskUpdates
    let sources: DiskSources
    let chooser: EncryptionChooser
    let imports: DiskImports
    let accesses: DiskAccesses
    let turns: Turns

    /// - Throws: ``APIError/resourceNotFound(_:)``.
    func disk(_ id: ResourceID, by grant: Grant) async throws -> ShownDisk {
        guard let record = try await store.read({ try $0.disk(id) }) else { throw APIError.resourceNotFound(id) }
        return try await show(record)
    }

    /// All disks below a subscription or group.
    func disks(in scope: ResourceID) async throws -> [DiskRecord] {
        try await store.read { try $0.disks(in: scope, type: DisksRoutes.type) }
    }

    /// Makes a disk, or changes one; what is left out stays as it is, but tags, which are replaced.
    func put(_ id: ResourceID, as wanted: DiskSpecification, by grant: Grant) async throws -> ShownDisk {
        let record = try await turns.take(id.key) {
            if let old = try await creation.settled(id) {
                guard let location = wanted.location else { throw APIError.locationNotAvailable("") }
                guard location == old.location else { throw APIError.resourceLocationFixed(id, old.location, asked: location) }
                return try await updates.apply(wanted, to: old, tags: wanted.tags ?? [:], by: grant)
            }
            return try await make(id, as: wanted, by: grant)
        }
        return try await show(record)
    }

    /// Changes what `wanted` says something of.
    func patch(_ id: ResourceID, with wanted: DiskSpecification, by grant: Grant) async throws -> ShownDisk {
        let record = try await turns.take(id.key) {
            guard let old = try await creation.settled(id) else { throw APIError.resourceNotFound(id) }
            return try await updates.apply(wanted, to: old, tags: wanted.tags ?? old.tags, by: grant)
        }
        return try await show(record)
    }

    /// Deletes a disk that is not attached: its wrapped keys first, so that nothing can read it any more, then its data. Ends an
    /// import or a copy in progress.
    ///
    /// - Returns: Whether there was one.
    func delete(_ id: ResourceID, by grant: Grant) async throws -> Bool {
        await imports.cancel(id)
        return try await turns.take(id.key) {
            guard let record = try await store.read({ try $0.disk(id) }) else { return false }
            guard record.isFree else { throw APIError.diskIsAttached(record) }
            try await creation.delete(accesses.requireNone(record))
            return true
        }
    }

    /// A disk with how far its making is, looked after once more.
    private func show(_ record: DiskRecord) async throws -> ShownDisk {
        if let percent = imports.percent(record.id) { return ShownDisk(record: record, percent: percent) }
        return try await creation.look(at: record, turns)
    }

    /// Makes a disk if all rules are kept.
    private func make(_ id: ResourceID, as wanted: DiskSpecification, by grant: Grant) async throws -> DiskRecord {
        guard let location = wanted.location, !location.isEmpty else { throw APIError.locationNotAvailable("") }
        let sku = wanted.sku ?? .standardHDD
        switch wanted.creation {
        case nil: throw APIError.createOptionRequired
        case .empty:
            guard let byteCount = wanted.size?.byteCount else { throw APIError.diskSizeRequired }
            let choice = try await chooser.choose(for: id, wanted, sku: sku, location: location, by: grant)
            return try await creation.create(plan(id, wanted, sku, location, byteCount, choice))
        case .upload(let upload):
            let choice = try await chooser.choose(for: id, wanted, sku: sku, location: location, by: grant)
            let byteCount = upload.byteCount - UInt64(VHDFooter.byteCount)
            guard wanted.size?.isSize(of: byteCount) ?? true else { throw APIError.uploadSizeSaysAll }
            var record = plan(id, wanted, sku, location, byteCount, choice)
            record.upload = upload
            return try await creation.create(record)
        case .importedFile(let uri):
            let choice = try await chooser.choose(for: id, wanted, sku: sku, location: location, by: grant)
            let image = try await imports.inspect(uri)
            let byteCount = try size(wanted, atLeast: image.byteCount, of: "the file")
            var record = plan(id, wanted, sku, location, byteCount, choice)
            record.origin = DiskOrigin(kind: .importedFile, uri: uri, format: image.format.rawValue)
            return try await imports.start(record, from: image)
        case .platformImage(let image):
            let choice = try await chooser.choose(for: id, wanted, sku: sku, location: location, by: grant)
            let byteCount = try size(wanted, atLeast: image.byteCount, of: "the image")
            var record = plan(id, wanted, sku, location, byteCount, choice)
            record.origin = DiskOrigin(
                kind: .image, source: image.id(subscription: id.subscription ?? "", location: location), uri: image.path, format: "raw")
            record.labels.osType = image.osType
            record.labels.hyperVGeneration = image.generation
            return try await imports.start(record, from: DiskImage(path: image.path, format: .raw, byteCount: image.byteCount))
        case .copy(let sourceID):
            let types = [DisksRoutes.type, SnapshotsRoutes.type]
            let source = try await sources.source(sourceID, types: types, for: id, location: location, by: grant)
            let origin = DiskOrigin(kind: .copy, source: sourceID, sourceDisk: source.disk)
            return try await make(id, as: wanted, sku, of: source, origin, by: grant)
        case .image(let imageID, let lun):
            let source = try await sources.source(
                imageID, types: [ImagesRoutes.type], lun: lun, for: id, location: location, by: grant)
            let origin = DiskOrigin(kind: .image, source: imageID, lun: lun, sourceDisk: source.disk)
            return try await make(id, as: wanted, sku, of: source, origin, by: grant)
        }
    }

    private func make(
        _ id: ResourceID, as wanted: DiskSpecification, _ sku: DiskSKU, of source: DiskRecord, _ origin: DiskOrigin, by grant: Grant
    ) async throws -> DiskRecord {
        let choice = try await chooser.choose(for: id, wanted, sku: sku, location: source.location, source: source, by: grant)
        let byteCount = try size(wanted, atLeast: source.byteCount, of: "the source")
        var record = plan(id, wanted, sku, source.location, byteCount, choice)
        record.origin = origin
        record.labels.osType = record.labels.osType ?? source.labels.osType
        record.labels.hyperVGeneration = record.labels.hyperVGeneration ?? source.labels.hyperVGeneration
        record.guestEncryption = try GuestEncryption.merged(source.guestEncryption, with: wanted.guestEncryption)
        return try await creation.create(record, of: source)
    }

    private func size(_ wanted: DiskSpecification, atLeast byteCount: UInt64, of what: String) throws -> UInt64 {
        guard let size = wanted.size, !size.isSize(of: byteCount) else { return byteCount }
        guard size.byteCount > byteCount else { throw APIError.smallerThanSource(DiskSize.gibibytes(of: byteCount), what) }
        return size.byteCount
    }

    private func plan(
        _ id: ResourceID, _ wanted: DiskSpecification, _ sku: DiskSKU, _ location: String, _ byteCount: UInt64, _ choice: EncryptionChoice
    ) -> DiskRecord {
        DiskRecord(
            id: id, disk: creation.newID(), location: location, tags: wanted.tags ?? [:], sku: sku, byteCount: byteCount,
            encryption: choice.type, set: choice.set, created: creation.clock.now(), labels: wanted.labels, phase: .creating,
            guestEncryption: wanted.guestEncryption.flatMap { $0.isEnabled ? $0 : nil })
    }
}

/// A disk, snapshot or image as it is to be shown.
struct ShownDisk: Sendable {
    let record: DiskRecord
    /// How much of it is there, of 100, while it is being made of its source.
    var percent: Double?
}
