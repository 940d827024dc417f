import CofferCore
import CofferModel
import CofferPlatform

/// Changes the size and the keys of disks in steps that a crash may interrupt anywhere: the record says first what is meant, then
/// the host does it, then the record says that it is done. ``settle(_:)`` ends what was interrupted.
///
/// Whoever calls holds the disk's turn.
struct DiskChange: Sendable {
    let store: any Store
    let keys: DiskKeys
    let hosted: HostedDisks
    let clock: any WallClock

    /// Makes a disk larger, attached or not.
    ///
    /// - Throws: ``APIError`` of the host.
    func grow(_ record: DiskRecord, to byteCount: UInt64) async throws -> DiskRecord {
        guard let begun = try await change(record, { $0.growth = byteCount }) else { throw APIError.resourceNotFound(record.id) }
        return try await APIError.answering(record.id) { try await finishGrowth(begun, byteCount) }
    }

    /// Has a disk's data keys wrapped by other keys. Its data stays as it is.
    ///
    /// - Parameter target: Keys for as many layers as the disk has.
    /// - Throws: ``APIError`` of a key service if a key may not be used; then the disk is as it was.
    func move(_ record: DiskRecord, to target: KeyMove) async throws -> DiskRecord {
        let begun = try await store.write { transaction in
            if let id = target.set {
                guard let set = try transaction.encryptionSet(id) else { throw APIError.encryptionSetNotFound(id) }
                guard !set.isBeingDeleted else { throw APIError.encryptionSetBeingDeleted(id) }
            }
            return try transaction.change(record) { $0.move = target }
        }
        guard let begun else { throw APIError.resourceNotFound(record.id) }
        return try await APIError.answering(record.id) {
            do {
                return try await finishMove(begun, target)
            } catch let refusal as APIError {
                _ = try await change(record) { $0.move = nil }
                throw refusal
            }
        }
    }

    /// Ends the changes that were interrupted. One that is refused now is given up.
    func settle(_ record: DiskRecord) async throws -> DiskRecord {
        try await APIError.answering(record.id) {
            var record = record
            if let growth = record.growth { record = try await finishGrowth(record, growth) }
            if let target = record.move {
                do {
                    record = try await finishMove(record, target)
                } catch let refusal as APIError where refusal.isVerdict {
                    record = try await change(record, { $0.move = nil }) ?? record
                }
            }
            return record
        }
    }

    private func finishGrowth(_ record: DiskRecord, _ byteCount: UInt64) async throws -> DiskRecord {
        do {
            try await hosted.resize(record.disk, to: byteCount)
        } catch let failure as DiskFailure where failure.code != .system {
            _ = try await change(record) { $0.growth = nil }
            throw failure
        }
        let done = try await change(record) { record in
            record.byteCount = byteCount
            record.growth = nil
        }
        return done ?? record
    }

    private func finishMove(_ record: DiskRecord, _ target: KeyMove) async throws -> DiskRecord {
        var set: EncryptionSetRecord?
        if let id = target.set {
            set = try await store.read { try $0.encryptionSet(id) }
            guard set != nil else { throw APIError.encryptionSetNotFound(id) }
        }
        let wanted = set
        try await hosted.withRecipientKey { publicKey in
            let status = try await hosted.inspect(record.disk)
            guard let layer = status.layers.first, !isDone(layer, wanted) else { return }
            let recipient = DataKeyRecipient(publicKey: publicKey, disk: record.disk, layer: 0)
            let key = try await keys.share(layer, of: record, under: wanted, with: recipient)
            try await hosted.rewrap(record.disk, layer: 0, to: key, from: status.generation)
        }
        let done = try await change(record) { record in
            record.encryption = target.encryption
            record.set = target.set
            record.move = nil
        }
        return done ?? record
    }

    /// Whether a layer is wrapped as it is to be: by one of the set's keys or, without a set, by the platform's.
    private func isDone(_ layer: DiskLayer, _ set: EncryptionSetRecord?) -> Bool {
        guard let set else { return !layer.isCustomers }
        return set.keys.contains { $0.url.text == layer.keyID }
    }

    func change(_ record: DiskRecord, _ body: @escaping @Sendable (inout DiskRecord) -> Void) async throws -> DiskRecord? {
        try await store.write { transaction in try transaction.change(record, body) }
    }
}
