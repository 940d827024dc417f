import CofferCore
import CofferModel
import CofferPlatform

/// Grants and revokes access to the contents of disks and snapshots.
struct DiskAccessService: Sendable {
    let store: any Store
    let creation: DiskCreation
    let accesses: DiskAccesses
    let keeper: DiskKeeper
    let hosted: HostedDisks
    let turns: Turns
    /// `https://localhost:8443`.
    let authority: String

    /// Opens a disk to whoever gets the URL. An access of the same kind that there is ends with it.
    ///
    /// - Throws: ``APIError`` if the disk is in use or incomplete, or its keys may not be used; then nobody has access.
    func grant(_ id: ResourceID, _ wanted: DiskAccessSpecification, by grant: Grant) async throws -> DiskAccessURL {
        try await turns.take(id.key) {
            let found = try await usable(id)
            guard !found.isAttached else { throw APIError.attachedDiskHasNoAccess(id) }
            guard wanted.level == .read || found.isAwaitingUpload else { throw APIError.accessIsForReading(id) }
            guard wanted.level == .write || !found.isAwaitingUpload else { throw APIError.accessIsForWriting(id) }
            let record = try await accesses.end(found)
            let now = creation.clock.now()
            let (access, secret) = DiskAccess.make(wanted.level, until: now.adding(wanted.duration))
            // The record first: from now on nobody attaches or deletes the disk.
            let opened = try await store.write { transaction in
                let changed = try transaction.change(record) { record in
                    guard !record.isAttached else { return }
                    record.access = access
                    if access.level == .write { record.upload?.hasBegun = true }
                }
                if changed?.access == access { try transaction.remember(access, of: id, now: now) }
                return changed
            }
            guard let opened, opened.phase == .succeeded, opened.access == access else { throw APIError.diskIsChanging(id) }
            do {
                _ = try await keeper.serve(opened, hosted.inspect(opened.disk))
            } catch {
                _ = try? await accesses.end(opened)
                if let failure = error as? DiskFailure { throw APIError.diskHost(failure, id) }
                throw error
            }
            return DiskAccessURL(authority: authority, access: access, secret: secret)
        }
    }

    /// Ends the access to a disk; what was uploaded is the disk from now on. One that nobody has access to stays as it is.
    func revoke(_ id: ResourceID, by grant: Grant) async throws {
        try await turns.take(id.key) {
            guard let record = try await store.read({ try $0.disk(id) }) else { throw APIError.resourceNotFound(id) }
            _ = try await accesses.end(record, completesUpload: true)
        }
    }

    /// A disk that is there and complete.
    private func usable(_ id: ResourceID) async throws -> DiskRecord {
        guard let found = try await store.read({ try $0.disk(id) }), let record = try await creation.settle(found) else {
            throw APIError.resourceNotFound(id)
        }
        if record.phase == .failed { throw APIError.diskFailed(id, record.reason) }
        guard record.phase == .succeeded else { throw APIError.diskIsChanging(id) }
        return record
    }

    /// An access with its disk.
    ///
    /// - Returns: nil unless there is such an access now and this is its secret.
    func access(_ access: String, secret: String) async throws -> (disk: DiskRecord, access: DiskAccess)? {
        guard let disk = try await store.read({ transaction in try transaction.accessPlace(access).flatMap { try transaction.disk($0.disk) } }),
            let found = disk.access(at: creation.clock.now()), found.id == access, found.isOpened(by: secret)
        else { return nil }
        return (disk, found)
    }

    /// The disk that an access was granted to, whether or not it still is.
    func place(_ access: String) async throws -> ResourceID? {
        try await store.read { try $0.accessPlace(access)?.disk }
    }

    /// Remembers that the first use of an access is in the audit log.
    func noteUse(_ access: DiskAccess, of disk: DiskRecord) async throws {
        _ = try await store.write { transaction in
            try transaction.change(disk) { record in
                if record.access?.id == access.id { record.access?.isUsed = true }
            }
        }
    }
}
