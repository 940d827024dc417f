import CofferCore
import CofferModel
import CofferPlatform

/// Coffer's own operations on disks, which Azure has no words for.
struct DiskOperationsService: Sendable {
    let store: any Store
    let serving: DiskServing
    let changes: DiskChange
    let keys: DiskKeys
    let hosted: HostedDisks
    let turns: Turns

    /// Has a disk served to guests. One that is served already stays so, if its keys may still be used.
    ///
    /// - Throws: ``APIError`` that says which key may not be used and why; then the disk is as it was.
    func attach(_ id: ResourceID, by grant: Grant) async throws -> InspectedDisk { try await serving.open(id, for: nil) }

    /// Ends the connections of a disk, syncs it and wipes its keys from memory.
    func detach(_ id: ResourceID, by grant: Grant) async throws -> InspectedDisk { try await serving.close(id, for: nil) }

    func inspect(_ id: ResourceID, by grant: Grant) async throws -> InspectedDisk {
        let record = try await serving.usable(id)
        return try await APIError.answering(id) { InspectedDisk(record, try await hosted.inspect(record.disk)) }
    }

    /// What the clients of an attached disk have done since it was opened.
    func statistics(_ id: ResourceID, by grant: Grant) async throws -> (DiskRecord, DiskStatistics) {
        let record = try await serving.usable(id)
        guard record.isServed else { throw APIError.diskNotAttached(id) }
        return try await APIError.answering(id) { (record, try await hosted.statistics(record.disk)) }
    }

    /// All disks of a subscription as their host has them, and what it found beside them that is no disk.
    func list(in scope: ResourceID, by grant: Grant) async throws -> (disks: [InspectedDisk], refused: [RefusedDisk]) {
        let records = try await store.read { try $0.disks(in: scope, type: DisksRoutes.type) }
        return try await APIError.answering(scope) {
            let (listed, refused) = try await hosted.list()
            let byID = Dictionary(listed.map { ($0.disk, $0) }, uniquingKeysWith: { first, _ in first })
            return (records.map { InspectedDisk($0, byID[$0.disk]) }, refused)
        }
    }

    /// The data keys of a disk, each sealed to `publicKey`.
    ///
    /// - Parameter publicKey: An X25519 public key, 32 bytes.
    func exportKey(_ id: ResourceID, to publicKey: [UInt8], by grant: Grant) async throws -> ExportedKey {
        let record = try await changes.noteReencryption(try await serving.usable(id))
        // Some of its sectors are under other keys than the rest.
        guard record.reencryption == nil else { throw APIError.diskIsReencrypted(id) }
        return try await APIError.answering(id) {
            let status = try await hosted.inspect(record.disk)
            return ExportedKey(
                record: record, status: status, sealed: try await keys.open(status.layers, of: record, sealedTo: publicKey))
        }
    }

    func holes(_ id: ResourceID, by grant: Grant) async throws -> [ByteRange] {
        let record = try await serving.usable(id)
        return try await APIError.answering(id) { try await hosted.holes(record.disk) }
    }

    /// The ranges in which a snapshot differs from an earlier one of the same disk.
    ///
    /// The caller may look at the earlier one too: its grant on this one is for the whole chain.
    func changes(_ id: ResourceID, since base: ResourceID, by grant: Grant) async throws -> [ByteRange] {
        let (record, earlier) = (try await serving.usable(id), try await serving.usable(base))
        guard record.origin?.sourceDisk != nil, record.origin?.sourceDisk == earlier.origin?.sourceDisk else {
            throw APIError.snapshotsUnrelated(id, base)
        }
        return try await APIError.answering(id) { try await hosted.changes(record.disk, since: earlier.disk) }
    }

    /// Begins to bring a disk's data to new data keys, wrapped as its present ones are.
    ///
    /// - Parameter bytesPerSecond: 0 for no limit.
    func reencrypt(_ id: ResourceID, bytesPerSecond: UInt64, by grant: Grant) async throws -> ShownReencryption {
        try await turns.take(id.key) {
            let record = try await changes.noteReencryption(try await serving.usable(id))
            let target = KeyMove(encryption: record.encryption, set: record.set)
            return try await show(try await changes.reencrypt(record, to: target, bytesPerSecond: bytesPerSecond))
        }
    }

    /// Lets a disk's re-encryption rest or go on, or changes its limit; nil leaves things as they are.
    func steer(_ id: ResourceID, isPaused: Bool?, bytesPerSecond: UInt64?, by grant: Grant) async throws -> ShownReencryption {
        try await turns.take(id.key) {
            let record = try await changes.noteReencryption(try await serving.usable(id))
            return try await show(try await changes.steer(record, isPaused: isPaused, bytesPerSecond: bytesPerSecond))
        }
    }

    /// How far a disk's re-encryption is.
    func reencryption(of id: ResourceID, by grant: Grant) async throws -> ShownReencryption {
        try await turns.take(id.key) { try await show(try await serving.usable(id)) }
    }

    private func show(_ record: DiskRecord) async throws -> ShownReencryption {
        let now = try await changes.noteReencryption(record)
        return try await APIError.answering(record.id) { ShownReencryption(record: now, status: try await hosted.inspect(now.disk)) }
    }
}

/// A disk as it is wanted and, unless its host does not have it, as it is.
struct InspectedDisk: Sendable {
    let record: DiskRecord
    let status: DiskStatus?

    init(_ record: DiskRecord, _ status: DiskStatus?) {
        self.record = record
        self.status = status
    }
}

/// A disk's data keys on their way to who asked for them.
struct ExportedKey: Sendable {
    let record: DiskRecord
    let status: DiskStatus
    /// One for each layer.
    let sealed: [SealedKey]
}
