import CofferCore
import CofferModel
import CofferPlatform

/// Makes virtual machines, each in a task of this process, as copying a disk may take long. One that a crash ends is not taken up again,
/// and the machine says so.
final class MachineMaking: Sendable {
    private let store: any Store
    private let disks: MachineDisks
    private let power: MachinePower
    private let interfaces: any NetworkInterfaces
    private let host: any MachineHost
    private let clock: any WallClock
    private let turns: Turns
    private let report: @Sendable (String) -> Void
    private let tasks = ResourceTasks()

    init(
        store: any Store, disks: MachineDisks, power: MachinePower, interfaces: any NetworkInterfaces, host: any MachineHost,
        clock: any WallClock, turns: Turns, report: @escaping @Sendable (String) -> Void
    ) {
        self.store = store
        self.disks = disks
        self.power = power
        self.interfaces = interfaces
        self.host = host
        self.clock = clock
        self.turns = turns
        self.report = report
    }

    /// Writes the record of a machine and begins to make it.
    ///
    /// - Parameter made: Interfaces that are made with it.
    /// - Throws: ``APIError`` if another is being made under its name, or its interfaces cannot be had.
    func begin(_ record: MachineRecord, _ plans: [MachineDisks.Plan], _ made: [PlannedInterface], by grant: Grant) async throws {
        do {
            try await store.write { try $0.put(record, record.id.key, in: MachineRecord.collection, if: .absent) }
        } catch StoreError.preconditionFailed {
            throw APIError.diskIsChanging(record.id)
        }
        do {
            for interface in made { try await interfaces.make(interface, in: record.location, by: grant) }
            try await interfaces.attach(record.interfaces.map(\.id), to: record.id, in: record.location)
        } catch {
            try await removeInterfaces(madeWith: record)
            try await forget(record)
            throw error
        }
        tasks.begin(record.id) { await self.make(record, plans) }
    }

    /// Waits until a machine is made, or for as long as a request should take.
    ///
    /// - Throws: ``APIError``: why it could not be made.
    func wait(for record: MachineRecord) async throws { try await tasks.wait(for: record.id) }

    /// Waits until a machine is made however long it takes; its making is cancelled with who waits.
    ///
    /// - Throws: ``APIError``: why it could not be made.
    func finish(_ id: ResourceID) async throws { try await tasks.finish(id) }

    /// Whether a machine is being made just now.
    func isMaking(_ id: ResourceID) -> Bool { tasks.isRunning(id) }

    /// Ends the making of a machine and waits for its end.
    func cancel(_ id: ResourceID) async { await tasks.cancel(id) }

    /// Says of a machine that nobody makes any more that it failed.
    func abandon(_ record: MachineRecord) async throws {
        try await fail(record, [], APIError(
            status: 409, code: "OperationPreempted", message: "Making the virtual machine was interrupted by a restart of the server."))
    }

    /// Takes disks away and adds others. The caller holds the machine's turn.
    ///
    /// - Returns: The record with its new disks, whatever of them could be done.
    func changeDisks(_ old: MachineRecord, to wanted: [MachineSpecification.Disk], by grant: Grant) async throws -> MachineRecord {
        var plans: [MachineDisks.Plan] = []
        for disk in wanted {
            let known = old.dataDisks.first { $0.lun == disk.lun }
            if let known, disk.names(known) {
                var kept = known
                kept.caching = disk.caching ?? known.caching
                kept.deletesWithMachine = disk.deletesWithMachine ?? known.deletesWithMachine
                plans.append(MachineDisks.Plan(disk: kept))
            } else {
                plans.append(try await disks.plan(disk, of: old.id, location: old.location, image: nil, size: MachineSize.named(old.size), by: grant))
            }
        }
        try disks.requireOneKind([old.osDisk.disk] + plans.map(\.disk.disk), of: old.id)
        var record = old
        for gone in old.dataDisks where !plans.contains(where: { $0.disk.disk == gone.disk }) { record = try await take(gone, from: record) }
        for plan in plans { record = try await give(plan, to: record) }
        return record
    }

    private func make(_ record: MachineRecord, _ plans: [MachineDisks.Plan]) async -> APIError? {
        do {
            try await turns.take(record.id.key) {
                for plan in plans {
                    try Task.checkCancellation()
                    try await disks.make(plan)
                    if plan.disk.ephemeral == nil { try await disks.claim([plan.disk.disk], for: record.id) }
                }
                try Task.checkCancellation()
                let started = try await power.start(record)
                _ = try await store.write { try $0.change(started) { $0.phase = .succeeded } }
            }
            return nil
        } catch {
            let refusal = (error as? APIError)
                ?? APIError(status: 500, code: "InternalError", message: "The virtual machine could not be made; the server's log says more.")
            if !(error is APIError) { report("making \(record.id.text): \(error.forLog)") }
            do {
                try await turns.take(record.id.key) { try await fail(record, plans, refusal) }
            } catch {
                report("making \(record.id.text): \(error.forLog)")
            }
            return refusal
        }
    }

    /// Keeps the record with the reason, and nothing else of the machine.
    private func fail(_ record: MachineRecord, _ plans: [MachineDisks.Plan], _ refusal: APIError) async throws {
        let stopped = try await power.stop(record, to: .deallocated, grace: .zero, because: refusal)
        try await disks.release(record.recordedDisks.map(\.disk), of: record.id)
        try await interfaces.detach(allOf: record.id, keeping: [])
        try await removeInterfaces(madeWith: record)
        for plan in plans {
            if let making = plan.making { try await disks.delete([plan.disk.disk], by: making.grant) }
        }
        _ = try await store.write { try $0.change(stopped) { $0.phase = .failed } }
    }

    private func removeInterfaces(madeWith record: MachineRecord) async throws {
        for interface in record.interfaces where interface.isMadeWithMachine == true { try await interfaces.remove(interface.id) }
    }

    private func forget(_ record: MachineRecord) async throws {
        _ = try await store.write { try $0.remove(record.id.key, in: MachineRecord.collection, if: .any) }
    }

    private func give(_ plan: MachineDisks.Plan, to record: MachineRecord) async throws -> MachineRecord {
        let disk = plan.disk
        if record.dataDisks.contains(where: { $0.disk == disk.disk }) { return try await store.change(record) { $0.replace(disk) } }
        try await disks.make(plan)
        do {
            try await disks.claim([disk.disk], for: record.id)
            if record.power == .running, await host.isRunning(record.machine) {
                let opened = try await disks.open(disk, of: record)
                try await power.answering(record) { try await host.perform(.plug(opened), on: record.machine) }
            }
        } catch {
            try? await disks.close([disk], of: record.id)
            try? await disks.release([disk.disk], of: record.id)
            // One that was to be made for the machine would only stand in the way of the next attempt.
            if let making = plan.making { try? await disks.delete([disk.disk], by: making.grant) }
            throw error
        }
        return try await store.change(record) { $0.dataDisks.append(disk) }
    }

    private func take(_ disk: MachineRecord.Disk, from record: MachineRecord) async throws -> MachineRecord {
        if record.power == .running, await host.isRunning(record.machine) {
            try await power.answering(record) { try await host.perform(.unplug(disk.hostName), on: record.machine) }
        }
        let changed = try await store.change(record) { $0.dataDisks.removeAll { $0.disk == disk.disk } }
        try await disks.close([disk], of: record.id)
        try await disks.release([disk.disk], of: record.id)
        return changed
    }
}

extension MachineSpecification.Disk {
    /// Whether it says nothing else than a disk that is there.
    func names(_ known: MachineRecord.Disk) -> Bool {
        if let disk { return disk == known.disk }
        return name.map { $0.lowercased() == known.disk.name.lowercased() } ?? true
    }
}

extension MachineRecord {
    fileprivate mutating func replace(_ disk: Disk) {
        guard let index = dataDisks.firstIndex(where: { $0.disk == disk.disk }) else { return }
        dataDisks[index] = disk
    }
}
