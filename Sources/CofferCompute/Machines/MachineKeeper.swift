import CofferCore
import CofferModel
import CofferPlatform
import Synchronization

/// Brings what is recorded of virtual machines to the truth, and stops those whose disks lost their key.
package struct MachineKeeper: Sendable {
    let store: any Store
    let power: MachinePower
    let making: MachineMaking
    let scaling: ScaleSetScaling
    /// The host's own disks.
    let local: LocalDisks
    let hosted: HostedDisks
    let host: any MachineHost
    let turns: Turns
    /// Until when machines may have lost disks, as the disk host was replaced.
    let replaced = ReplacedDiskHost()
    let report: @Sendable (String) -> Void

    /// Looks after machines until the task is cancelled.
    package func run(every period: Duration) async {
        while !Task.isCancelled {
            await keepAll()
            try? await Task.sleep(for: period)
        }
    }

    /// Looks at every machine once, and at every scale set.
    func keepAll() async {
        do {
            try await local.settle { disks in
                // Listed first: a disk of the host's own is made only when its machine's record is there.
                let records = try await store.read { try $0.machines() }
                var isSettled = true
                for disk in disks { isSettled = await keep(disk, of: records.first { $0.has(disk.disk) }) && isSettled }
                return isSettled
            }
        } catch {
            report("disks of the machines' host: \(error.forLog)")
        }
        do {
            _ = try await sideBySide(store.read { try $0.machines() }) { await keep($0) }
        } catch {
            report("machines: \(error.forLog)")
        }
        await scaling.abandonInterrupted()
    }

    /// Opens a disk of the host's own that was closed by an end of its host, and deletes one that was left by an end in the midst of things.
    ///
    /// - Returns: Whether it is as it should be now.
    private func keep(_ disk: DiskStatus, of owner: MachineRecord?) async -> Bool {
        do {
            guard let owner else {
                report("disk \(disk.disk.text) of the machines' host belongs to no machine and is deleted")
                try await local.delete(disk.disk)
                return true
            }
            guard owner.power == .deallocated || (owner.power == .running && disk.state == .closed) else { return true }
            try await turns.take(owner.id.key) {
                guard let now = try await store.read({ try $0.machine(owner.id) }), now.machine == owner.machine else { return }
                switch now.power {
                case .deallocated: try await local.delete(disk.disk)
                case .running where now.machine.temporaryDisk == disk.disk: try await power.temporary.reopen(for: now)
                case .running: try await power.ephemeral.reopen(for: now)
                case .stopped: return
                }
            }
            return true
        } catch {
            report("disk \(disk.disk.text) of the machines' host: \(error.forLog)")
            return false
        }
    }

    private func keep(_ record: MachineRecord) async {
        do {
            guard let finding = try await look(at: record) else { return }
            try await turns.take(record.id.key) {
                // It may have changed before it was our turn; then the next look tells.
                guard try await store.read({ try $0.machine(record.id) }) == record else { return }
                try await act(on: finding, of: record)
            }
        } catch {
            report("machine \(record.id.text): \(error.forLog)")
        }
    }

    /// What is not as it should be of a machine.
    private enum Finding {
        /// Nobody makes it any more.
        case abandoned
        /// A change of its OS disk was interrupted.
        case replacing
        /// It ended by itself.
        case ended
        /// It must not run, for this reason.
        case lostKey(APIError)
        /// It runs, and its QEMU does not find this disk again.
        case lostDisk(DiskID)
        /// It runs, though it was ended.
        case endInterrupted
    }

    /// - Returns: nil if there is nothing to do, so that a turn is not waited for in vain.
    private func look(at record: MachineRecord) async throws -> Finding? {
        switch (record.phase, record.power) {
        case (.creating, _): return making.isMaking(record.id) ? nil : .abandoned
        case (.succeeded, _) where record.leaving != nil && !turns.isTaken(record.id.key): return .replacing
        case (.succeeded, .running):
            guard await host.isRunning(record.machine) else { return .ended }
            // Found running after a start of this process.
            try await power.metadata.open(record)
            if let loss = try await suspended(record) { return .lostKey(loss) }
            if let disk = try await lostDisk(of: record) { return .lostDisk(disk) }
            try await power.follow(record)
            return nil
        case (.succeeded, _): return await host.isRunning(record.machine) ? .endInterrupted : nil
        case (.deleting, _), (.failed, _): return nil
        }
    }

    private func act(on finding: Finding, of record: MachineRecord) async throws {
        switch finding {
        case .abandoned: if !making.isMaking(record.id) { try await making.abandon(record) }
        case .replacing: _ = try await power.disks.settleReplacement(of: record)
        case .ended:
            guard await !host.isRunning(record.machine) else { return }
            report("machine \(record.id.text) has ended by itself")
            _ = try await power.stop(record, to: .stopped, grace: .zero, because: .machineEnded)
        case .lostKey(let loss):
            report("machine \(record.id.text) is stopped: \(loss.message)")
            _ = try await power.stop(record, to: .stopped, grace: .zero, because: loss)
        case .lostDisk(let disk):
            report("machine \(record.id.text) is started anew: its disk host ended before its guest used disk \(disk.text), and QEMU does not find it again")
            _ = try await power.start(power.stop(record, to: .running, grace: .zero))
        case .endInterrupted:
            guard await host.isRunning(record.machine) else { return }
            _ = try await power.stop(record, to: record.power, grace: .zero)
        }
    }

    /// A disk that QEMU has lost for good. QEMU 7.2 goes on with a disk host that was started anew, but for a disk that the guest's firmware or
    /// system is not using just then: of such a disk it forgets to look whether it is there again, connects, and says nothing.
    private func lostDisk(of record: MachineRecord) async throws -> DiskID? {
        guard replaced.isRecent else { return nil }
        let records = try await store.read { transaction in try record.recordedDisks.compactMap { try transaction.disk($0.disk)?.disk } }
        for disk in records where try await hosted.find(disk)?.hasSilentFrontEnd == true { return disk }
        let own = [record.machine.temporaryDisk] + record.disks.compactMap { $0.ephemeral?.disk }
        for disk in own where try await local.find(disk)?.hasSilentFrontEnd == true { return disk }
        return nil
    }

    /// Why a machine must not run: a disk that lost its key, and whose set says that what runs on it stops.
    private func suspended(_ record: MachineRecord) async throws -> APIError? {
        let disks = try await store.read { transaction in try record.recordedDisks.compactMap { try transaction.disk($0.disk) } }
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

/// Remembers for a while that the disk host was replaced.
final class ReplacedDiskHost: Sendable {
    private let end = Mutex<ContinuousClock.Instant?>(nil)

    /// How long machines are looked at afterwards: they connect within seconds, and are silent then.
    private static let period = Duration.seconds(60)

    func note() { end.withLock { $0 = .now + Self.period } }

    var isRecent: Bool { end.withLock { $0.map { ContinuousClock.now < $0 } ?? false } }
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

extension MachineRecord {
    /// Whether a disk of the host's own is this machine's.
    fileprivate func has(_ disk: DiskID) -> Bool { machine.temporaryDisk == disk || osDisk.ephemeral?.disk == disk }
}
