import CofferCore
import CofferModel
import CofferPlatform

/// Makes, changes and ends the instances of scale sets, which are virtual machines.
///
/// Whoever calls holds the set's turn.
struct ScaleSetInstances: Sendable {
    let store: any Store
    let machines: MachinesService
    let turns: Turns

    /// Makes one and waits until it runs.
    ///
    /// - Throws: ``APIError``; then its record may be left, failed. `CancellationError`.
    func make(_ number: Int, of set: ScaleSetRecord, by grant: Grant) async throws {
        try Task.checkCancellation()
        guard let id = set.instance(String(number)) else { throw APIError.resourceNotFound(set.id) }
        let instance = MachineRecord.Instance(version: set.version, fixed: set.model.fixed)
        _ = try await machines.begin(
            id, as: set.model.specification(number: number, of: set), instance: instance, secrets: secrets(of: set),
            known: set.identities ?? [], by: grant)
        try await machines.making.finish(id)
    }

    /// Ends and forgets instances with all that was made with them.
    func remove(_ records: [MachineRecord], isForced: Bool, by grant: Grant) async throws {
        _ = try await sideBySide(records) { record in
            await machines.making.cancel(record.id)
            try await turns.take(record.id.key) {
                guard let now = try await store.read({ try $0.machine(record.id) }), now.machine == record.machine else { return }
                try await machines.remove(now, isForced: isForced, by: grant)
            }
        }
    }

    /// Gives an instance of the set's model what a machine that is there can get: size, data disks, tags, user data. Disks that it loses are
    /// deleted. Its OS disk, the encryption of disks that it has, encryption at host and its interfaces stay.
    func update(_ id: ResourceID, to set: ScaleSetRecord, by grant: Grant) async throws {
        try await change(id, of: set) { old in
            let wanted = try set.model.specification(number: old.number, of: set, isUpdate: true)
            let changed = try await machines.update(old, wanted, tags: set.tags, isPatch: true, by: grant)
            let lost = old.dataDisks.filter { disk in !changed.dataDisks.contains { $0.disk == disk.disk } }
            try await machines.disks.delete(lost.map(\.disk), by: grant)
            let fixed = set.model.fixed(updating: old.instance?.fixed ?? .null)
            try await note(changed, fixed, set)
        }
    }

    /// Gives an instance a new OS disk of the set's image; what was on the old one is gone.
    func reimage(_ id: ResourceID, of set: ScaleSetRecord, by grant: Grant) async throws {
        try await change(id, of: set) { old in
            let wanted = try set.model.specification(number: old.number, of: set)
            guard let osDisk = wanted.osDisk else { return }
            let provisioning = try await machines.provisioning.seal(secrets(of: set), for: old.machine)
            let changed = try await machines.replaceOSDisk(of: old, as: osDisk, image: wanted.image, provisioning: provisioning, by: grant)
            let fixed = set.model.fixed(reimaging: old.instance?.fixed ?? .null)
            try await note(changed, fixed, set)
        }
    }

    /// What the instances of a set are handed.
    func secrets(of set: ScaleSetRecord) async throws -> MachineProvisioning.Secrets {
        guard let provisioning = set.provisioning else { return .init() }
        return try await machines.provisioning.open(provisioning, of: MachineID(set.unique))
    }

    private func change(_ id: ResourceID, of set: ScaleSetRecord, _ body: (MachineRecord) async throws -> Void) async throws {
        try await turns.take(id.key) {
            guard let record = try await store.read({ try $0.machine(id) }) else { throw APIError.scaleSetInstanceNotFound(id.name, of: set.id) }
            guard record.phase == .succeeded else { throw APIError.machineIsFailed(id, record.reason) }
            try await body(record)
        }
    }

    /// Writes down what of the model an instance has. It has the newest version once nothing of it differs.
    private func note(_ record: MachineRecord, _ fixed: JSONValue, _ set: ScaleSetRecord) async throws {
        _ = try await store.write { transaction in
            try transaction.change(record) { record in
                record.instance?.fixed = fixed
                if fixed == set.model.fixed { record.instance?.version = set.version }
            }
        }
    }
}
