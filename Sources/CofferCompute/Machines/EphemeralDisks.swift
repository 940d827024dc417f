import CofferModel
import CofferPlatform

/// Ephemeral OS disks: OS disks that are their machine's host's own, filled from an image. There is no record of such a disk but its
/// machine's; it goes with what the machine has of its host, and is made of the image anew whenever it is not there as a whole.
///
/// Whoever calls holds the machine's turn.
struct EphemeralDisks: Sendable {
    let store: any Store
    let local: LocalDisks
    let images: MachineImages
    let reader: any DiskImageReader
    let rules: RuleBook

    /// Decides about an ephemeral OS disk, and refuses what cannot be.
    ///
    /// - Parameters:
    ///   - wish: Where it is to be, as far as it was said.
    ///   - disk: Its id on its host.
    func plan(
        _ wanted: MachineSpecification.Disk, _ wish: MachineSpecification.Ephemeral, of image: DiskCreationWish?, at size: MachineSize, as disk: DiskID
    ) throws -> MachineRecord.Ephemeral {
        try rules.require(.ephemeralCustomerKey, wanted.set == nil)
        try rules.require(.ephemeralFromImage, wanted.createOption == .fromImage)
        guard case .platformImage(let image) = image else { throw rules.refusal(.ephemeralImage) }
        try rules.require(.ephemeralCaching, wanted.caching ?? "ReadOnly" == "ReadOnly")
        guard let usual = EphemeralPlacement.all(at: size).first else { throw rules.refusal(.ephemeralSize, ["size": size.name]) }
        let placement = wish.placement ?? usual
        let byteCount = try byteCount(wanted.size, of: image)
        let ephemeral = MachineRecord.Ephemeral(placement: placement, disk: disk, byteCount: byteCount, isFilled: false)
        try requireFit(ephemeral, size)
        return ephemeral
    }

    /// Refuses a size that has no place for an ephemeral OS disk.
    func requireFit(_ disk: MachineRecord.Ephemeral, _ size: MachineSize) throws {
        let places = EphemeralPlacement.all(at: size)
        try rules.require(.ephemeralSize, !places.isEmpty, ["size": size.name])
        try rules.require(
            .ephemeralPlacement, places.contains(disk.placement),
            ["size": size.name, "placement": disk.placement.rawValue, "known": places.map(\.rawValue).joined(separator: ", ")])
        let most = disk.placement.gibibytes(at: size) ?? 0
        try rules.require(
            .ephemeralFit, DiskSize.gibibytes(of: disk.byteCount) <= most,
            ["size": size.name, "placement": disk.placement.rawValue, "most": "\(most)"])
    }

    /// Opens the ephemeral OS disk of a machine. If it is not there as a whole it is made of the machine's image, under a new key.
    ///
    /// - Returns: nil if the machine has another kind of OS disk.
    func open(for machine: MachineRecord) async throws -> MachineDisk? {
        guard let disk = machine.osDisk.ephemeral else { return nil }
        return try await APIError.answering(machine.id) {
            let isThere = try await local.has(disk.disk, byteCount: disk.byteCount, isEncrypted: machine.encryptsAtHost)
            if !isThere || !disk.isFilled { try await fill(disk, of: machine) }
            return MachineDisk(name: machine.osDisk.hostName, export: try await local.open(disk.disk, for: Self.use(of: machine)))
        }
    }

    /// Opens the ephemeral OS disk of a machine that runs, after its host was started anew. One that is not whole is left for the machine's
    /// next start.
    func reopen(for machine: MachineRecord) async throws {
        guard let disk = machine.osDisk.ephemeral, disk.isFilled else { return }
        try await APIError.answering(machine.id) { _ = try await local.open(disk.disk, for: Self.use(of: machine)) }
    }

    /// Destroys the ephemeral OS disk of a machine, if it has one.
    func delete(of machine: MachineRecord) async throws {
        guard let disk = machine.osDisk.ephemeral else { return }
        try await APIError.answering(machine.id) { try await local.delete(disk.disk) }
    }

    /// The record says that it is whole only when all of the image is on stable storage. Its guest has to be set up from then on.
    private func fill(_ disk: MachineRecord.Ephemeral, of machine: MachineRecord) async throws {
        guard let reference = machine.image else { throw APIError.machineNeeds("storageProfile.imageReference", "a disk FromImage needs the image.") }
        guard case .platformImage(let image) = try await images.choose(reference.pinned).wish else { throw rules.refusal(.ephemeralImage) }
        guard image.byteCount <= disk.byteCount else { throw APIError.smallerThanSource(DiskSize.gibibytes(of: image.byteCount), "the image") }
        try await store.change(machine) { machine in
            machine.osDisk.ephemeral?.isFilled = false
            machine.provisioning?.isDone = false
        }
        let export = try await local.make(disk.disk, byteCount: disk.byteCount, isEncrypted: machine.encryptsAtHost, for: Self.use(of: machine))
        try await reader.write(DiskImage(path: image.path, format: .raw, byteCount: image.byteCount), to: export) { _ in }
        try await local.close(disk.disk)
        try await store.change(machine) { $0.osDisk.ephemeral?.isFilled = true }
    }

    private func byteCount(_ wanted: DiskSize?, of image: PlatformImage) throws -> UInt64 {
        let whole = (image.byteCount + 4095) / 4096 * 4096
        guard let wanted, !wanted.isSize(of: whole) else { return whole }
        guard wanted.byteCount > whole else { throw APIError.smallerThanSource(DiskSize.gibibytes(of: whole), "the image") }
        return wanted.byteCount
    }

    private static func use(of machine: MachineRecord) -> DiskUse { .machine(cache: .none, encryptsAtHost: machine.encryptsAtHost) }
}

extension JSONValue {
    /// An image reference that means the version which was chosen, whatever came after it.
    fileprivate var pinned: JSONValue {
        guard var members = object, let version = members["exactVersion"] else { return self }
        members["version"] = version
        return .object(members)
    }
}
