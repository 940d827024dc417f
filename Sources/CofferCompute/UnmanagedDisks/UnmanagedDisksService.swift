import CofferCore
import CofferModel
import CofferPlatform

/// Disks from before there were managed ones: page blobs that nothing encrypts at rest. They are imported, used by virtual machines, and
/// converted to managed disks.
struct UnmanagedDisksService: Sendable {
    let store: any Store
    let creation: DiskCreation
    let imports: DiskImports
    let authorizer: any Authorizer
    let rules: RuleBook
    let turns: Turns

    /// What a disk is to be imported from.
    struct Wish: Sendable {
        let location: String
        let tags: [String: String]
        /// As a disk's `creationData.sourceUri`.
        let uri: String
        let osType: String?
    }

    /// - Throws: ``APIError/resourceNotFound(_:)``.
    func disk(_ id: ResourceID, by grant: Grant) async throws -> ShownDisk {
        guard let record = try await store.read({ try $0.disk(id) }) else { throw APIError.resourceNotFound(id) }
        if let percent = imports.percent(record.id) { return ShownDisk(record: record, percent: percent) }
        return try await creation.look(at: record, turns)
    }

    /// All unmanaged disks below a subscription or group.
    func disks(in scope: ResourceID) async throws -> [DiskRecord] {
        try await store.read { try $0.disks(in: scope, type: UnmanagedDisksRoutes.type) }
    }

    /// Begins to import a disk as it is, without encryption.
    ///
    /// - Throws: ``APIError`` if there is one of this name, or the file cannot be imported.
    func importDisk(_ id: ResourceID, _ wish: Wish, by grant: Grant) async throws -> ShownDisk {
        let record = try await turns.take(id.key) {
            guard try await creation.settled(id) == nil else { throw APIError.unmanagedDiskExists(id) }
            let image = try await imports.inspect(wish.uri)
            return try await imports.start(
                DiskRecord(
                    id: id, disk: creation.newID(), location: wish.location, tags: wish.tags, sku: .standardHDD, byteCount: image.byteCount,
                    encryption: .unencrypted, set: nil, created: creation.clock.now(), labels: DiskLabels(osType: wish.osType), phase: .creating,
                    origin: DiskOrigin(kind: .importedFile, uri: wish.uri, format: image.format.rawValue)), from: image)
        }
        return try await disk(record.id, by: grant)
    }

    /// Deletes a disk that no machine has.
    ///
    /// - Returns: Whether there was one.
    func delete(_ id: ResourceID, by grant: Grant) async throws -> Bool {
        await imports.cancel(id)
        return try await turns.take(id.key) {
            guard let record = try await store.read({ try $0.disk(id) }) else { return false }
            guard record.isFree else { throw APIError.diskIsAttached(record) }
            try await creation.delete(record)
            return true
        }
    }

    /// Makes the unmanaged disks of a machine managed ones under a platform key. Each is encrypted where it lies, which may take long and
    /// goes on by itself after a crash of any part; meanwhile it can be used. The caller holds the machine's turn.
    ///
    /// - Returns: The machine with its managed disks.
    /// - Throws: ``APIError`` if it is allocated, has none, or a disk of the new name is there; then nothing is changed.
    func convert(disksOf record: MachineRecord, by grant: Grant) async throws -> MachineRecord {
        let old = record.disks.map(\.disk).filter(\.isUnmanagedDisk)
        guard !old.isEmpty else { throw APIError.machineHasManagedDisks(record.id) }
        try rules.require(.conversionDeallocated, record.power == .deallocated, ["machine": record.id.name, "group": record.id.group ?? ""])
        var names: [ResourceID: ResourceID] = [:]
        for id in old {
            let new = try ResourceID.compute(DisksRoutes.type, id.name, subscription: id.subscription ?? "", group: id.group)
            _ = try await authorizer.grant(.management("Microsoft.Compute/disks/write"), to: grant.caller, on: new)
            names[id] = new
        }
        let renamed = names
        let now = try await store.write { transaction in
            for (id, new) in renamed {
                guard try transaction.disk(new) == nil else { throw APIError.managedDiskExists(new) }
                guard var disk = try transaction.disk(id), disk.machine == record.id else { throw APIError.resourceNotFound(id) }
                guard disk.phase == .succeeded, !disk.isUnsettled else { throw APIError.diskIsChanging(id) }
                disk.rename(to: new)
                disk.reencryption = DiskReencryption(target: KeyMove(encryption: .platformKey, set: nil), bytesPerSecond: 0)
                try transaction.put(disk)
                try transaction.remove(id.key, in: DiskRecord.collection, if: .any)
            }
            return try transaction.change(record) { machine in
                machine.osDisk.become(renamed)
                for index in machine.dataDisks.indices { machine.dataDisks[index].become(renamed) }
            }
        }
        guard let now else { throw APIError.resourceNotFound(record.id) }
        for new in names.values {
            try await turns.take(new.key) {
                guard let disk = try await store.read({ try $0.disk(new) }) else { return }
                // What keeps it now is tried again later.
                _ = try? await creation.changes.goOn(disk)
            }
        }
        return now
    }
}

extension ResourceID {
    /// Whether it names a disk from before there were managed ones.
    var isUnmanagedDisk: Bool { isType("Microsoft.Compute/\(UnmanagedDisksRoutes.type)") }
}

extension MachineRecord.Disk {
    /// Takes the managed disk that it has become.
    fileprivate mutating func become(_ names: [ResourceID: ResourceID]) {
        guard let new = names[disk] else { return }
        disk = new
        vhd = nil
    }
}

extension APIError {
    fileprivate static func unmanagedDiskExists(_ id: ResourceID) -> APIError {
        APIError(
            status: 409, code: "BlobAlreadyExists",
            message: "There is an unmanaged disk '\(id.name)' already. Delete it first: coffer unmanaged-disk delete \(id.name) -g \(id.group ?? "")")
    }

    fileprivate static func managedDiskExists(_ id: ResourceID) -> APIError {
        APIError(
            status: 409, code: "ConflictingUserInput",
            message: "Disk '\(id.name)' already exists in resource group '\(id.group ?? "")', and an unmanaged disk of that name is to become a "
                + "managed one. Delete or rename it first.")
    }

    fileprivate static func machineHasManagedDisks(_ id: ResourceID) -> APIError {
        APIError(
            status: 409, code: "OperationNotAllowed",
            message: "VM '\(id.name)' already uses managed disks. There is nothing to convert: 'az disk update' changes how they are encrypted.")
    }
}
