import CofferCore
import CofferModel
import CofferPlatform

/// What Azure Resource Manager can do with virtual machines.
struct MachinesService: Sendable {
    let store: any Store
    let disks: MachineDisks
    let power: MachinePower
    let images: MachineImages
    let unmanaged: UnmanagedDisksService
    let encryption: MachineEncryption
    let making: MachineMaking
    let interfaces: any NetworkInterfaces
    let assigner: IdentityAssigner
    let authorizer: any Authorizer
    let host: any MachineHost
    let provisioning: MachineProvisioning
    let availability: AvailabilitySetsService
    let clock: any WallClock
    let turns: Turns

    /// - Throws: ``APIError/resourceNotFound(_:)``.
    func machine(_ id: ResourceID, by grant: Grant) async throws -> ShownMachine {
        guard let record = try await store.read({ try $0.machine(id) }) else { throw APIError.resourceNotFound(id) }
        return try await show(record)
    }

    /// All machines below a subscription or group.
    func machines(in scope: ResourceID) async throws -> [ShownMachine] {
        let records = try await store.read { try $0.machines(in: scope).filter { $0.instance == nil } }
        return try await sideBySide(records) { try await show($0) }.sorted { $0.record.id.key < $1.record.id.key }
    }

    /// Makes a machine and starts it, or changes one.
    ///
    /// - Returns: The machine, in the phase `creating` if it takes longer than a request should.
    func put(_ id: ResourceID, as wanted: MachineSpecification, by grant: Grant) async throws -> ShownMachine {
        let known = try await turns.take(id.key) { () -> MachineRecord? in
            guard let old = try await store.read({ try $0.machine(id) }) else { return nil }
            guard old.phase != .failed else {
                try await remove(old, isForced: true, by: grant)
                return nil
            }
            try requireSettled(old)
            guard wanted.location == old.location else {
                throw APIError.resourceLocationFixed(id, old.location, asked: wanted.location ?? "")
            }
            return try await update(old, wanted, tags: wanted.tags ?? [:], by: grant)
        }
        if let known { return try await show(known) }
        let record = try await begin(id, as: wanted, by: grant)
        try await making.wait(for: record)
        return try await machine(id, by: grant)
    }

    /// Changes what `wanted` says something of.
    func patch(_ id: ResourceID, with wanted: MachineSpecification, by grant: Grant) async throws -> ShownMachine {
        try await show(try await change(id) { try await update($0, wanted, tags: wanted.tags ?? $0.tags, isPatch: true, by: grant) })
    }

    /// Ends a machine and forgets it, with the disks and interfaces that are to go with it.
    ///
    /// - Returns: Whether there was one.
    func delete(_ id: ResourceID, isForced: Bool, by grant: Grant) async throws -> Bool {
        await making.cancel(id)
        return try await turns.take(id.key) {
            guard let record = try await store.read({ try $0.machine(id) }) else { return false }
            try await remove(record, isForced: isForced, by: grant)
            return true
        }
    }

    /// Starts, stops or restarts a machine.
    func perform(_ action: PowerAction, on id: ResourceID, by grant: Grant) async throws {
        _ = try await change(id) { record -> MachineRecord in
            switch action {
            case .start: return try await power.start(record)
            case .powerOff(let isAbrupt):
                return try await power.stop(record, to: record.power == .deallocated ? .deallocated : .stopped, grace: isAbrupt ? .zero : MachinePower.grace)
            case .deallocate:
                try disks.rules.require(.ephemeralDeallocate, record.osDisk.ephemeral == nil)
                return try await power.stop(record, to: .deallocated, grace: MachinePower.grace)
            case .restart: return try await power.restart(record)
            case .redeploy: return try await power.redeploy(record)
            case .reimage(let withTemporaryDisk):
                if record.osDisk.ephemeral == nil { throw APIError.machineNotReimaged(id) }
                return try await power.reimage(record, withTemporaryDisk: withTemporaryDisk)
            }
        }
    }

    /// Makes a machine's unmanaged disks managed ones.
    func convertDisks(of id: ResourceID, by grant: Grant) async throws {
        _ = try await change(id) { try await unmanaged.convert(disksOf: $0, by: grant) }
    }

    enum PowerAction: Sendable {
        case start
        /// Without asking the guest first, if it is abrupt.
        case powerOff(isAbrupt: Bool)
        case deallocate
        case restart
        /// As on another host: without what its process had here.
        case redeploy
        /// With the ephemeral OS disk as its image has it.
        case reimage(withTemporaryDisk: Bool)
    }

    /// The sizes that a machine can have as it is.
    func sizes(of id: ResourceID, by grant: Grant) async throws -> [MachineSize] {
        let shown = try await machine(id, by: grant)
        return MachineSize.all.filter { size in (try? Self.requireFit(size, shown.record, dataDisks: shown.record.dataDisks.count)) != nil }
    }

    /// Runs a shell script in a machine.
    func run(_ script: String, in id: ResourceID, by grant: Grant) async throws -> GuestOutput {
        let record = try await machine(id, by: grant).record
        return try await power.answering(record) { try await host.run(script, in: record.machine) }
    }

    /// Refuses Azure Disk Encryption of a machine where a rule forbids it.
    func requireGuestEncryption(of id: ResourceID, _ volume: GuestVolume) async throws {
        guard let record = try await store.read({ try $0.machine(id) }) else { throw APIError.resourceNotFound(id) }
        try await encryption.requireGuest(record, volume)
    }

    func show(_ record: MachineRecord) async throws -> ShownMachine {
        let disks = try await store.read { transaction in try record.disks.map { $0.ephemeral == nil ? try transaction.disk($0.disk) : nil } }
        return ShownMachine(record: record, disks: disks, acceleration: await host.acceleration(of: record.machine))
    }

    private func change(_ id: ResourceID, _ body: (MachineRecord) async throws -> MachineRecord) async throws -> MachineRecord {
        try await turns.take(id.key) {
            guard let record = try await store.read({ try $0.machine(id) }) else { throw APIError.resourceNotFound(id) }
            if record.phase == .failed { throw APIError.machineIsFailed(id, record.reason) }
            try requireSettled(record)
            return try await body(record)
        }
    }

    private func requireSettled(_ record: MachineRecord) throws {
        guard record.phase == .succeeded else { throw APIError.diskIsChanging(record.id) }
    }

    /// Checks everything that can be checked, writes the record and begins to make the machine.
    ///
    /// - Parameters:
    ///   - instance: Of an instance of a scale set.
    ///   - secrets: Of the set, which its instances are handed.
    ///   - known: The identities of the set.
    func begin(
        _ id: ResourceID, as wanted: MachineSpecification, instance: MachineRecord.Instance? = nil,
        secrets: MachineProvisioning.Secrets = .init(), known: [AssignedIdentity] = [], by grant: Grant
    ) async throws -> MachineRecord {
        guard let location = wanted.location, !location.isEmpty else { throw APIError.locationNotAvailable("") }
        guard let size = wanted.size else { throw APIError.machineNeeds("hardwareProfile.vmSize", "choose a size, such as Standard_B1s.") }
        guard let osDisk = wanted.osDisk else {
            throw APIError.machineNeeds("storageProfile.osDisk", "a machine has a disk that it starts from.")
        }
        let made = try interfaces.planned(wanted.interfaceConfigurations, for: id)
        let wantedInterfaces = (wanted.interfaces ?? []) + made.map { MachineRecord.Interface($0, of: instance) }
        guard !wantedInterfaces.isEmpty else {
            throw APIError.machineNeeds("networkProfile.networkInterfaces", "a machine has at least one.")
        }
        let dataDisks = wanted.dataDisks ?? []
        if let set = wanted.availabilitySet { try await availability.requireJoin(set, location: location, zones: wanted.zones) }
        for interface in wantedInterfaces {
            if interface.isMadeWithMachine == true { try await checkMaking(interface.id, by: grant, from: id) } else { try await checkJoin(interface.id, by: grant, from: id) }
        }
        if osDisk.createOption == .fromImage, instance == nil { try wanted.administrator?.requireEntry() }
        let image = try await wanted.image.asyncMap { try await images.choose($0) }
        if let isAtHost = wanted.encryptsAtHost {
            try await encryption.requireHostFeature(in: id.subscription)
            if isAtHost {
                try encryption.requireHost(size, in: location)
                try encryption.requireHost(try await encryption.disks([osDisk] + dataDisks, image: image?.wish))
            }
        }
        var plans = [try await disks.plan(osDisk, of: id, location: location, image: image?.wish, size: size, by: grant)]
        for disk in dataDisks { plans.append(try await disks.plan(disk, of: id, location: location, image: nil, size: size, by: grant)) }
        try disks.requireOneKind(plans.map(\.disk.disk), of: id)
        if let osType = image?.osType { plans[0].disk.osType = osType }
        let identities = try await identities(wanted.identity, of: id, known: known, isPatch: false, by: grant)
        let attached = osDisk.createOption == .attach ? try await store.read { [plans] in try $0.disk(plans[0].disk.disk) } : nil
        let machine = MachineID(disks.disks.creation.newID())
        let record = MachineRecord(
            id: id, machine: machine, location: location, tags: wanted.tags ?? [:], zones: wanted.zones, size: size.name, created: clock.now(),
            image: image?.reference, osGeneration: image?.generation ?? attached?.labels.hyperVGeneration, osDisk: plans[0].disk,
            dataDisks: plans.dropFirst().map(\.disk), interfaces: wantedInterfaces, osProfile: wanted.osProfile, labels: wanted.labels,
            userData: wanted.userData,
            provisioning: try await provisioning.seal(wanted.administrator.map { try provisioning.secrets(of: $0, over: secrets) } ?? secrets, for: machine),
            identities: identities, phase: .creating, power: .running, instance: instance)
        try Self.requireFit(size, record, dataDisks: dataDisks.count)
        try await making.begin(record, plans, made, by: grant)
        return record
    }

    func identities(
        _ wish: IdentityWish?, of id: ResourceID, known: [AssignedIdentity], isPatch: Bool, by grant: Grant
    ) async throws -> [AssignedIdentity] {
        guard let wish else { return known }
        let found = try await assigner.userAssigned(wish, to: id, known: known, isPatch: isPatch, by: grant)
        guard wish.isSystemAssigned else {
            try await assigner.identities.removeSystemAssigned(of: id)
            return found.present + found.gone
        }
        return [try await assigner.systemAssigned(for: id)] + found.present + found.gone
    }

    /// Checks that a size takes what a machine has.
    ///
    /// - Throws: ``APIError`` with the code `OperationNotAllowed`.
    private static func requireFit(_ size: MachineSize, _ record: MachineRecord, dataDisks: Int) throws {
        guard dataDisks <= size.dataDiskCount else { throw APIError.tooManyDataDisks(size, dataDisks) }
        guard record.generation != "V2" || size.hasGeneration2 else {
            throw APIError.machineSizeDoesNotFit(size, "the machine is of generation 2, and the size is for generation 1 alone.")
        }
        let had = MachineSize.named(record.size).map { $0.temporaryMebibytes > 0 }
        guard had == nil || had == (size.temporaryMebibytes > 0) else {
            throw APIError.machineSizeDoesNotFit(
                size, "changing from a size with a temporary disk to one without, or the other way round, is not allowed.")
        }
    }

    private func checkJoin(_ interface: ResourceID, by grant: Grant, from id: ResourceID) async throws {
        let action = Action.management("Microsoft.Network/networkInterfaces/join/action")
        try await authorizer.require(action, on: interface, linkedFrom: id, by: grant)
    }

    /// Interfaces of instances are the scale set's, and need no right of their own.
    private func checkMaking(_ interface: ResourceID, by grant: Grant, from id: ResourceID) async throws {
        guard interface.isType("Microsoft.Network/networkInterfaces") else { return }
        try await authorizer.require(.management("Microsoft.Network/networkInterfaces/write"), on: interface, linkedFrom: id, by: grant)
    }

    /// Changes a machine that is there. The caller holds its turn.
    func update(
        _ old: MachineRecord, _ wanted: MachineSpecification, tags: [String: String], isPatch: Bool = false, by grant: Grant
    ) async throws -> MachineRecord {
        if let disk = wanted.osDisk, let id = disk.disk, id != old.osDisk.disk { throw APIError.machinePropertyFixed("osDisk.managedDisk.id") }
        if let name = wanted.osDisk?.name, name.lowercased() != old.osDisk.disk.name.lowercased() {
            throw APIError.machinePropertyFixed("osDisk.name")
        }
        let size = wanted.size ?? MachineSize.named(old.size)
        if let administrator = wanted.administrator { try await provisioning.requireSame(administrator, as: old) }
        if let zones = wanted.zones, zones != old.zones ?? [] { throw APIError.machinePropertyFixed("zones") }
        if let set = wanted.availabilitySet, set != old.availabilitySet { throw APIError.machinePropertyFixed("availabilitySet.id") }
        try await checkEncryption(old, wanted, size)
        try requireSameKind(old, wanted)
        if let size, let ephemeral = old.osDisk.ephemeral { try disks.ephemeral.requireFit(ephemeral, size) }
        if let size { try Self.requireFit(size, old, dataDisks: (wanted.dataDisks?.count ?? old.dataDisks.count)) }
        try checkCaching(old, wanted)
        if let interfaces = wanted.interfaces, interfaces.map(\.id) != old.interfaces.map(\.id) {
            guard old.power == .deallocated else { throw APIError.machineMustBeDeallocated(old.id, "networkInterfaces") }
            for interface in interfaces where !old.interfaces.contains(where: { $0.id == interface.id }) {
                try await checkJoin(interface.id, by: grant, from: old.id)
            }
            try await self.interfaces.attach(interfaces.map(\.id), to: old.id, in: old.location)
            try await self.interfaces.detach(allOf: old.id, keeping: interfaces.map(\.id))
        }
        // What a PUT leaves out of the identities is taken away only if it says something of them, as clients of old versions do not.
        let identities = try await identities(wanted.identity, of: old.id, known: old.identities ?? [], isPatch: isPatch, by: grant)
        var now = old
        if let dataDisks = wanted.dataDisks { now = try await making.changeDisks(now, to: dataDisks, by: grant) }
        let isResized = size.map { $0.name != old.size } ?? false
        let changed = try await store.write { [now] transaction in
            try transaction.change(now) { record in
                record.tags = tags
                record.size = size?.name ?? record.size
                record.interfaces = wanted.interfaces ?? record.interfaces
                record.osProfile = wanted.osProfile ?? record.osProfile
                record.identities = wanted.identity == nil ? record.identities : identities
                record.userData = wanted.userData ?? record.userData
                record.labels = record.labels.merging(wanted.labels) { old, new in
                    // What a request leaves out of an object stays.
                    if let old = old.object, let new = new.object { .object(old.merging(new) { $1 }) } else { new }
                }
                // As in Azure, an ephemeral OS disk does not go along to another size.
                if isResized { record.osDisk.ephemeral?.isFilled = false }
                record.osDisk.caching = wanted.osDisk?.caching ?? record.osDisk.caching
                record.osDisk.deletesWithMachine = wanted.osDisk?.deletesWithMachine ?? record.osDisk.deletesWithMachine
            }
        }
        guard let changed else { throw APIError.resourceNotFound(old.id) }
        // As Azure does, a machine that runs is started anew with its new size.
        return isResized && changed.power == .running ? try await power.restart(changed) : changed
    }

    /// Refuses a change after which the rules of encryption at host would not be kept.
    private func checkEncryption(_ old: MachineRecord, _ wanted: MachineSpecification, _ size: MachineSize?) async throws {
        let isAtHost = wanted.encryptsAtHost ?? old.encryptsAtHost
        if let said = wanted.encryptsAtHost, said != old.saidAtHost { try await encryption.requireHostFeature(in: old.id.subscription) }
        let isChanged = isAtHost != old.encryptsAtHost
        if isAtHost {
            if let size, isChanged || size.name != old.size { try encryption.requireHost(size, in: old.location) }
            let present = try await store.read { transaction in try old.recordedDisks.compactMap { try transaction.disk($0.disk) } }
            let given = try await encryption.disks(wanted.dataDisks ?? [], image: nil)
            // What is there stays, whatever became of it meanwhile.
            try encryption.requireHost(isChanged ? present + given : given.filter { disk in !present.contains { $0.id == disk.id } })
        }
        if isChanged { try encryption.requireDeallocated(old) }
    }

    /// Refuses another OS disk than the machine was made with: ephemeral or not, and of the ephemeral its place and size.
    private func requireSameKind(_ old: MachineRecord, _ wanted: MachineSpecification) throws {
        guard let disk = wanted.osDisk else { return }
        let facts = ["machine": old.id.name]
        guard let known = old.osDisk.ephemeral else { return try disks.rules.require(.ephemeralFixed, disk.ephemeral == nil, facts) }
        try disks.rules.require(.ephemeralCustomerKey, disk.set == nil)
        try disks.rules.require(.ephemeralCaching, disk.caching ?? "ReadOnly" == "ReadOnly")
        try disks.rules.require(.ephemeralFixed, disk.ephemeral?.placement ?? known.placement == known.placement, facts)
        try disks.rules.require(.ephemeralFixed, disk.size?.isSize(of: known.byteCount) ?? true, facts)
    }

    /// Refuses another host cache for a disk that is open: it is chosen when a disk is opened.
    private func checkCaching(_ old: MachineRecord, _ wanted: MachineSpecification) throws {
        guard old.power != .deallocated else { return }
        let asked = [wanted.osDisk].compactMap(\.self) + (wanted.dataDisks ?? [])
        for known in old.disks {
            guard let caching = asked.first(where: { $0.lun == known.lun && $0.names(known) })?.caching, caching != known.caching else { continue }
            throw APIError.machineMustBeDeallocated(old.id, "caching")
        }
    }

    /// Makes a machine's OS disk anew, and starts the machine if it ran. The caller holds its turn.
    ///
    /// The old disk is given up only when there is the new one. The record says at any time which of the two goes, so that a crash leaves the
    /// machine with one, deallocated, and nothing of the other once the keeper has looked.
    func replaceOSDisk(
        of record: MachineRecord, as wanted: MachineSpecification.Disk, image reference: JSONValue?,
        provisioning: MachineRecord.Provisioning?, by grant: Grant
    ) async throws -> MachineRecord {
        let image = try await reference.asyncMap { try await images.choose($0) }
        let record = try await disks.settleReplacement(of: record)
        var plan = try await disks.plan(
            wanted, of: record.id, location: record.location, image: image?.wish, size: MachineSize.named(record.size), by: grant)
        if let osType = image?.osType { plan.disk.osType = osType }
        if let known = record.osDisk.ephemeral {
            plan.disk.ephemeral?.disk = known.disk
            plan.disk.disk = record.osDisk.disk
            let handed = try await store.change(record) { $0.provisioning = provisioning }
            return try await power.reimage(handed, as: plan.disk, of: image, withTemporaryDisk: false)
        }
        let stopped = try await power.stop(record, to: .deallocated, grace: .zero)
        let begun = try await store.change(stopped) { [plan] in $0.leaving = plan.disk.disk }
        do {
            try await disks.make(plan)
        } catch {
            _ = try await disks.settleReplacement(of: begun)
            throw error
        }
        let changed = try await store.change(begun) { [plan] machine in
            machine.leaving = machine.osDisk.disk
            machine.osDisk = plan.disk
            machine.image = image?.reference
            machine.osGeneration = image?.generation
            // What is on the new disk is to be set up.
            machine.provisioning = provisioning
        }
        let settled = try await disks.settleReplacement(of: changed)
        return record.power == .running ? try await power.start(settled) : settled
    }

    /// Ends and forgets a machine. The caller holds its turn.
    func remove(_ record: MachineRecord, isForced: Bool, by grant: Grant) async throws {
        _ = try await store.write { try $0.change(record) { $0.phase = .deleting } }
        _ = try await power.stop(record, to: .deallocated, grace: isForced ? .zero : .seconds(5))
        _ = try await disks.settleReplacement(of: record)
        try await disks.release(record.recordedDisks.map(\.disk), of: record.id)
        try await interfaces.detach(allOf: record.id, keeping: [])
        try await disks.delete(record.recordedDisks.filter(\.deletesWithMachine).map(\.disk), by: grant)
        for interface in record.interfaces where interface.deletesWithMachine { try await interfaces.remove(interface.id) }
        try await assigner.identities.removeSystemAssigned(of: record.id)
        try await power.answering(record) { try await host.perform(.forget, on: record.machine) }
        try await store.write { transaction in
            guard try transaction.machine(record.id)?.machine == record.machine else { return }
            _ = try transaction.remove(record.id.key, in: MachineRecord.collection, if: .any)
        }
    }
}

extension Optional {
    fileprivate func asyncMap<R>(_ body: (Wrapped) async throws -> R) async throws -> R? {
        if let value = self { try await body(value) } else { nil }
    }
}
