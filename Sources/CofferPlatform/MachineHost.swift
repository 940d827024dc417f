package import CofferModel

/// The hypervisor of this machine. Answered by CofferQEMU.
package protocol MachineHost: Sendable {
    /// Starts a machine and returns once its processors run; one that runs already is left alone.
    ///
    /// - Throws: ``MachineFailure``; then no process of it is left.
    func start(_ plan: MachinePlan) async throws
    /// Whether a machine's process is there.
    func isRunning(_ machine: MachineID) async -> Bool
    /// How the processors of a machine are run; nil if its process is not there.
    func acceleration(of machine: MachineID) async -> MachineAcceleration?
    /// Does something to a machine that runs.
    ///
    /// - Throws: ``MachineFailure``.
    func perform(_ command: MachineCommand, on machine: MachineID) async throws
    /// Runs a shell script as root in a machine, through its guest agent.
    ///
    /// - Throws: ``MachineFailure`` with `guestUnavailable` if no agent answers.
    func run(_ script: String, in machine: MachineID) async throws -> GuestOutput
    /// The last part of what a machine wrote to its serial console since it was first started, at most 1 MiB.
    func consoleLog(of machine: MachineID) async -> [UInt8]
    /// Whether a machine's networks can change while it runs. If not, they stay as it was started with them.
    func follows(_ machine: MachineID) async -> Bool
    /// Has the networks of a machine that runs be as its interfaces say now: what it may reach, who may reach it, and the ports of its public
    /// addresses. Repeating it costs little.
    ///
    /// - Throws: ``MachineFailure``.
    func follow(_ interfaces: [NetworkInterfacePlan], of machine: MachineID) async throws
    /// Makes ports of a machine that runs reachable from this host: these, and no others that were made so before. The ports of public
    /// addresses that it was started with stay.
    ///
    /// - Parameter probed: Those that ``answers(at:of:within:)`` will be asked about.
    /// - Throws: ``MachineFailure``.
    func reach(_ ports: Set<GuestPort>, probing probed: Set<GuestPort>, of machine: MachineID) async throws -> [GuestPort: HostEndpoint]
    /// Whether something in the guest takes connections at a port that was made reachable.
    func answers(at port: GuestPort, of machine: MachineID, within limit: Duration) async -> Bool
}

/// How a machine's processors are run, and why so.
package struct MachineAcceleration: Codable, Equatable, Sendable {
    package enum Kind: String, Codable, Sendable {
        /// By the processor itself.
        case kvm
        /// By translation: slow, and works everywhere.
        case tcg
    }

    package let kind: Kind
    /// A part of a sentence, such as `a guest ran under KVM to its end`.
    package let reason: String

    package init(_ kind: Kind, reason: String) {
        self.kind = kind
        self.reason = reason
    }

    /// What people are told.
    package var sentence: String { kind == .kvm ? "Runs under KVM" : "Runs under translation (TCG), which is slow" }
}

/// What can be done to a machine that runs.
package enum MachineCommand: Sendable {
    /// Asks the guest to power off, and ends the process when it has, or when it has not within `grace`.
    case stop(grace: Duration)
    /// Gives it another disk.
    case plug(MachineDisk)
    /// Takes a disk away, by ``MachineDisk/name``.
    case unplug(String)
    /// Forgets what is kept of it beside its process: console log and saved state. For one that does not run.
    case forget
}

/// A machine's own id, as the guest's firmware shows it: a UUID in lower case.
package struct MachineID: Hashable, Codable, Sendable {
    /// The id of its temporary disk on its host. Both are UUIDs, and no other machine ever has this one.
    package let temporaryDisk: DiskID

    package var text: String { temporaryDisk.text }

    /// - Returns: nil unless `text` is a UUID.
    package init?(_ text: String) {
        guard let id = DiskID(text) else { return nil }
        self.init(id)
    }

    /// One with the same bytes as a disk's id.
    package init(_ id: DiskID) { temporaryDisk = id }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let id = MachineID(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a machine id")
        }
        self = id
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

/// Everything that a machine is started with.
package struct MachinePlan: Sendable {
    package enum Firmware: String, Sendable {
        case bios
        case uefi
    }

    package let id: MachineID
    /// For people who look at processes.
    package let name: String
    package let memoryMebibytes: Int
    package let processors: Int
    package let firmware: Firmware
    /// The first is the one to boot from.
    package let disks: [MachineDisk]
    package let interfaces: [NetworkInterfacePlan]
    /// The Unix socket at which the guest's metadata service answers.
    package let metadataPath: String

    package init(
        id: MachineID, name: String, memoryMebibytes: Int, processors: Int, firmware: Firmware, disks: [MachineDisk],
        interfaces: [NetworkInterfacePlan], metadataPath: String
    ) {
        self.id = id
        self.name = name
        self.memoryMebibytes = memoryMebibytes
        self.processors = processors
        self.firmware = firmware
        self.disks = disks
        self.interfaces = interfaces
        self.metadataPath = metadataPath
    }
}

/// A disk as a machine is given it.
package struct MachineDisk: Sendable {
    /// What it is called towards the hypervisor: letters, digits and `-`, such as `os` or `lun-3`.
    package let name: String
    package let export: DiskExport

    package init(name: String, export: DiskExport) {
        self.name = name
        self.export = export
    }
}

/// What a script in a guest wrote, and how it ended.
package struct GuestOutput: Sendable {
    package let status: Int
    /// At most 1 MiB each.
    package let output: [UInt8]
    package let errors: [UInt8]

    package init(status: Int, output: [UInt8], errors: [UInt8]) {
        self.status = status
        self.output = output
        self.errors = errors
    }
}

/// Why a hypervisor did not do what it was asked.
package struct MachineFailure: Error, Equatable, Sendable {
    package enum Code: Sendable {
        /// There is no QEMU on this machine.
        case notInstalled
        /// The machine does not run.
        case notRunning
        /// No guest agent answers.
        case guestUnavailable
        /// It refused or could not; the message says what.
        case system
    }

    package let code: Code
    /// A sentence for people, without secrets.
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
