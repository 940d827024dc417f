import CofferCore
import CofferModel
import CofferPlatform

/// The disks of virtual machines: makes those that come with a machine, and keeps who has which.
///
/// Whoever calls holds the machine's turn.
struct MachineDisks: Sendable {
    let store: any Store
    let disks: DisksService
    let serving: DiskServing
    let authorizer: any Authorizer
    let rules: RuleBook
    let ephemeral: EphemeralDisks

    /// What a machine is to have, and what must be made for it.
    struct Plan: Sendable {
        var disk: MachineRecord.Disk
        /// Of one that is to be made.
        var making: Making?
    }

    /// A disk that is to be made, as the disks' service is asked for it.
    struct Making: Sendable {
        let specification: DiskSpecification
        let grant: Grant
    }

    /// Decides about one disk, and refuses what cannot be before anything is made.
    ///
    /// - Parameters:
    ///   - image: What a disk `FromImage` is made of.
    ///   - size: The machine's, which says whether there is place for an ephemeral disk.
    /// - Throws: ``APIError``.
    func plan(
        _ wanted: MachineSpecification.Disk, of machine: ResourceID, location: String, image: DiskCreationWish?, size: MachineSize?, by grant: Grant
    ) async throws -> Plan {
        let group = machine.group ?? ""
        if let wish = wanted.ephemeral {
            try rules.require(.ephemeralOSDisk, wanted.lun == nil)
            guard let size else { throw APIError.machineNeeds("hardwareProfile.vmSize", "choose a size, such as Standard_D2s_v3.") }
            let name = try ResourceID.compute(DisksRoutes.type, name(of: wanted, machine), subscription: machine.subscription ?? "", group: group)
            var disk = record(wanted, name)
            disk.ephemeral = try ephemeral.plan(wanted, wish, of: image, at: size, as: disks.creation.newID())
            (disk.caching, disk.deletesWithMachine) = ("ReadOnly", true)
            return Plan(disk: disk)
        }
        if wanted.createOption == .attach {
            guard let id = wanted.disk else {
                throw APIError.machineNeeds("managedDisk.id", "a disk that is attached is named by its id.")
            }
            try await check(id, for: machine, location: location, by: grant)
            return Plan(disk: record(wanted, id))
        }
        let name = name(of: wanted, machine)
        let id = try ResourceID.compute(DisksRoutes.type, name, subscription: machine.subscription ?? "", group: group)
        guard try await store.read({ try $0.disk(id) }) == nil else {
            throw APIError(
                status: 409, code: "ConflictingUserInput",
                message: "Disk '\(name)' already exists in resource group '\(group)'. Only CreateOption.Attach is supported.", target: "disk.name")
        }
        let permission = try await authorizer.grant(.management("Microsoft.Compute/disks/write"), to: grant.caller, on: id)
        let creation: DiskCreationWish?
        switch wanted.createOption {
        case .fromImage:
            guard let image else { throw APIError.machineNeeds("storageProfile.imageReference", "a disk FromImage needs the image.") }
            creation = image
        default: creation = .empty
        }
        let specification = DiskSpecification(
            location: location, sku: wanted.sku, size: wanted.size, creation: creation, set: wanted.set,
            labels: DiskLabels(osType: wanted.lun == nil ? wanted.osType ?? "Linux" : nil))
        return Plan(disk: record(wanted, id), making: Making(specification: specification, grant: permission))
    }

    /// Refuses disks of both kinds, managed and unmanaged, at one machine.
    func requireOneKind(_ ids: [ResourceID], of machine: ResourceID) throws {
        try rules.require(.oneKindOfDisks, Set(ids.map(\.isUnmanagedDisk)).count <= 1, ["machine": machine.name, "group": machine.group ?? ""])
    }

    /// Makes a planned disk and waits until it is complete.
    func make(_ plan: Plan) async throws {
        guard let making = plan.making else { return }
        let shown = try await disks.put(plan.disk.disk, as: making.specification, by: making.grant)
        guard shown.record.phase == .creating else { return }
        await disks.imports.finish(plan.disk.disk)
        while true {
            let now = try await disks.disk(plan.disk.disk, by: making.grant).record
            switch now.phase {
            case .succeeded: return
            case .creating: try await Task.sleep(for: .milliseconds(200))
            case .failed, .deleting: throw APIError.diskFailed(now.id, now.reason)
            }
        }
    }

    /// Makes disks those of a machine, all or none.
    ///
    /// - Throws: ``APIError`` if one is another's, or gone.
    func claim(_ ids: [ResourceID], for machine: ResourceID) async throws {
        try await store.write { transaction in
            for id in ids {
                guard var disk = try transaction.disk(id) else { throw APIError.resourceNotFound(id) }
                guard disk.phase == .succeeded else { throw APIError.diskIsChanging(id) }
                guard disk.machine == machine || disk.isFree else { throw APIError.diskInUse(disk) }
                guard disk.access == nil else { throw APIError.diskHasActiveAccess(id) }
                guard !disk.isAwaitingUpload else { throw APIError.diskAwaitsUpload(id) }
                disk.machine = machine
                try transaction.put(disk)
            }
        }
    }

    /// Gives disks up that are closed.
    func release(_ ids: [ResourceID], of machine: ResourceID) async throws {
        try await store.write { transaction in
            for id in ids {
                guard var disk = try transaction.disk(id), disk.machine == machine else { continue }
                disk.machine = nil
                try transaction.put(disk)
            }
        }
    }

    /// Opens a disk for the machine that it belongs to.
    func open(_ disk: MachineRecord.Disk, of machine: MachineRecord) async throws -> MachineDisk {
        let use = DiskUse.machine(cache: disk.cache, encryptsAtHost: machine.encryptsAtHost)
        let inspected = try await serving.open(disk.disk, for: machine.id, use: use)
        guard let export = inspected.status?.export else {
            throw APIError.diskHost(DiskFailure(.system, "its host gave no export"), disk.disk)
        }
        return MachineDisk(name: disk.hostName, export: export)
    }

    /// Closes what a machine had open.
    func close(_ disks: [MachineRecord.Disk], of machine: ResourceID) async throws {
        for disk in disks {
            // One that was given up already, as after a making that failed, is nobody's or another's now.
            guard try await store.read({ try $0.disk(disk.disk) })?.machine == machine else { continue }
            _ = try await serving.close(disk.disk, for: machine)
        }
    }

    /// Ends a change of a machine's OS disk, interrupted or not: the disk that goes is deleted, and the other one is the machine's.
    ///
    /// - Returns: The record without the change.
    func settleReplacement(of machine: MachineRecord) async throws -> MachineRecord {
        guard let leaving = machine.leaving else { return machine }
        try await claim([machine.osDisk.disk], for: machine.id)
        await disks.imports.cancel(leaving)
        try await serving.turns.take(leaving.key) {
            guard let disk = try await store.read({ try $0.disk(leaving) }), disk.isFree || disk.machine == machine.id else { return }
            try await disks.creation.delete(disk)
        }
        return try await store.change(machine) { $0.leaving = nil }
    }

    /// Deletes disks, with what was asked to go with their machine.
    func delete(_ ids: [ResourceID], by grant: Grant) async throws {
        for id in ids { _ = try await disks.delete(id, by: grant) }
    }

    private func name(of wanted: MachineSpecification.Disk, _ machine: ResourceID) -> String {
        let suffix = wanted.lun.map { "_DataDisk_\($0)_" } ?? "_OsDisk_1_"
        return wanted.name ?? "\(machine.machineName)\(suffix)\(DiskName.random())"
    }

    private func check(_ id: ResourceID, for machine: ResourceID, location: String, by grant: Grant) async throws {
        for verb in ["read", "write"] {
            let action = Action.management("Microsoft.Compute/\(id.isUnmanagedDisk ? UnmanagedDisksRoutes.type : DisksRoutes.type)/\(verb)")
            try await authorizer.require(action, on: id, linkedFrom: machine, by: grant)
        }
        let disk = try await serving.usable(id)
        guard disk.machine == machine || disk.isFree else { throw APIError.diskInUse(disk) }
        guard disk.location == location else { throw APIError.diskLocationDiffers(disk, location) }
    }

    private func record(_ wanted: MachineSpecification.Disk, _ id: ResourceID) -> MachineRecord.Disk {
        MachineRecord.Disk(
            lun: wanted.lun, disk: id, caching: wanted.caching ?? (wanted.lun == nil ? "ReadWrite" : "None"),
            deletesWithMachine: wanted.deletesWithMachine ?? false, createOption: wanted.createOption.rawValue,
            osType: wanted.lun == nil ? wanted.osType ?? "Linux" : nil, writeAcceleratorEnabled: wanted.writeAcceleratorEnabled, vhd: wanted.vhd)
    }
}

extension MachineRecord.Disk {
    /// What it is called towards the hypervisor.
    var hostName: String { lun.map { "lun\($0)" } ?? "os" }

    /// What its host keeps of it.
    fileprivate var cache: DiskCache {
        switch caching {
        case "ReadOnly": .readOnly
        case "ReadWrite": .readWrite
        default: .none
        }
    }
}

/// Names that Azure makes for disks that have none.
enum DiskName {
    /// 32 hexadecimal digits.
    static func random() -> String {
        (0..<4).map { _ in
            let digits = String(UInt32.random(in: .min ... .max), radix: 16)
            return String(repeating: "0", count: 8 - digits.count) + digits
        }.joined()
    }
}
