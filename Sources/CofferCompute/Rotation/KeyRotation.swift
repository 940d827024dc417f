import CofferCore
import CofferModel
import CofferPlatform

/// Moves disk encryption sets to new versions of their keys, and re-wraps the data keys of their disks.
///
/// What is left to do is in the set's record (`previousKeys`) and in the disks' headers, so that rotation goes on after any
/// interruption. No data of a disk moves; a disk may be open meanwhile.
struct KeyRotation: Sendable {
    /// Attempts at a header that others change at the same time.
    private static let attempts = 5

    let store: any Store
    let customer: any KeyService
    let keyCheck: SetKeyCheck
    let hosted: HostedDisks
    let clock: any WallClock
    let turns: Turns

    /// Moves a set to its key's newest version if it rotates automatically, and ends what a rotation left to do.
    ///
    /// - Parameter isThorough: Whether all headers are looked at, also when no rotation is known to be in flight.
    /// - Returns: Whether there is nothing left to do; if not, the set's record says why.
    func rotate(_ id: ResourceID, isThorough: Bool) async throws -> Bool {
        try await turns.take(id.key) {
            guard let set = try await store.read({ try $0.encryptionSet(id) }), !set.isBeingDeleted else { return true }
            let isComing: Bool
            do {
                isComing = try await moveToNewest(set)
            } catch let error as APIError {
                try await note(error, on: set)
                return false
            }
            guard let moved = try await store.read({ try $0.encryptionSet(id) }) else { return true }
            if moved.previousKeys.isEmpty, moved.rotationError == nil, !isThorough { return !isComing }
            let after = try await converge(id)
            return !isComing && after.previousKeys.isEmpty && after.rotationError == nil
        }
    }

    /// Re-wraps what is not yet wrapped by the set's active key. The caller holds the set's turn.
    ///
    /// - Returns: The set's record; its `rotationError` says what could not be done.
    func converge(_ id: ResourceID) async throws -> EncryptionSetRecord {
        let (set, disks) = try await store.read { transaction in
            (try transaction.encryptionSet(id), try transaction.disks(of: id))
        }
        guard let set else { throw APIError.resourceNotFound(id) }
        let errors = try await sideBySide(disks) { disk -> APIError? in
            do {
                try await turns.take(disk.id.key) { try await rewrap(disk, under: set) }
                return nil
            } catch let error as APIError {
                return error
            } catch let failure as DiskFailure {
                return .diskHost(failure, disk.id)
            }
        }
        if let error = errors.lazy.compactMap({ $0 }).first { return try await note(error, on: set) }
        let now = clock.now()
        return try await store.write { transaction in
            guard var record = try transaction.encryptionSet(id) else { throw APIError.resourceNotFound(id) }
            guard record.activeKey.url == set.activeKey.url else { return record }
            let old = record
            if !record.previousKeys.isEmpty { record.lastRotation = now }
            record.previousKeys = []
            record.rotationError = nil
            if record != old { try transaction.put(record) }
            return record
        }
    }

    /// Tries with one disk of the set whether its data key can be re-wrapped under `key`, and changes nothing.
    ///
    /// - Throws: ``APIError`` of the key service if the set's identity may not use the key.
    func rehearse(_ set: EncryptionSetRecord, under key: SetKey) async throws {
        guard let disk = try await store.read({ try $0.disks(of: set.id).first { $0.phase == .succeeded && $0.set == set.id } }) else { return }
        do {
            try await hosted.withRecipientKey { publicKey in
                guard let (index, layer, _) = try await customerLayer(of: disk) else { return }
                let recipient = DataKeyRecipient(publicKey: publicKey, disk: disk.disk, layer: index)
                _ = try await customer.rewrapDataKey(layer, under: key.url.text, as: set.identity.caller, for: recipient)
            }
        } catch let failure as DiskFailure {
            throw APIError.diskHost(failure, disk.id)
        }
    }

    /// Records the newest version as the active one.
    ///
    /// - Returns: Whether a newer version will become usable by the passing of time alone.
    private func moveToNewest(_ set: EncryptionSetRecord) async throws -> Bool {
        guard set.rotatesAutomatically else { return false }
        let newest = try await customer.status(of: set.activeKey.url.with(version: nil), as: .platform)
        guard newest.currentVersion != set.activeKey.url.version else { return false }
        guard keyCheck.isUsable(newest) else { return newest.notBefore.map { clock.now() < $0 } ?? false }
        let key = set.activeKey.with(newest.url)
        try await store.write { transaction in
            guard var record = try transaction.encryptionSet(set.id), record.activeKey == set.activeKey else { return }
            record.move(to: key)
            try transaction.put(record)
        }
        return false
    }

    private func rewrap(_ disk: DiskRecord, under set: EncryptionSetRecord) async throws {
        for _ in 0..<Self.attempts {
            // It may have been deleted while this waited for its turn.
            // And one that is being moved to the set, or away from it, has its new key from the move.
            guard let now = try await store.read({ try $0.disk(disk.id) }), now.disk == disk.disk, now.set == set.id, now.phase != .failed
            else { return }
            do {
                return try await hosted.withRecipientKey { publicKey in
                    guard let (index, layer, generation) = try await customerLayer(of: disk), layer.keyID != set.activeKey.url.text
                    else { return }
                    let recipient = DataKeyRecipient(publicKey: publicKey, disk: disk.disk, layer: index)
                    let key = try await customer.rewrapDataKey(
                        layer, under: set.activeKey.url.text, as: set.identity.caller, for: recipient)
                    try await hosted.rewrap(disk.disk, layer: index, to: key, from: generation)
                }
            } catch let failure as DiskFailure where failure.code == .generationChanged {
                continue
            }
        }
        throw DiskFailure(.generationChanged, "the header changed \(Self.attempts) times while it was to be re-wrapped")
    }

    /// The layer that the customer's key wraps, with the header's generation; nil if the host has no such disk, because its
    /// creation was interrupted.
    private func customerLayer(of disk: DiskRecord) async throws -> (index: Int, layer: DiskLayer, generation: UInt64)? {
        guard let status = try await hosted.find(disk.disk), let index = status.layers.firstIndex(where: \.isCustomers) else { return nil }
        return (index, status.layers[index], status.generation)
    }

    @discardableResult
    private func note(_ error: APIError, on set: EncryptionSetRecord) async throws -> EncryptionSetRecord {
        try await store.write { transaction in
            guard var record = try transaction.encryptionSet(set.id) else { throw APIError.resourceNotFound(set.id) }
            let reason = RotationError(error)
            guard record.rotationError != reason else { return record }
            record.rotationError = reason
            try transaction.put(record)
            return record
        }
    }
}
