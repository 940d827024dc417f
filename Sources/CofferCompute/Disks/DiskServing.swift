import CofferCore
import CofferModel
import CofferPlatform

/// Has disks served to guests, and ends it.
struct DiskServing: Sendable {
    let store: any Store
    let keeper: DiskKeeper
    let hosted: HostedDisks
    let accesses: DiskAccesses
    let turns: Turns

    /// Opens a disk. One that is open already stays so, if its keys may still be used.
    ///
    /// - Parameters:
    ///   - machine: The virtual machine that it belongs to; nil for whoever asks by hand.
    ///   - use: What it is opened for.
    /// - Throws: ``APIError`` that says which key may not be used and why; then the disk is as it was.
    func open(_ id: ResourceID, for machine: ResourceID?, use: DiskUse? = nil) async throws -> InspectedDisk {
        try await turns.take(id.key) {
            let found = try await usable(id)
            guard found.machine == machine else { throw APIError.diskInUse(found) }
            guard !found.isAwaitingUpload else { throw APIError.diskAwaitsUpload(id) }
            let record = try await accesses.requireNone(found)
            // The wish first: from now on nobody deletes the disk, and a change of its key is a change for it.
            let wish = try await wish(record, isAttached: true, use: use)
            do {
                var status = try await hosted.inspect(record.disk)
                // What an access opened for reading, and could not close, is opened anew for a guest.
                if !record.isAttached, status.state == .open || status.state == .suspended { status = try await hosted.close(record.disk) }
                return InspectedDisk(wish, try await keeper.serve(wish, status))
            } catch {
                if !record.isAttached {
                    // Its host may have opened it before the answer was lost.
                    _ = try? await hosted.close(record.disk)
                    _ = try? await self.wish(record, isAttached: false)
                }
                if let failure = error as? DiskFailure { throw APIError.diskHost(failure, id) }
                throw error
            }
        }
    }

    /// Ends the connections of a disk, syncs it and wipes its keys from memory.
    func close(_ id: ResourceID, for machine: ResourceID?) async throws -> InspectedDisk {
        try await turns.take(id.key) {
            let record = try await usable(id)
            guard record.machine == machine else { throw APIError.diskInUse(record) }
            let wish = try await wish(record, isAttached: false)
            return try await APIError.answering(id) {
                let closed = try await hosted.close(wish.disk)
                // Its re-encryption goes on by itself. What keeps it is told by its status, and tried again later.
                _ = try? await keeper.creation.changes.goOn(wish)
                return InspectedDisk(wish, closed.reencryption == nil ? closed : try await hosted.inspect(wish.disk))
            }
        }
    }

    /// - Throws: ``APIError`` if there is no such disk, or it is not complete.
    func usable(_ id: ResourceID) async throws -> DiskRecord {
        guard let record = try await store.read({ try $0.disk(id) }) else { throw APIError.resourceNotFound(id) }
        if record.phase == .failed { throw APIError.diskFailed(id, record.reason) }
        guard record.phase == .succeeded else { throw APIError.diskIsChanging(id) }
        return record
    }

    private func wish(_ record: DiskRecord, isAttached: Bool, use: DiskUse? = nil) async throws -> DiskRecord {
        let changed = try await store.write { transaction in
            try transaction.change(record) { record in
                guard !isAttached || record.access == nil else { return }
                record.isAttached = isAttached
                record.use = use
                (record.reason, record.loss) = (nil, nil)
            }
        }
        guard let changed, changed.phase == .succeeded, changed.isAttached == isAttached else { throw APIError.diskIsChanging(record.id) }
        return changed
    }
}
