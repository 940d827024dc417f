import CofferCore
import CofferModel
import CofferPlatform

/// New data keys for disks: as with the other changes the record says first what is meant. The host goes on by itself afterwards, for
/// hours perhaps, and whoever looks at the disk when it has ended writes that down.
extension DiskChange {
    /// Begins to re-encrypt a disk.
    ///
    /// - Parameter target: How it is to be encrypted then; of any type.
    /// - Throws: ``APIError`` if a key may not be used or the host refuses; then the disk is as it was.
    func reencrypt(_ record: DiskRecord, to target: KeyMove, bytesPerSecond: UInt64 = 0) async throws -> DiskRecord {
        guard record.reencryption == nil else { throw APIError.diskIsReencrypted(record.id) }
        let wish = DiskReencryption(target: target, bytesPerSecond: bytesPerSecond)
        let begun = try await store.write { transaction in
            if let id = target.set {
                guard let set = try transaction.encryptionSet(id) else { throw APIError.encryptionSetNotFound(id) }
                guard !set.isBeingDeleted else { throw APIError.encryptionSetBeingDeleted(id) }
            }
            return try transaction.change(record) { $0.reencryption = wish }
        }
        guard let begun else { throw APIError.resourceNotFound(record.id) }
        return try await APIError.answering(record.id) {
            do {
                return try await begin(begun, wish)
            } catch {
                guard (error as? DiskFailure)?.code != .system else { throw error }
                _ = try await change(record) { $0.reencryption = nil }
                throw error
            }
        }
    }

    /// Writes down that a re-encryption has ended, or that its host has begun it. Opens no key.
    func noteReencryption(_ record: DiskRecord) async throws -> DiskRecord {
        guard let wish = record.reencryption else { return record }
        return try await APIError.answering(record.id) {
            guard let status = try await hosted.find(record.disk) else { return record }
            return try await note(record, wish, status)
        }
    }

    /// Has a re-encryption go on that was interrupted, by a crash of this process or of the host, or by closing the disk.
    ///
    /// - Throws: ``APIError`` of a key service if a key may not be used.
    func goOn(_ record: DiskRecord) async throws -> DiskRecord {
        guard let wish = record.reencryption else { return record }
        return try await APIError.answering(record.id) {
            guard let status = try await hosted.find(record.disk) else { return record }
            let now = try await note(record, wish, status)
            guard let wish = now.reencryption else { return now }
            guard wish.isBegun else {
                do {
                    return try await begin(now, wish)
                } catch let refusal as APIError where refusal.isVerdict {
                    return try await change(now) { $0.reencryption = nil } ?? now
                }
            }
            if let job = status.reencryption, job.state == .waiting || job.state == .failed, status.state != .suspended {
                try await hosted.withRecipientKey { publicKey in
                    try await hosted.continueReencryption(record.disk, keys: keys.open(status, of: now, sealedTo: publicKey))
                }
            }
            return now
        }
    }

    /// Lets a re-encryption rest or go on, or changes its limit.
    ///
    /// - Throws: ``APIError`` if there is none.
    func steer(_ record: DiskRecord, isPaused: Bool?, bytesPerSecond: UInt64?) async throws -> DiskRecord {
        guard record.reencryption != nil else { throw APIError.diskIsNotReencrypted(record.id) }
        return try await APIError.answering(record.id) {
            _ = try await hosted.steerReencryption(record.disk, isPaused: isPaused, bytesPerSecond: bytesPerSecond)
            return isPaused == true ? record : try await goOn(record)
        }
    }

    private func begin(_ record: DiskRecord, _ wish: DiskReencryption) async throws -> DiskRecord {
        var set: EncryptionSetRecord?
        if let id = wish.target.set {
            set = try await store.read { try $0.encryptionSet(id) }
            guard set != nil else { throw APIError.encryptionSetNotFound(id) }
        }
        let wanted = set
        var target = record
        target.encryption = wish.target.encryption
        target.set = wish.target.set
        let plan = target
        try await hosted.withRecipientKey { publicKey in
            let status = try await hosted.inspect(record.disk)
            let present = try await keys.open(status.layers, of: record, sealedTo: publicKey)
            let made = try await keys.make(for: plan, set: wanted, from: DiskStatus.firstTargetLayer, sealedTo: publicKey)
            try await hosted.reencrypt(record.disk, to: made, present: present, bytesPerSecond: wish.bytesPerSecond)
        }
        return try await change(record) { $0.reencryption?.isBegun = true } ?? record
    }

    private func note(_ record: DiskRecord, _ wish: DiskReencryption, _ status: DiskStatus) async throws -> DiskRecord {
        if status.reencryption != nil {
            guard !wish.isBegun else { return record }
            return try await change(record) { $0.reencryption?.isBegun = true } ?? record
        }
        guard wish.isBegun else { return record }
        let now = clock.now()
        return try await change(record) { record in
            record.encryption = wish.target.encryption
            record.set = wish.target.set
            record.lastReencryption = now
            record.reencryption = nil
        } ?? record
    }
}
