import CofferModel
import CofferPlatform

/// The temporary disks of virtual machines. A machine gets one on its host when it starts, keeps it while it is stopped, and loses it for
/// good when it is deallocated. Without encryption at host it is not encrypted; with it a platform key wraps its data key, and only the
/// disk's own header has that.
///
/// Whoever calls holds the machine's turn. There are no records: a disk has its machine's id.
struct TemporaryDisks: Sendable {
    /// The host's own disks.
    let hosted: HostedDisks
    let platformKeys: any KeyService

    /// Opens the temporary disk of a machine, after making it if there is none that fits.
    ///
    /// - Returns: nil if machines of its size have none.
    func open(for machine: MachineRecord, _ size: MachineSize) async throws -> MachineDisk? {
        try await APIError.answering(machine.id) {
            let disk = machine.machine.temporaryDisk
            guard size.temporaryMebibytes > 0 else {
                try await delete(disk)
                return nil
            }
            let byteCount = UInt64(size.temporaryMebibytes) << 20
            let export = try await fitting(machine, byteCount) ? reopen(disk, machine) : make(disk, byteCount, machine)
            return MachineDisk(name: "temp", export: export)
        }
    }

    /// Opens the temporary disk of a machine that runs, after its host was started anew.
    func reopen(for machine: MachineRecord) async throws {
        try await APIError.answering(machine.id) { _ = try await reopen(machine.machine.temporaryDisk, machine) }
    }

    /// Deletes the temporary disk of a machine: its wrapped key first.
    func delete(of machine: MachineRecord) async throws {
        try await APIError.answering(machine.id) { try await delete(machine.machine.temporaryDisk) }
    }

    func delete(_ disk: DiskID) async throws {
        do {
            try await hosted.close(disk)
        } catch let failure as DiskFailure where failure.code == .notFound || failure.code == .corruptHeader {}
        try await hosted.delete(disk)
    }

    /// All that there are.
    func list() async throws -> [DiskStatus] { try await hosted.list().disks }

    /// Whether there is a disk as the machine is to have it now; one of another size or encryption is none.
    private func fitting(_ machine: MachineRecord, _ byteCount: UInt64) async throws -> Bool {
        do {
            guard let found = try await hosted.find(machine.machine.temporaryDisk) else { return false }
            return found.byteCount == byteCount && found.layers.isEmpty != machine.encryptsAtHost
        } catch let failure as DiskFailure where failure.code == .corruptHeader {
            return false
        }
    }

    private func make(_ disk: DiskID, _ byteCount: UInt64, _ machine: MachineRecord) async throws -> DiskExport {
        try await delete(disk)
        let use = DiskUse.machine(cache: .none, encryptsAtHost: machine.encryptsAtHost)
        return try await hosted.withRecipientKey { publicKey in
            var keys: [WrappedDataKey] = []
            if machine.encryptsAtHost {
                let recipient = DataKeyRecipient(publicKey: publicKey, disk: disk, layer: 0)
                keys.append(try await platformKeys.makeDataKey(under: DiskKeys.platformKeyID, as: .platform, for: recipient))
            }
            try await hosted.create(disk, byteCount: byteCount, keys: keys)
            return try export(await hosted.open(disk, keys: keys.map(\.sealed), use: use))
        }
    }

    private func reopen(_ disk: DiskID, _ machine: MachineRecord) async throws -> DiskExport {
        let use = DiskUse.machine(cache: .none, encryptsAtHost: machine.encryptsAtHost)
        return try await hosted.withRecipientKey { publicKey in
            var keys: [SealedKey] = []
            for (index, layer) in try await hosted.inspect(disk).layers.enumerated() {
                let recipient = DataKeyRecipient(publicKey: publicKey, disk: disk, layer: index)
                keys.append(try await platformKeys.openDataKey(layer, as: .platform, for: recipient))
            }
            return try export(await hosted.open(disk, keys: keys, use: use))
        }
    }

    private func export(_ status: DiskStatus) throws -> DiskExport {
        guard let export = status.export else { throw DiskFailure(.system, "the temporary disk's host gave no export") }
        return export
    }
}
