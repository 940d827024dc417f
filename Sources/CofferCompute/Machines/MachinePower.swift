import CofferCore
import CofferModel
import CofferPlatform

/// Starts and stops virtual machines. The record says first what is wanted, then the hypervisor does it.
///
/// Whoever calls holds the machine's turn.
struct MachinePower: Sendable {
    let store: any Store
    let disks: MachineDisks
    let temporary: TemporaryDisks
    let ephemeral: EphemeralDisks
    let interfaces: any NetworkInterfaces
    let metadata: MachineMetadata
    let host: any MachineHost
    let clock: any WallClock

    /// How long a guest may take to power off before its power is cut.
    static let grace = Duration.seconds(60)

    /// Starts a machine, or does nothing if it runs.
    ///
    /// - Throws: ``APIError`` of the key service if a key may not be used, of the disk host, or of the hypervisor; then it does not run.
    func start(_ record: MachineRecord) async throws -> MachineRecord {
        guard let size = MachineSize.named(record.size) else { throw APIError.machineSizeUnknown(record.size) }
        let begun = try await store.change(record) { ($0.power, $0.reason) = (.running, nil) }
        do {
            var opened: [MachineDisk] = []
            if let disk = try await ephemeral.open(for: begun) { opened.append(disk) }
            for disk in begun.recordedDisks { opened.append(try await disks.open(disk, of: begun)) }
            if let disk = try await temporary.open(for: begun, size) { opened.append(disk) }
            let plans = try await plans(of: begun)
            try await answering(begun) {
                try await host.start(MachinePlan(
                    id: begun.machine, name: begun.name, memoryMebibytes: size.memoryMebibytes, processors: size.processors,
                    firmware: begun.generation == "V2" ? .uefi : .bios, disks: opened, interfaces: plans, metadataPath: metadata.path(of: begun.machine)))
            }
            try await metadata.open(begun)
            return begun
        } catch {
            let reason = (error as? APIError) ?? APIError(status: 500, code: "InternalError", message: "The virtual machine could not be started.")
            _ = try? await stop(begun, to: .stopped, grace: .zero, because: reason)
            throw error
        }
    }

    private func plans(of record: MachineRecord) async throws -> [NetworkInterfacePlan] {
        var plans: [NetworkInterfacePlan] = []
        for interface in record.interfaces { plans.append(try await interfaces.plan(of: interface.id)) }
        return plans
    }

    /// Has the networks of a machine that runs follow what has changed of them.
    func follow(_ record: MachineRecord) async throws {
        guard await host.follows(record.machine) else { return }
        try await host.follow(plans(of: record), of: record.machine)
    }

    /// Ends a machine's process. `deallocated` gives up its disks too, and for good those that are its host's own.
    ///
    /// - Parameters:
    ///   - grace: How long the guest may take to power off by itself.
    ///   - reason: What is kept of why it does not run; nil if it was asked for.
    func stop(
        _ record: MachineRecord, to power: MachineRecord.Power, grace: Duration, because reason: APIError? = nil
    ) async throws -> MachineRecord {
        let kept = reason.map { MachineRecord.Reason(code: $0.code, message: $0.message, since: clock.now()) }
        let begun = try await store.change(record) { ($0.power, $0.reason) = (power, kept) }
        try await answering(begun) { try await host.perform(.stop(grace: grace), on: begun.machine) }
        await metadata.close(begun)
        if power == .deallocated {
            try await disks.close(begun.recordedDisks, of: begun.id)
            try await temporary.delete(of: begun)
            try await ephemeral.delete(of: begun)
        }
        return begun
    }

    /// Starts a machine anew, its guest having powered off if it does so in time.
    func restart(_ record: MachineRecord) async throws -> MachineRecord {
        try await start(try await stop(record, to: .running, grace: Self.grace))
    }

    /// Starts a machine anew as on another host: nothing that its process kept here is left. What is on its disks stays, but for those that were
    /// the host's own: an ephemeral OS disk is made of its image anew.
    func redeploy(_ record: MachineRecord) async throws -> MachineRecord {
        let stopped = try await stop(record, to: .deallocated, grace: Self.grace)
        try await answering(stopped) { try await host.perform(.forget, on: stopped.machine) }
        return try await start(stopped)
    }

    /// Makes a machine's ephemeral OS disk of its image anew, and starts the machine if it ran.
    ///
    /// - Parameters:
    ///   - image: The new image, if it is to be of another.
    ///   - withTemporaryDisk: Whether the temporary disk is made anew too.
    func reimage(_ record: MachineRecord, as disk: MachineRecord.Disk? = nil, of image: MachineImages.Choice? = nil, withTemporaryDisk: Bool) async throws -> MachineRecord {
        let stopped = try await stop(record, to: .stopped, grace: .zero)
        // From now on a start makes it anew, whatever ends before.
        let changed = try await store.change(stopped) { machine in
            if let disk { machine.osDisk = disk }
            machine.osDisk.ephemeral?.isFilled = false
            machine.image = image?.reference ?? machine.image
            machine.osGeneration = image?.generation ?? machine.osGeneration
        }
        if withTemporaryDisk { try await temporary.delete(of: changed) }
        return record.power == .running ? try await start(changed) : changed
    }

    /// Runs `body` and throws what a hypervisor's failure means to the caller.
    func answering<R>(_ record: MachineRecord, _ body: () async throws -> R) async throws -> R {
        do {
            return try await body()
        } catch let failure as MachineFailure {
            throw APIError.machineHost(failure, record.id)
        }
    }
}

extension MachineRecord {
    /// Of the firmware: `V1` or `V2`.
    var generation: String { osGeneration ?? "V1" }
}
