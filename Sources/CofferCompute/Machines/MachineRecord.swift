import CofferCore
import CofferModel
import CofferPlatform

/// A virtual machine as it is stored, under ``ResourceID/key``: what is wanted. Whether it runs, the hypervisor knows.
struct MachineRecord: Codable, Equatable, Sendable {
    static let collection = "machines"

    enum Phase: String, Codable, Sendable {
        /// Its disks are being made, or it has not been started yet.
        case creating
        case succeeded
        case deleting
        /// It could not be made or changed, for the reason in the record.
        case failed
    }

    /// What is wanted of its process.
    enum Power: String, Codable, Sendable {
        case running
        /// It does not run and keeps its disks.
        case stopped
        /// It has given up what it had of this host.
        case deallocated
    }

    let id: ResourceID
    let machine: MachineID
    let location: String
    var tags: [String: String]
    let zones: [String]?
    var size: String
    let created: Timestamp
    /// The image that the OS disk was made of, as the client named it.
    var image: JSONValue?
    /// `V1`, started by a BIOS, or `V2`, by UEFI; as its OS disk says.
    var osGeneration: String?
    var osDisk: Disk
    /// While the OS disk is made anew, the one that goes: the new one until it is complete, then the old one.
    var leaving: ResourceID?
    var dataDisks: [Disk]
    var interfaces: [Interface]
    /// `properties.osProfile` without what is secret in it.
    var osProfile: JSONValue?
    /// Properties that change nothing here; kept and shown again, by their names.
    var labels: [String: JSONValue]
    /// Base 64, as the client sent it; guests read it from the metadata service.
    var userData: String?
    /// What its guest alone is handed when it is set up.
    var provisioning: Provisioning?
    /// The identities that it may act as, its own first.
    var identities: [AssignedIdentity]?
    var phase: Phase
    var power: Power
    /// Why it failed, or why it does not run though it is to.
    var reason: Reason?
    /// Of an instance of a scale set.
    var instance: Instance?

    /// A disk of the machine.
    struct Disk: Codable, Equatable, Sendable {
        /// Nil for the OS disk.
        var lun: Int?
        var disk: ResourceID
        /// `None`, `ReadOnly` or `ReadWrite`.
        var caching: String
        var deletesWithMachine: Bool
        /// As the client said it: `FromImage`, `Empty` or `Attach`.
        let createOption: String
        /// Of the OS disk: `Linux` or `Windows`.
        var osType: String?
        var writeAcceleratorEnabled: Bool?
        /// Of an unmanaged disk, its URL as the client named it.
        var vhd: String?
        /// Of an ephemeral OS disk, of which there is no record: then ``disk`` is a name and nothing else.
        var ephemeral: Ephemeral?
    }

    /// An OS disk that is the host's own.
    struct Ephemeral: Codable, Equatable, Sendable {
        let placement: EphemeralPlacement
        /// Its id on its host, which it keeps when it is made anew.
        var disk: DiskID
        let byteCount: UInt64
        /// Whether all of its image is on it. Otherwise it is made anew when its machine starts.
        var isFilled: Bool
    }

    /// What is handed to the guest, and whether the guest has it.
    struct Provisioning: Codable, Equatable, Sendable {
        /// ``MachineProvisioning/Secrets``, sealed, in base 64 for URLs.
        let sealed: String
        /// Whether the guest has said that it is set up; then it is told no more, as any of its users could ask.
        var isDone = false
    }

    /// A network interface of the machine.
    struct Interface: Codable, Equatable, Sendable {
        let id: ResourceID
        var isPrimary: Bool?
        var deletesWithMachine: Bool
        /// Whether it was made with the machine, and goes if the machine cannot be made.
        var isMadeWithMachine: Bool?
    }

    /// What the record of an instance of a scale set has beside that of a virtual machine.
    struct Instance: Codable, Equatable, Sendable {
        /// The version of the set's model that it has.
        var version: Int
        /// The part of the model that only making the machine anew changes, as it was.
        var fixed: JSONValue
        var isProtectedFromScaleIn: Bool?
    }

    /// An error that is kept.
    struct Reason: Codable, Equatable, Sendable {
        let code: String
        let message: String
        let since: Timestamp
    }

    /// The OS disk first.
    var disks: [Disk] { [osDisk] + dataDisks }
    /// Those that there are records of: all but an ephemeral OS disk.
    var recordedDisks: [Disk] { disks.filter { $0.ephemeral == nil } }
    /// What guests and people know it by.
    var name: String { id.machineName }
}

extension MachineRecord.Interface {
    /// One that is made with its machine. Those of instances always go with them.
    init(_ planned: PlannedInterface, of instance: MachineRecord.Instance?) {
        self.init(
            id: planned.id, isPrimary: planned.isPrimary, deletesWithMachine: instance != nil || planned.isDeletedWithMachine ?? true,
            isMadeWithMachine: true)
    }
}

extension ResourceID {
    /// The name of a machine: of an instance of a scale set, the set's name and its number.
    var machineName: String {
        guard isType("Microsoft.Compute/virtualMachineScaleSets/virtualMachines"), let set = parent else { return name }
        return "\(set.name)_\(name)"
    }
}

extension ReadTransaction {
    func machine(_ id: ResourceID) throws -> MachineRecord? {
        try value(MachineRecord.self, id.key, in: MachineRecord.collection)?.value
    }

    func machines() throws -> [MachineRecord] {
        try values(MachineRecord.self, in: MachineRecord.collection)
    }

    /// The machines below a subscription or group.
    func machines(in scope: ResourceID) throws -> [MachineRecord] {
        try values(MachineRecord.self, in: MachineRecord.collection, prefix: scope.key + "/")
    }
}

extension WriteTransaction {
    /// Changes a machine's record if it is still the one of `record`: after it was deleted another may have its name.
    ///
    /// - Returns: The record as it is now, or nil if it is gone.
    @discardableResult
    func change(_ record: MachineRecord, _ change: (inout MachineRecord) -> Void) throws -> MachineRecord? {
        guard var now = try machine(record.id), now.machine == record.machine else { return nil }
        let old = now
        change(&now)
        if now != old { try put(now, now.id.key, in: MachineRecord.collection) }
        return now
    }
}

extension Store {
    /// Changes a machine's record in a transaction of its own.
    ///
    /// - Returns: The record as it is now.
    /// - Throws: ``APIError`` if it is gone.
    @discardableResult
    func change(_ record: MachineRecord, _ body: @escaping @Sendable (inout MachineRecord) -> Void) async throws -> MachineRecord {
        guard let changed = try await write({ try $0.change(record, body) }) else { throw APIError.resourceNotFound(record.id) }
        return changed
    }
}
