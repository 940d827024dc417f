import CofferCore
import CofferModel
import CofferPlatform

/// Brings what is recorded of virtual machines to the truth, and stops those whose disks lost their key.
package struct MachineKeeper: Sendable {
    let store: any Store
    let power: MachinePower
    let making: MachineMaking
    let hosted: HostedDisks
    let host: any MachineHost
    let turns: Turns
    let report: @Sendable (String) -> Void

    /// Looks after machines until the task is cancelled.
    package func run(every period: Duration) async {
        while !Task.isCancelled {
            await keepAll()
            try? await Task.sleep(for: period)
        }
    }

    /// Looks at every machine once.
    func keepAll() async {
        do {
            // Listed first: a temporary disk is made only when its machine's record is there.
            let temporary = try? await power.temporary.list()
            let records = try await store.read { try $0.machines() }
            for disk in temporary ?? [] { await keep(disk, of: records.first { $0.machine.temporaryDisk == disk.disk }) }
            _ = try await sideBySide(records) { await keep($0) }
        } catch {
            report("machines: \(error.forLog)")
        }
    }

    /// Opens a temporary disk that was closed by an end of its host, and deletes one that was left by an end in the midst of things.
    private func keep(_ disk: DiskStatus, of owner: MachineRecord?) async {
        do {
            guard let owner else {
                report("temporary disk \(disk.disk.text) belongs to no machine and is deleted")
                return try await power.temporary.delete(disk.disk)
            }
            guard owner.power == .deallocated || (owner.power == .running && disk.state == .closed) else { return }
            try await turns.take(owner.id.key) {
                guard let now = try await store.read({ try $0.machine(owner.id) }), now.machine == owner.machine else { return }
                switch now.power {
                case .deallocated: try await power.temporary.delete(of: now)
                case .running: try await power.temporary.reopen(for: now)
                case .stopped: return
                }
            }
        } catch {
            report("temporary disk \(disk.disk.text): \(error.forLog)")
        }
    }

    private func keep(_ record: MachineRecord) async {
        do {
            guard try await needsLook(record) else { return }
            try await turns.take(record.id.key) {
                // It may have changed before it was our turn.
                guard let now = try await store.read({ try $0.machine(record.id) }), now.machine == record.machine else { return }
                try await keepNow(now)
            }
        } catch {
            report("machine \(record.id.text): \(error.forLog)")
        }
    }

    /// Whether there may be something to do, so that a turn is not waited for in vain.
    private func needsLook(_ record: MachineRecord) async throws -> Bool {
        switch (record.phase, record.power) {
        case (.creating, _): return !making.isMaking(record.id)
        case (.succeeded, .running):
            guard await host.isRunning(record.machine) else { return true }
            // Found running after a start of this process.
            try await power.metadata.open(record)
            return try await suspended(record) != nil
        case (.succeeded, _): return await host.isRunning(record.machine)
        case (.deleting, _), (.failed, _): return false
        }
    }

    private func keepNow(_ record: MachineRecord) async throws {
        switch (record.phase, record.power) {
        case (.creating, _) where !making.isMaking(record.id): try await making.abandon(record)
        case (.succeeded, .running):
            if await !host.isRunning(record.machine) {
                report("machine \(record.id.text) has ended by itself")
                _ = try await power.stop(record, to: .stopped, grace: .zero, because: .machineEnded)
            } else if let loss = try await suspended(record) {
                report("machine \(record.id.text) is stopped: \(loss.message)")
                _ = try await power.stop(record, to: .stopped, grace: .zero, because: loss)
            }
        case (.succeeded, _) where await host.isRunning(record.machine):
            // An end that was interrupted.
            _ = try await power.stop(record, to: record.power, grace: .zero)
        default: return
        }
    }

    /// Why a machine must not run: a disk that lost its key, and whose set says that what runs on it stops.
    private func suspended(_ record: MachineRecord) async throws -> APIError? {
        let disks = try await store.read { transaction in try record.disks.compactMap { try transaction.disk($0.disk) } }
        for disk in disks {
            guard disk.loss != nil, let reason = disk.reason else { continue }
            let set = try await store.read { transaction in try disk.set.flatMap { try transaction.encryptionSet($0) } }
            let policy = (try? KeyLossPolicy(tags: set?.tags ?? [:])) ?? KeyLossPolicy()
            guard policy.reaction == .stop, try await hosted.find(disk.disk)?.state == .suspended else { continue }
            return .machineLostKey(disk.id, reason)
        }
        return nil
    }
}

extension APIError {
    /// Why a machine does not run that nobody stopped.
    fileprivate static let machineEnded = APIError(
        status: 409, code: "VMStoppedByItself",
        message: "The guest powered off, or its process was ended on the host. Start it again: az vm start")

    /// Why a machine was stopped.
    fileprivate static func machineLostKey(_ disk: ResourceID, _ reason: String) -> APIError {
        APIError(
            status: 409, code: "DiskEncryptionKeyUnavailable",
            message: "The key of the disk '\(disk.name)' cannot be used, and its disk encryption set says that machines stop then. \(reason)")
    }
}
