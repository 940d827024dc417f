import CofferModel
import CofferPlatform

/// The temporary disks of virtual machines. A machine gets one on its host when it starts, keeps it while it is stopped, and loses it for
/// good when it is deallocated. It has its machine's id.
///
/// Whoever calls holds the machine's turn.
struct TemporaryDisks: Sendable {
    let local: LocalDisks

    /// Opens the temporary disk of a machine, after making it if there is none that fits.
    ///
    /// - Returns: nil if machines of its size have none, or its ephemeral OS disk takes all of the place.
    func open(for machine: MachineRecord, _ size: MachineSize) async throws -> MachineDisk? {
        try await APIError.answering(machine.id) {
            let disk = machine.machine.temporaryDisk
            let byteCount = Self.byteCount(of: machine, size)
            guard byteCount > 0 else {
                try await local.delete(disk)
                return nil
            }
            let export = if try await local.has(disk, byteCount: byteCount, isEncrypted: machine.encryptsAtHost) {
                try await local.open(disk, for: .temporary)
            } else {
                try await local.make(disk, byteCount: byteCount, isEncrypted: machine.encryptsAtHost, for: .temporary)
            }
            return MachineDisk(name: "temp", export: export)
        }
    }

    /// Opens the temporary disk of a machine that runs, after its host was started anew.
    func reopen(for machine: MachineRecord) async throws {
        try await APIError.answering(machine.id) { _ = try await local.open(machine.machine.temporaryDisk, for: .temporary) }
    }

    /// Deletes the temporary disk of a machine.
    func delete(of machine: MachineRecord) async throws {
        try await APIError.answering(machine.id) { try await local.delete(machine.machine.temporaryDisk) }
    }

    /// What an ephemeral OS disk leaves of the place: on a temporary disk all but itself, of NVMe disks nothing.
    private static func byteCount(of machine: MachineRecord, _ size: MachineSize) -> UInt64 {
        let all = UInt64(size.temporaryMebibytes) << 20
        guard let ephemeral = machine.osDisk.ephemeral else { return all }
        switch ephemeral.placement {
        case .cacheDisk: return all
        case .resourceDisk: return all - min(all, ephemeral.byteCount)
        case .nvmeDisk: return 0
        }
    }
}
