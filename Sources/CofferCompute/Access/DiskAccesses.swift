import CofferCore
import CofferModel
import CofferPlatform

/// What becomes of the accesses that were granted to disks and snapshots.
///
/// Whoever calls holds the disk's turn.
struct DiskAccesses: Sendable {
    let store: any Store
    let hosted: HostedDisks
    let clock: any WallClock

    /// A disk that nobody has access to: one that has expired is ended.
    ///
    /// - Throws: ``APIError`` if there is one.
    func requireNone(_ record: DiskRecord) async throws -> DiskRecord {
        guard record.access(at: clock.now()) == nil else { throw APIError.diskHasActiveAccess(record.id) }
        return try await end(record)
    }

    /// Ends the access that there is: from now on its URL opens nothing, and the disk is closed.
    ///
    /// - Parameter completesUpload: Whether what was uploaded is the disk from now on, if anybody was given access to write it.
    func end(_ record: DiskRecord, completesUpload: Bool = false) async throws -> DiskRecord {
        let ended = record.access?.id
        guard ended != nil || completesUpload else { return record }
        let changed = try await store.write { transaction in
            try transaction.change(record) { record in
                guard record.access?.id == ended else { return }
                record.access = nil
                if completesUpload, record.upload?.hasBegun == true { record.upload?.isComplete = true }
            }
        }
        guard let changed else { throw APIError.resourceNotFound(record.id) }
        if ended != nil, !changed.isServed {
            _ = try await APIError.answering(record.id) { try await hosted.close(record.disk) }
        }
        return changed
    }
}
