import CofferCore
import CofferModel
import CofferPlatform
import Foundation

/// Makes and deletes disks in steps that a crash may interrupt anywhere: the record says first what is meant, then the host does
/// it, then the record says that it is done. ``settle(_:)`` ends what was interrupted.
///
/// Whoever calls holds the disk's turn.
struct DiskCreation: Sendable {
    let store: any Store
    let keys: DiskKeys
    let hosted: HostedDisks
    let changes: DiskChange
    let clock: any WallClock
    let running: RunningImports

    func newID() -> DiskID {
        let id = UUID().uuid
        let bytes = [
            id.0, id.1, id.2, id.3, id.4, id.5, id.6, id.7, id.8, id.9, id.10, id.11, id.12, id.13, id.14, id.15,
        ]
        guard let disk = DiskID(bytes: bytes) else { preconditionFailure("a UUID has 16 bytes") }
        return disk
    }

    /// Makes the disk that `record` describes.
    ///
    /// - Parameter source: What its data is to be, as it is now; nil for none.
    /// - Returns: Its record, in the phase `creating` while its host copies.
    /// - Throws: ``APIError`` if its keys may not be used or its host refuses; then nothing is left of it.
    func create(_ record: DiskRecord, of source: DiskRecord? = nil) async throws -> DiskRecord {
        let set = try await begin(record)
        do {
            try await hosted.withRecipientKey { publicKey in
                if let source {
                    let source = try await changes.noteReencryption(source)
                    let status = try await hosted.inspect(source.disk)
                    let shared = try await keys.share(
                        status.layers, of: source, with: record.disk, encryption: record.encryption, set: set, sealedTo: publicKey)
                    try await hosted.copy(record.disk, of: source.disk, keys: shared)
                } else {
                    let made = try await keys.make(for: record, set: set, sealedTo: publicKey)
                    try await hosted.create(record.disk, byteCount: record.byteCount, keys: made)
                }
            }
        } catch {
            // Whether the host has made it may be unknown, if it did not answer. What cannot be taken back now is settled later.
            try? await delete(record)
            if let failure = error as? DiskFailure { throw APIError.diskHost(failure, record.id) }
            throw error
        }
        guard source != nil else { return try await finish(record) }
        guard let settled = try await settle(record) else { throw APIError.diskIsChanging(record.id) }
        return settled
    }

    /// Makes an empty disk and opens it, to be filled before anybody uses it.
    ///
    /// - Throws: ``APIError``; then nothing is left of it.
    func createOpen(_ record: DiskRecord) async throws -> DiskExport {
        let set = try await begin(record)
        do {
            let status = try await hosted.withRecipientKey { publicKey in
                let made = try await keys.make(for: record, set: set, sealedTo: publicKey)
                try await hosted.create(record.disk, byteCount: record.byteCount, keys: made)
                return try await hosted.open(record.disk, keys: made.map(\.sealed))
            }
            guard let export = status.export else { throw DiskFailure(.system, "the disk's host gave no export") }
            return export
        } catch {
            try? await delete(record)
            if let failure = error as? DiskFailure { throw APIError.diskHost(failure, record.id) }
            throw error
        }
    }

    /// Ends an import: the disk is complete or, for `reason`, has failed.
    func endImport(_ record: DiskRecord, because reason: String?) async throws {
        do {
            try await hosted.close(record.disk)
        } catch let failure as DiskFailure where reason == nil {
            // What was written may be lost.
            _ = try await fail(record, failure.message)
            throw failure
        }
        if let reason { _ = try await fail(record, reason) } else { _ = try await finish(record) }
    }

    /// Deletes a disk that is not attached.
    func delete(_ record: DiskRecord) async throws {
        let isOurs = try await store.write { transaction in
            try transaction.change(record) { $0.phase = .deleting } != nil
        }
        guard isOurs else { return }
        try await APIError.answering(record.id) {
            do {
                try await hosted.delete(record.disk)
            } catch let failure as DiskFailure where failure.code == .busy {
                // It was detached when its host could not be reached.
                try await hosted.close(record.disk)
                try await hosted.delete(record.disk)
            }
        }
        try await forget(record)
    }

    /// Brings a creation, deletion or change to its end that was interrupted or that the host goes on with by itself: a disk that its
    /// host has made is kept, an empty one that it has not is forgotten, a copy that failed says so.
    ///
    /// - Returns: The disk, in the phase `creating` while its host copies, or nil if there is none now.
    func settle(_ record: DiskRecord) async throws -> DiskRecord? {
        switch record.phase {
        case .succeeded: return try await changes.settle(record)
        case .failed: return record
        case .deleting:
            try await delete(record)
            return nil
        case .creating:
            return try await APIError.answering(record.id) { try await settleCreation(record) }
        }
    }

    /// The disk to work on under a name, once what a crash left of an earlier one is settled; nil if there is none.
    ///
    /// - Throws: ``APIError`` if it is still being made of its source.
    func settled(_ id: ResourceID) async throws -> DiskRecord? {
        guard let record = try await store.read({ try $0.disk(id) }), let now = try await settle(record) else { return nil }
        switch now.phase {
        case .succeeded: return now
        case .creating, .deleting: throw APIError.diskIsChanging(id)
        case .failed:
            try await delete(now)
            return nil
        }
    }

    /// A disk as it is now, with how far its host is where it copies.
    func look(at record: DiskRecord, _ turns: Turns) async throws -> ShownDisk {
        if record.reencryption != nil { return try await lookAtReencryption(record, turns) }
        guard record.phase == .creating, record.origin != nil else { return ShownDisk(record: record) }
        let now = try await turns.take(record.id.key) {
            guard let now = try await store.read({ try $0.disk(record.id) }) else { throw APIError.resourceNotFound(record.id) }
            guard let settled = try await settle(now) else { throw APIError.resourceNotFound(record.id) }
            return settled
        }
        guard now.phase == .creating, let status = try? await hosted.find(now.disk) else { return ShownDisk(record: now) }
        let share = Double(status.copiedByteCount ?? 0) / Double(max(1, status.byteCount))
        return ShownDisk(record: now, percent: (share * 1000).rounded(.down) / 10)
    }

    private func lookAtReencryption(_ record: DiskRecord, _ turns: Turns) async throws -> ShownDisk {
        let now = try await turns.take(record.id.key) {
            guard let now = try await store.read({ try $0.disk(record.id) }) else { throw APIError.resourceNotFound(record.id) }
            return try await changes.noteReencryption(now)
        }
        guard now.reencryption != nil, let status = try? await hosted.find(now.disk) else { return ShownDisk(record: now) }
        let share = Double(status.reencryption?.doneByteCount ?? 0) / Double(max(1, status.byteCount))
        return ShownDisk(record: now, percent: (share * 1000).rounded(.down) / 10)
    }

    private func settleCreation(_ record: DiskRecord) async throws -> DiskRecord? {
        if record.origin?.format != nil {
            guard running.percent(record.id) == nil else { return record }
            _ = try? await hosted.close(record.disk)
            return try await fail(record, "The import was interrupted. Delete the disk and import it again.")
        }
        let found = try await hosted.find(record.disk)
        switch found?.state {
        case .copying: return record
        case .failed: return try await fail(record, found?.reason ?? "The disk's host could not copy its source.")
        case .open, .closed, .suspended:
            if let found, record.origin != nil, found.byteCount < record.byteCount {
                try await hosted.resize(record.disk, to: record.byteCount)
            }
            return try await finish(record)
        case nil: break
        }
        guard record.origin == nil else { return try await fail(record, "Copying the source was interrupted. Delete it and make it again.") }
        try await delete(record)
        return nil
    }

    /// Records that a disk could not be made of its source. Nothing is left of it at its host.
    private func fail(_ record: DiskRecord, _ reason: String) async throws -> DiskRecord? {
        try await hosted.delete(record.disk)
        return try await store.write { transaction in
            try transaction.change(record) { record in
                record.phase = .failed
                record.reason = reason
            }
        }
    }

    /// Writes the record, in one transaction with a last look at the set: from now on the set cannot be deleted, and a rotation
    /// waits for this disk.
    private func begin(_ record: DiskRecord) async throws -> EncryptionSetRecord? {
        do {
            return try await store.write { transaction in
                var set: EncryptionSetRecord?
                if let id = record.set {
                    set = try transaction.encryptionSet(id)
                    guard let set else { throw APIError.encryptionSetNotFound(id) }
                    guard !set.isBeingDeleted else { throw APIError.encryptionSetBeingDeleted(id) }
                }
                try transaction.put(record, record.id.key, in: DiskRecord.collection, if: .absent)
                return set
            }
        } catch StoreError.preconditionFailed {
            throw APIError.diskIsChanging(record.id)
        }
    }

    private func finish(_ record: DiskRecord) async throws -> DiskRecord {
        let finished = try await store.write { transaction in
            try transaction.change(record) { $0.phase = .succeeded }
        }
        guard let finished else {
            // Someone took it for abandoned and forgot it.
            try await hosted.delete(record.disk)
            throw APIError.diskIsChanging(record.id)
        }
        return finished
    }

    private func forget(_ record: DiskRecord) async throws {
        try await store.write { transaction in
            guard try transaction.disk(record.id)?.disk == record.disk else { return }
            try transaction.remove(record.id.key, in: DiskRecord.collection, if: .any)
        }
    }
}
