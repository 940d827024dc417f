import CofferCore
import CofferModel
import CofferPlatform

/// What Azure Resource Manager can do with scale sets.
struct ScaleSetsService: Sendable {
    let store: any Store
    let machines: MachinesService
    let instances: ScaleSetInstances
    let scaling: ScaleSetScaling
    let clock: any WallClock
    let turns: Turns

    /// - Throws: ``APIError/resourceNotFound(_:)``.
    func set(_ id: ResourceID, by grant: Grant) async throws -> ScaleSetRecord {
        guard let record = try await store.read({ try $0.scaleSet(id) }) else { throw APIError.resourceNotFound(id) }
        return record
    }

    func sets(in scope: ResourceID) async throws -> [ScaleSetRecord] {
        try await store.read { try $0.scaleSets(in: scope) }.sorted { $0.id.key < $1.id.key }
    }

    /// The instances of a set, as virtual machines are shown.
    func instances(of set: ScaleSetRecord) async throws -> [ShownMachine] {
        let records = try await store.read { try $0.instances(of: set.id) }
        return try await sideBySide(records) { try await machines.show($0) }.sorted { $0.record.number < $1.record.number }
    }

    /// Makes a set, or changes what `wanted` says something of.
    ///
    /// - Parameter isPatch: Whether there must be one.
    /// - Returns: The set, in the phase `creating` or `updating` if it takes longer than a request should.
    func put(_ id: ResourceID, as wanted: ScaleSetSpecification, isPatch: Bool, by grant: Grant) async throws -> ScaleSetRecord {
        try await requireIdle(id)
        try await turns.take(id.key) {
            let old = try await store.read { try $0.scaleSet(id) }
            guard old != nil || !isPatch else { throw APIError.resourceNotFound(id) }
            if let old { try requireSettled(old) }
            var new = try old ?? first(id, wanted)
            if old != nil { try change(&new, wanted) }
            try await setSecrets(&new, wanted, isNew: old == nil)
            let specification = try new.model.specification(number: 0, of: new)
            try await check(&new, specification)
            try refuseExtensions(wanted, new)
            if let old { try requireSameKind(old, new) }
            new.identities = try await machines.identities(wanted.identity, of: id, known: old?.identities ?? [], isPatch: isPatch, by: grant)
            try await store.write { [new] transaction in
                try transaction.put(new, id.key, in: ScaleSetRecord.collection)
                for instance in try transaction.instances(of: id) { try transaction.change(instance) { $0.identities = new.identities } }
            }
            scaling.begin(new, by: grant)
        }
        try await scaling.tasks.wait(for: id)
        return try await set(id, by: grant)
    }

    /// Ends all instances of a set and forgets it.
    ///
    /// - Returns: Whether there was one.
    func delete(_ id: ResourceID, isForced: Bool, by grant: Grant) async throws -> Bool {
        await scaling.tasks.cancel(id)
        return try await turns.take(id.key) {
            guard let record = try await store.read({ try $0.scaleSet(id) }) else { return false }
            _ = try await store.write { try $0.change(record) { $0.phase = .deleting } }
            try await instances.remove(store.read { try $0.instances(of: id) }, isForced: isForced, by: grant)
            try await machines.assigner.identities.removeSystemAssigned(of: id)
            _ = try await store.write { try $0.remove(id.key, in: ScaleSetRecord.collection, if: .any) }
            return true
        }
    }

    /// What can be asked of many instances at once.
    enum InstanceAction: Sendable {
        case power(MachinesService.PowerAction)
        /// Gives them the newest model, as far as machines that are there can get it.
        case update
        case reimage
        /// Deletes them, and makes the set smaller by as many.
        case delete(isForced: Bool)
    }

    /// Does something to instances.
    ///
    /// - Parameter numbers: Which; nil or `*` for all.
    func perform(_ action: InstanceAction, on numbers: [String]?, of id: ResourceID, by grant: Grant) async throws {
        try await requireIdle(id)
        try await turns.take(id.key) {
            let set = try await set(id, by: grant)
            try requireSettled(set)
            let all = try await store.read { try $0.instances(of: id) }
            let chosen = try Self.choose(numbers, of: all, in: id)
            switch action {
            case .power(let action): _ = try await sideBySide(chosen) { try await machines.perform(action, on: $0.id, by: grant) }
            case .update: for record in chosen { try await instances.update(record.id, to: set, by: grant) }
            case .reimage: _ = try await sideBySide(chosen) { try await instances.reimage($0.id, of: set, by: grant) }
            case .delete(let isForced):
                // The count first: a deletion that a crash ends is finished by the next change of the set, and nothing is made in its place.
                _ = try await store.write { transaction in
                    for record in chosen { try transaction.change(record) { $0.phase = .deleting } }
                    try transaction.change(set) { $0.capacity = max(0, $0.capacity - chosen.count) }
                }
                try await instances.remove(chosen, isForced: isForced, by: grant)
            }
        }
    }

    /// One instance.
    func instance(_ number: String, of id: ResourceID, by grant: Grant) async throws -> (set: ScaleSetRecord, machine: ShownMachine) {
        let set = try await set(id, by: grant)
        guard let instance = set.instance(number), let record = try await store.read({ try $0.machine(instance) }) else {
            throw APIError.scaleSetInstanceNotFound(number, of: id)
        }
        return (set, try await machines.show(record))
    }

    /// Says whether a smaller set may lose an instance.
    func protect(_ number: String, of id: ResourceID, isProtected: Bool, by grant: Grant) async throws {
        let record = try await instance(number, of: id, by: grant).machine.record
        _ = try await store.write { try $0.change(record) { $0.instance?.isProtectedFromScaleIn = isProtected } }
    }

    /// What of the network is below a set or an instance.
    func documents(of part: InterfacePart, below id: ResourceID, by grant: Grant) async throws -> [JSONValue] {
        try await machines.interfaces.documents(of: part, below: id)
    }

    private static func choose(_ numbers: [String]?, of all: [MachineRecord], in set: ResourceID) throws -> [MachineRecord] {
        guard let numbers, !numbers.contains("*") else { return all }
        return try Set(numbers).sorted().map { number in
            guard let record = all.first(where: { $0.id.name == number }) else { throw APIError.scaleSetInstanceNotFound(number, of: set) }
            return record
        }
    }

    private func requireIdle(_ id: ResourceID) async throws {
        if scaling.tasks.isRunning(id) { throw APIError.scaleSetIsChanging(id) }
    }

    private func requireSettled(_ record: ScaleSetRecord) throws {
        guard record.phase == .succeeded || record.phase == .failed else { throw APIError.scaleSetIsChanging(record.id) }
    }

    private func first(_ id: ResourceID, _ wanted: ScaleSetSpecification) throws -> ScaleSetRecord {
        guard let location = wanted.location, !location.isEmpty else { throw APIError.locationNotAvailable("") }
        guard let size = wanted.size else { throw APIError.machineNeeds("sku.name", "choose a size, such as Standard_B1s.") }
        guard let profile = wanted.profile else {
            throw APIError.machineNeeds("virtualMachineProfile", "it says what the instances are made of.")
        }
        return ScaleSetRecord(
            id: id, unique: machines.disks.disks.creation.newID(), location: location, created: clock.now(), tags: wanted.tags ?? [:], zones: wanted.zones,
            capacity: wanted.capacity ?? 0, model: ScaleSetModel(size: size.name, profile: profile), version: 1, next: 0,
            upgrade: wanted.upgrade ?? .manual, labels: wanted.labels, phase: .creating)
    }

    private func change(_ record: inout ScaleSetRecord, _ wanted: ScaleSetSpecification) throws {
        if let location = wanted.location, location != record.location {
            throw APIError.resourceLocationFixed(record.id, record.location, asked: location)
        }
        let model = ScaleSetModel(
            size: wanted.size?.name ?? record.model.size, profile: ScaleSetModel.merged(record.model.profile, wanted.profile ?? .null))
        if model != record.model || wanted.tags.map({ $0 != record.tags }) == true { record.version += 1 }
        record.model = model
        record.tags = wanted.tags ?? record.tags
        record.zones = wanted.zones ?? record.zones
        record.capacity = wanted.capacity ?? record.capacity
        record.upgrade = wanted.upgrade ?? record.upgrade
        record.labels = record.labels.merging(wanted.labels) { $1 }
        record.phase = .updating
        record.reason = nil
    }

    /// Refuses extensions; Azure Disk Encryption, which is one, by its rule where there is one.
    private func refuseExtensions(_ wanted: ScaleSetSpecification, _ record: ScaleSetRecord) throws {
        let osType = record.model.profile["storageProfile"]?["osDisk"]?["osType"]?.string ?? "Linux"
        for asked in wanted.extensions {
            if let volume = try GuestVolume.asked(of: asked["properties"]) { try machines.encryption.requireGuest(ofScaleSetWith: osType, volume) }
            throw APIError.notServedYet("Extensions are", target: "virtualMachineProfile.extensionProfile")
        }
    }

    /// Refuses to make OS disks ephemeral, or otherwise so, that were not.
    private func requireSameKind(_ old: ScaleSetRecord, _ new: ScaleSetRecord) throws {
        let settings = [old, new].map { $0.model.profile["storageProfile"]?["osDisk"]?["diffDiskSettings"].flatMap { $0 == .null ? nil : $0 } }
        try machines.disks.rules.require(.ephemeralFixed, settings[0] == settings[1], ["machine": new.id.name])
    }

    /// Seals what new instances are handed. Those that are there keep theirs until their OS disks are made anew.
    private func setSecrets(_ record: inout ScaleSetRecord, _ wanted: ScaleSetSpecification, isNew: Bool) async throws {
        guard let administrator = wanted.administrator else { return }
        if isNew { try administrator.requireEntry() }
        let before = try await instances.secrets(of: record)
        let now = try machines.provisioning.secrets(of: administrator, over: before)
        guard now != before else { return }
        if !isNew { record.version += 1 }
        record.provisioning = try await machines.provisioning.seal(now, for: MachineID(record.unique))
    }

    /// Refuses what no instance can be made of, and completes the model by what its image says.
    private func check(_ record: inout ScaleSetRecord, _ specification: MachineSpecification) async throws {
        guard specification.osDisk != nil else {
            throw APIError.machineNeeds("virtualMachineProfile.storageProfile.osDisk", "a machine has a disk that it starts from.")
        }
        guard specification.osDisk?.createOption == .fromImage, let reference = specification.image else {
            throw APIError.machineNeeds("virtualMachineProfile.storageProfile.imageReference", "the OS disks of a scale set are made FromImage.")
        }
        guard !specification.interfaceConfigurations.isEmpty else {
            throw APIError.machineNeeds("networkProfile.networkInterfaceConfigurations", "each instance has at least one interface.")
        }
        if let size = specification.size, let count = specification.dataDisks?.count, count > size.dataDiskCount {
            throw APIError.tooManyDataDisks(size, count)
        }
        let image = try await machines.images.choose(reference)
        if let osDisk = specification.osDisk, let wish = osDisk.ephemeral, let size = specification.size {
            _ = try machines.disks.ephemeral.plan(osDisk, wish, of: image.wish, at: size, as: record.unique)
        }
        if let id = record.instance("0") { _ = try machines.interfaces.planned(specification.interfaceConfigurations, for: id) }
        record.model.profile = ScaleSetModel.merged(record.model.profile, ["storageProfile": ["osDisk": ["osType": .string(image.osType)]]])
    }
}
