import CofferCore
import CofferModel
import CofferPlatform

/// Moves disk encryption sets to new versions of their keys, and re-wraps the data keys of all that is encrypted through them: disks,
/// snapshots and the disks of images, each a holder of data keys with a header of its own.
///
/// What is left to do is in the set's record (`previousKeys`) and in the holders' headers, so that rotation goes on after any
/// interruption. No data moves; a disk may be open meanwhile.
struct KeyRotation: Sendable {
    /// Attempts at a header that others change at the same time.
    private static let attempts = 5
    /// Headers that are re-wrapped at a time. Vaults do private operations that wait together in one go, and the host syncs side by side.
    private static let width = 32
    /// Holders whose stamps are written together.
    private static let batch = 256

    let store: any Store
    let customer: any KeyService
    let identities: any ManagedIdentities
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
            let newest: Newest
            do {
                newest = try await moveToNewest(set)
            } catch let error as APIError {
                try await note(error, on: set)
                return false
            }
            guard let moved = try await store.read({ try $0.encryptionSet(id) }) else { return true }
            let isNoted = moved.rotationError == newest.refusal.map(RotationError.init)
            if moved.previousKeys.isEmpty, isNoted, !isThorough { return newest.isFinal }
            let after = try await converge(id, unless: newest.refusal)
            return newest.isFinal && after.previousKeys.isEmpty
        }
    }

    /// Re-wraps what is not yet wrapped by the set's active key. The caller holds the set's turn.
    ///
    /// - Parameter refusal: Why the set cannot move to its key's newest version; told when there is nothing worse to tell.
    /// - Returns: The set's record; its `rotationError` says what could not be done.
    @discardableResult
    func converge(_ id: ResourceID, unless refusal: APIError? = nil) async throws -> EncryptionSetRecord {
        let (set, holders) = try await store.read { transaction in
            (try transaction.encryptionSet(id), try transaction.disks(of: id))
        }
        guard let set else { throw APIError.resourceNotFound(id) }
        if let error = try await rewrap(holders, under: set) { return try await note(error, on: set) }
        let now = clock.now()
        return try await store.write { transaction in
            guard var record = try transaction.encryptionSet(id) else { throw APIError.resourceNotFound(id) }
            guard record.activeKey.url == set.activeKey.url else { return record }
            let old = record
            if !record.previousKeys.isEmpty { record.lastRotation = now }
            record.previousKeys = []
            record.rotationError = refusal.map(RotationError.init)
            if record != old { try transaction.put(record) }
            return record
        }
    }

    /// Re-wraps the data keys of `holders` as far as that is possible.
    ///
    /// - Returns: The first thing that went wrong.
    private func rewrap(_ holders: [DiskRecord], under set: EncryptionSetRecord) async throws -> APIError? {
        guard !holders.isEmpty else { return nil }
        let listed: [DiskStatus]
        do {
            listed = try await hosted.list().disks
        } catch let failure as DiskFailure {
            return .diskHost(failure, set.id)
        }
        let statuses = Dictionary(listed.map { ($0.disk, $0) }, uniquingKeysWith: { first, _ in first })
        let pending = holders.filter { holder in statuses[holder.disk].map { !layers(of: holder, $0, toRewrapUnder: set).isEmpty } ?? true }
        var first: APIError?
        for start in stride(from: 0, to: pending.count, by: Self.batch) {
            let batch = Array(pending[start..<min(start + Self.batch, pending.count)])
            let outcomes = try await sideBySide(batch, width: Self.width) { holder in try await outcome(of: holder, under: set) }
            try await stamp(outcomes.filter(\.isRewrapped).map(\.holder))
            first = first ?? outcomes.lazy.compactMap(\.error).first
        }
        return first
    }

    /// The layers that a key of the set wraps, but not the active one.
    private func layers(of holder: DiskRecord, _ status: DiskStatus, toRewrapUnder set: EncryptionSetRecord) -> [PlacedLayer] {
        status.placedLayers(of: holder).filter { $0.set == set.id && $0.layer.keyID != set.activeKey.url.text }
    }

    private struct Outcome: Sendable {
        let holder: DiskRecord
        var isRewrapped = false
        var error: APIError?
    }

    private func outcome(of holder: DiskRecord, under set: EncryptionSetRecord) async throws -> Outcome {
        do {
            let isRewrapped = try await turns.take(holder.id.key) { try await rewrap(holder, under: set) }
            return Outcome(holder: holder, isRewrapped: isRewrapped)
        } catch let error as APIError {
            return Outcome(holder: holder, error: error)
        } catch let failure as DiskFailure {
            return Outcome(holder: holder, error: .diskHost(failure, holder.id))
        }
    }

    /// Keeps when data keys were wrapped anew, for reports. The headers, which are what counts, are durable already.
    private func stamp(_ holders: [DiskRecord]) async throws {
        guard !holders.isEmpty else { return }
        let now = clock.now()
        try await store.write { transaction in
            for holder in holders { _ = try transaction.change(holder) { $0.lastRewrap = now } }
        }
    }

    /// Tries with one disk of the set whether its data key can be re-wrapped under `key`, and changes nothing.
    ///
    /// - Throws: ``APIError`` of the key service if the set's identity may not use the key.
    func rehearse(_ set: EncryptionSetRecord, under key: SetKey) async throws {
        guard let disk = try await store.read({ try $0.disks(of: set.id).first { $0.phase == .succeeded && $0.set == set.id } }) else { return }
        try await APIError.answering(disk.id) {
            try await hosted.withRecipientKey { publicKey in
                guard let (index, layer) = try await hosted.find(disk.disk)?.customerLayer else { return }
                let recipient = DataKeyRecipient(publicKey: publicKey, disk: disk.disk, layer: index)
                _ = try await customer.rewrapDataKey(layer, under: key.url.text, as: identities.caller(of: set), for: recipient)
            }
        }
    }

    /// What is known of a key's newest version.
    private enum Newest {
        /// It is the active one, or none is looked for.
        case active
        /// It will become usable by the passing of time alone.
        case coming
        case unusable(APIError)

        /// Whether no event but those that are followed can change it.
        var isFinal: Bool { if case .coming = self { false } else { true } }
        var refusal: APIError? { if case .unusable(let error) = self { error } else { nil } }
    }

    /// Records the newest version as the active one, if it can be used.
    private func moveToNewest(_ set: EncryptionSetRecord) async throws -> Newest {
        _ = try await identities.caller(of: set)
        guard set.rotatesAutomatically else { return .active }
        let newest = try await customer.status(of: set.activeKey.url.with(version: nil), as: .platform)
        guard newest.currentVersion != set.activeKey.url.version else { return .active }
        if let refusal = keyCheck.refusal(of: newest) {
            return newest.notBefore.map { clock.now() < $0 } == true ? .coming : .unusable(refusal)
        }
        let key = set.activeKey.with(newest.url)
        try await store.write { transaction in
            guard var record = try transaction.encryptionSet(set.id), record.activeKey == set.activeKey else { return }
            record.move(to: key)
            try transaction.put(record)
        }
        return .active
    }

    /// - Returns: Whether the holder's data key was wrapped anew, and not already or no more.
    private func rewrap(_ holder: DiskRecord, under set: EncryptionSetRecord) async throws -> Bool {
        for _ in 0..<Self.attempts {
            // It may have been deleted while this waited for its turn.
            // And one that is being moved to the set, or away from it, has its new key from the move.
            guard let now = try await store.read({ try $0.disk(holder.id) }), now.disk == holder.disk, now.phase != .failed else { return false }
            do {
                return try await hosted.withRecipientKey { publicKey in
                    guard let status = try await hosted.find(holder.disk) else { return false }
                    let pending = layers(of: now, status, toRewrapUnder: set)
                    for (count, each) in pending.enumerated() {
                        let recipient = DataKeyRecipient(publicKey: publicKey, disk: holder.disk, layer: each.number)
                        let key = try await customer.rewrapDataKey(
                            each.layer, under: set.activeKey.url.text, as: identities.caller(of: set), for: recipient)
                        try await hosted.rewrap(holder.disk, layer: each.number, to: key, from: status.generation + UInt64(count))
                    }
                    return !pending.isEmpty
                }
            } catch let failure as DiskFailure where failure.code == .generationChanged {
                continue
            }
        }
        throw DiskFailure(.generationChanged, "the header changed \(Self.attempts) times while it was to be re-wrapped")
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

extension DiskStatus {
    /// The layer that a customer's key wraps, with its index; nil if none is.
    var customerLayer: (index: Int, layer: DiskLayer)? {
        layers.firstIndex(where: \.isCustomers).map { ($0, layers[$0]) }
    }
}
