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
    let clock: any WallClock

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
    /// - Throws: ``APIError`` if its keys may not be used or its host refuses; then nothing is left of it.
    func create(_ record: DiskRecord) async throws -> DiskRecord {
        let set = try await begin(record)
        do {
            try await hosted.withRecipientKey { publicKey in
                let made = try await keys.make(for: record, set: set, sealedTo: publicKey)
                try await hosted.create(record.disk, byteCount: record.byteCount, keys: made)
            }
        } catch {
            // Whether the host has made it may be unknown, if it did not answer. What cannot be taken back now is settled later.
            try? await delete(record)
            if let failure = error as? DiskFailure { throw APIError.diskHost(failure, record.id) }
            throw error
        }
        return try await finish(record)
    }

    /// Deletes a disk that is not attached.
    func delete(_ record: DiskRecord) async throws {
        let isOurs = try await store.write { transaction in
            try transaction.change(record) { $0.phase = .deleting } != nil
        }
        guard isOurs else { return }
        do {
            do {
                try await hosted.delete(record.disk)
            } catch let failure as DiskFailure where failure.code == .busy {
                // It was detached when its host could not be reached.
                try await hosted.close(record.disk)
                try await hosted.delete(record.disk)
            }
        } catch let failure as DiskFailure {
            throw APIError.diskHost(failure, record.id)
        }
        try await forget(record)
    }

    /// Ends an interrupted creation or deletion: a disk that its host has made is kept, one that it has not is forgotten.
    ///
    /// - Returns: The disk, or nil if there is none now.
    func settle(_ record: DiskRecord) async throws -> DiskRecord? {
        switch record.phase {
        case .succeeded:
            return record
        case .creating:
            do {
                if let found = try await hosted.find(record.disk), found.byteCount == record.byteCount { return try await finish(record) }
            } catch let failure as DiskFailure {
                throw APIError.diskHost(failure, record.id)
            }
            try await delete(record)
            return nil
        case .deleting:
            try await delete(record)
            return nil
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
