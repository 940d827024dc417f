import CofferCore
import CofferModel
import CofferPlatform

/// What Azure Resource Manager can do with managed images: disks to make others of.
struct ImagesService: Sendable {
    let store: any Store
    let creation: DiskCreation
    let sources: DiskSources
    let chooser: EncryptionChooser
    let turns: Turns

    /// - Throws: ``APIError/resourceNotFound(_:)``.
    func image(_ id: ResourceID, by grant: Grant) async throws -> ShownImage {
        guard let record = try await store.read({ try $0.image(id) }) else { throw APIError.resourceNotFound(id) }
        return try await show(record)
    }

    /// All images below a subscription or group.
    func images(in scope: ResourceID) async throws -> [ShownImage] {
        try await store.read { transaction in
            try transaction.images(in: scope).map { image in
                ShownImage(record: image, disks: try image.disks.map { try transaction.disk(image.part($0)) })
            }
        }
    }

    /// Makes an image of disks and snapshots, or changes the tags of one.
    func put(_ id: ResourceID, as wanted: ImageSpecification, by grant: Grant) async throws -> ShownImage {
        try await turns.take(id.key) {
            if let old = try await store.read({ try $0.image(id) }) {
                guard let location = wanted.location else { throw APIError.locationNotAvailable("") }
                guard location == old.location else { throw APIError.resourceLocationFixed(id, old.location, asked: location) }
                if try await show(old).phase != .failed {
                    guard wanted.disks.isEmpty || wanted.disks.map(\.source) == old.disks.map(\.source) else {
                        throw APIError.imageDisksFixed(id)
                    }
                    return try await show(try await retag(old, wanted.tags ?? [:]))
                }
                try await remove(old)
            }
            return try await make(id, as: wanted, by: grant)
        }
    }

    /// Replaces an image's tags, if any are given.
    func patch(_ id: ResourceID, tags: [String: String]?, by grant: Grant) async throws -> ShownImage {
        try await turns.take(id.key) {
            guard let old = try await store.read({ try $0.image(id) }) else { throw APIError.resourceNotFound(id) }
            return try await show(try await retag(old, tags ?? old.tags))
        }
    }

    /// Deletes an image. Disks that were made of it stay.
    ///
    /// - Returns: Whether there was one.
    func delete(_ id: ResourceID, by grant: Grant) async throws -> Bool {
        try await turns.take(id.key) {
            guard let record = try await store.read({ try $0.image(id) }) else { return false }
            try await remove(record)
            return true
        }
    }

    private func make(_ id: ResourceID, as wanted: ImageSpecification, by grant: Grant) async throws -> ShownImage {
        guard let location = wanted.location, !location.isEmpty else { throw APIError.locationNotAvailable("") }
        guard wanted.disks.first?.lun == nil, !wanted.disks.isEmpty else { throw APIError.imageDiskRequired }
        guard let osType = wanted.osType, !osType.isEmpty else { throw APIError.imageOSTypeRequired }
        let record = ImageRecord(
            id: id, location: location, tags: wanted.tags ?? [:], osType: osType, osState: wanted.osState ?? "Generalized",
            hyperVGeneration: wanted.hyperVGeneration, disks: wanted.disks.map { ImageRecord.Disk(lun: $0.lun, source: $0.source) },
            created: creation.clock.now())
        var plans: [(record: DiskRecord, source: DiskRecord)] = []
        for disk in wanted.disks { plans.append(try await plan(disk, of: record, by: grant)) }
        try await store.write { try $0.put(record, record.id.key, in: ImageRecord.collection) }
        do {
            for plan in plans {
                try await turns.take(plan.record.id.key) { _ = try await creation.create(plan.record, of: plan.source) }
            }
        } catch {
            try? await remove(record)
            throw error
        }
        return try await show(record)
    }

    private func plan(
        _ disk: ImageSpecification.Disk, of image: ImageRecord, by grant: Grant
    ) async throws -> (record: DiskRecord, source: DiskRecord) {
        let types = [DisksRoutes.type, SnapshotsRoutes.type]
        let source = try await sources.source(disk.source, types: types, for: image.id, location: image.location, by: grant)
        let choice = try await chooser.choose(
            for: image.id, DiskSpecification(location: image.location, set: disk.set), sku: .standardHDD, location: image.location,
            source: source, by: grant)
        let record = DiskRecord(
            id: ImageRecord.part(image.id, lun: disk.lun), disk: creation.newID(), location: image.location, tags: [:], sku: .standardHDD,
            byteCount: source.byteCount, encryption: choice.type, set: choice.set, created: image.created,
            labels: DiskLabels(osType: disk.lun == nil ? image.osType : nil, hyperVGeneration: image.hyperVGeneration), phase: .creating,
            origin: DiskOrigin(kind: .copy, source: disk.source, sourceDisk: source.disk), guestEncryption: source.guestEncryption)
        return (record, source)
    }

    /// An image with its disks as they are, looked after once more where they are being copied.
    private func show(_ record: ImageRecord) async throws -> ShownImage {
        var disks: [DiskRecord?] = []
        for disk in record.disks {
            guard let part = try await store.read({ try $0.disk(record.part(disk)) }) else {
                disks.append(nil)
                continue
            }
            disks.append(try await creation.look(at: part, turns).record)
        }
        return ShownImage(record: record, disks: disks)
    }

    private func retag(_ record: ImageRecord, _ tags: [String: String]) async throws -> ImageRecord {
        var changed = record
        changed.tags = tags
        let new = changed
        try await store.write { try $0.put(new, new.id.key, in: ImageRecord.collection) }
        return new
    }

    private func remove(_ record: ImageRecord) async throws {
        for disk in record.disks {
            let id = record.part(disk)
            try await turns.take(id.key) {
                if let part = try await store.read({ try $0.disk(id) }) { try await creation.delete(part) }
            }
        }
        _ = try await store.write { try $0.remove(record.id.key, in: ImageRecord.collection, if: .any) }
    }
}

extension APIError {
    fileprivate static let imageDiskRequired = invalidParameter(
        "An image has an OS disk: name its source in 'storageProfile.osDisk'.", target: "storageProfile.osDisk")
    fileprivate static let imageOSTypeRequired = invalidParameter(
        "Required parameter 'storageProfile.osDisk.osType' is missing (null). Say Linux or Windows.", target: "storageProfile.osDisk.osType")

    fileprivate static func imageDisksFixed(_ id: ResourceID) -> APIError {
        APIError(
            status: 409, code: "PropertyChangeNotAllowed",
            message: "Changing property 'storageProfile' is not allowed: the disks of image '\(id.name)' are fixed. Make another one.",
            target: "storageProfile")
    }
}
