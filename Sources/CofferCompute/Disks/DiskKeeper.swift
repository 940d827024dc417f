import CofferCore
import CofferModel
import CofferPlatform

/// Brings what the host does with disks to what the store wants of them: after a start, after the host was replaced, and whenever
/// keys may have become usable or unusable.
struct DiskKeeper: Sendable {
    let store: any Store
    let creation: DiskCreation
    let keys: DiskKeys
    let hosted: HostedDisks
    let accesses: DiskAccesses
    let limiter: DiskLimiter
    let turns: Turns
    let trail: DiskAuditTrail
    /// Takes a line for the log.
    let report: @Sendable (String) -> Void

    /// Looks at every disk for which there is something to do.
    ///
    /// - Throws: ``DiskFailure`` if the host cannot be reached. What concerns one disk is reported and does not keep the others.
    func keepAll() async throws {
        let listed = try await hosted.list().disks
        let byID = Dictionary(listed.map { ($0.disk, $0) }, uniquingKeysWith: { first, _ in first })
        let records = try await store.read { try $0.disks() }
        let now = creation.clock.now()
        try await keep(records.filter { DiskMachine.step(for: $0, byID[$0.disk], at: now) != .nothing || $0.reencryption != nil })
    }

    /// Looks at the disks of some sets that are attached, being imported or re-encrypted, or open to somebody who was granted access.
    func keep(disksOf sets: Set<ResourceID>) async throws {
        let records = try await store.read { try $0.disks() }
        try await keep(records.filter { record in
            (record.isServed || record.phase == .creating || record.reencryption != nil)
                && [record.set, record.reencryption?.target.set].contains { $0.map(sets.contains) == true }
        })
    }

    private func keep(_ records: [DiskRecord]) async throws {
        _ = try await sideBySide(records) { await keep($0) }
    }

    private func keep(_ record: DiskRecord) async {
        do {
            try await turns.take(record.id.key) {
                guard let now = try await store.read({ try $0.disk(record.id) }), now.disk == record.disk else { return }
                try await keepNow(now)
            }
        } catch {
            report("disk \(record.id.text): \(error.forLog)")
        }
    }

    /// Does what ``DiskMachine`` says. The caller holds the disk's turn.
    private func keepNow(_ record: DiskRecord) async throws {
        guard !record.isUnsettled else {
            if let settled = try await creation.settle(record) { try await checkImport(settled) }
            return
        }
        let status: DiskStatus?
        do {
            status = try await hosted.find(record.disk)
        } catch let failure as DiskFailure where failure.code == .corruptHeader {
            return try await note(failure.message, on: record)
        }
        let record = try await creation.changes.noteReencryption(record)
        switch DiskMachine.step(for: record, status, at: creation.clock.now()) {
        case .nothing: if let status, record.reencryption != nil { try await keepReencryption(record, status) }
        case .settle: return
        case .missing: try await note("The disk's host has no data of it.", on: record)
        case .close: try await hosted.close(record.disk)
        case .endAccess: _ = try await accesses.end(record)
        case .open, .check, .revive:
            guard let status else { return }
            do {
                _ = try await serve(record, status)
                try await note(nil, on: record)
            } catch let refusal as APIError {
                try await lose(record, status, because: refusal)
            }
        }
    }

    /// Has the re-encryption of a disk that is not attached go on, or rest without keys while they may not be used.
    private func keepReencryption(_ record: DiskRecord, _ status: DiskStatus) async throws {
        do {
            if status.reencryption?.state == .running {
                try await hosted.withRecipientKey { _ = try await keys.open(status, of: record, sealedTo: $0) }
            }
            _ = try await creation.changes.goOn(record)
            try await note(nil, on: record)
        } catch let refusal as APIError {
            if refusal.isVerdict { try await hosted.close(record.disk) }
            try await note(refusal.reason(for: status), on: record)
        }
    }

    /// Ends the import of a disk whose key may not be used any more.
    private func checkImport(_ record: DiskRecord) async throws {
        guard creation.running.percent(record.id) != nil, let status = try await hosted.find(record.disk) else { return }
        do {
            try await hosted.withRecipientKey { _ = try await keys.open(status, of: record, sealedTo: $0) }
        } catch let refusal as APIError where refusal.isVerdict {
            creation.running.stop(record.id, because: refusal.reason(for: status))
        }
    }

    /// Opens the keys of a disk and has its host serve it with them, if it does not already, within the disk's limits.
    ///
    /// - Throws: ``APIError`` of the key service if a key may not be used, ``DiskFailure`` of the host.
    func serve(_ record: DiskRecord, _ status: DiskStatus) async throws -> DiskStatus {
        try await hosted.withRecipientKey(for: record.use) { publicKey in
            let opened = try await keys.open(status, of: record, sealedTo: publicKey)
            if status.state == .open, let job = status.reencryption, job.state == .waiting || job.state == .failed {
                try await hosted.continueReencryption(record.disk, keys: opened)
            }
            let served = switch status.state {
            case .open: status
            case .closed: try await hosted.open(record.disk, keys: opened, isReadOnly: record.isServedReadOnly, use: record.use)
            case .suspended: try await hosted.resume(record.disk, keys: opened)
            case .copying, .failed: throw DiskFailure(.busy, "the disk is not complete")
            }
            return try await limiter.hold(record, served)
        }
    }

    /// Does what the disk's set says of a key that is lost, or that its vault cannot tell of: nothing, something later, or an end now.
    private func lose(_ record: DiskRecord, _ status: DiskStatus, because refusal: APIError) async throws {
        guard record.isAttached else { return try await endAccess(record, status, because: refusal) }
        let set = try await store.read { transaction in try record.set.flatMap { try transaction.encryptionSet($0) } }
        // Tags were checked when they were given; what cannot be read all the same must not keep a disk in service.
        let policy = (try? KeyLossPolicy(tags: set?.tags ?? [:])) ?? KeyLossPolicy()
        guard refusal.isVerdict || policy.outageGrace != nil else { throw refusal }
        let now = creation.clock.now()
        let loss = KeyLoss(isOutage: !refusal.isVerdict, at: now, old: record.loss, policy: policy)
        guard status.state == .open, loss.due.map({ now < $0 }) ?? true else {
            return try await stop(record, status, loss, pausing: policy.reaction == .pause, because: refusal)
        }
        let reason = "\(refusal.reason(for: status)) \(loss.outlook)"
        if record.reason != reason { report("disk \(record.id.text) goes on without its key: \(reason)") }
        try await note(reason, loss, on: record)
    }

    /// Ends the access to a disk whose key may not be used any more. No guest waits for it, so no tag of its set gives it time.
    private func endAccess(_ record: DiskRecord, _ status: DiskStatus, because refusal: APIError) async throws {
        guard refusal.isVerdict else { throw refusal }
        let reason = refusal.reason(for: status)
        _ = try await accesses.end(record)
        report("access to disk \(record.id.text) ended: \(reason)")
        try await trail.record("DiskRevokeAccess", on: record.id, because: reason)
    }

    /// When the next disk is to be stopped whose key is lost already, or the next access expires; nil if there is none.
    func nextDue(after now: Timestamp) async throws -> Timestamp? {
        try await store.read { transaction in
            try transaction.disks().flatMap { [$0.isAttached ? $0.loss?.due : nil, $0.access?.expires] }.compactMap(\.self).filter { now < $0 }.min()
        }
    }

    /// Ends the I/O of a disk whose key may not be used any more.
    private func stop(_ record: DiskRecord, _ status: DiskStatus, _ loss: KeyLoss, pausing: Bool, because refusal: APIError) async throws {
        let reason = refusal.reason(for: status)
        if status.state == .open {
            if pausing { try await hosted.pause(record.disk, reason: reason) } else { try await hosted.suspend(record.disk, reason: reason) }
            report("disk \(record.id.text) \(pausing ? "paused" : "suspended"): \(reason)")
        }
        try await note(reason, loss, on: record)
    }

    private func note(_ reason: String?, _ loss: KeyLoss? = nil, on record: DiskRecord) async throws {
        guard reason != record.reason || loss != record.loss else { return }
        _ = try await store.write { transaction in
            try transaction.change(record) { ($0.reason, $0.loss) = (reason, loss) }
        }
    }
}

extension APIError {
    /// Whether a key service says that a key may not be used, and not that it cannot tell just now: disks are not stopped for that.
    var isVerdict: Bool { (400..<500).contains(status) && status != 408 && status != 429 }

    /// A sentence that names the key and why it cannot be used.
    func reason(for status: DiskStatus) -> String {
        let key = status.layers.first { $0.isCustomers }?.keyID ?? status.layers.first?.keyID ?? ""
        let text = message.contains(key) ? message : "The key '\(key)' cannot be used: \(message)"
        return String(text.prefix(1000))
    }
}

extension Error {
    /// What the log says of an error.
    var forLog: String {
        switch self {
        case let error as APIError: "\(error.code): \(error.message)"
        case let failure as DiskFailure: "\(failure.code.rawValue): \(failure.message)"
        default: String(reflecting: self)
        }
    }
}
