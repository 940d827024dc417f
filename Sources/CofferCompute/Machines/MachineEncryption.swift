import CofferCore
import CofferModel
import CofferPlatform

/// The rules about encryption at host and Azure Disk Encryption, asked about one virtual machine.
struct MachineEncryption: Sendable {
    let rules: RuleBook
    let store: any Store
    let features: any SubscriptionFeatures

    /// From when on disks with sectors of 512 bytes can be used with encryption at host: 13 May 2023.
    private static let smallSectorsSince = Timestamp(seconds: 1_683_936_000)

    /// Refuses `encryptionAtHost` in a request, whatever it says, unless the feature is registered.
    func requireHostFeature(in subscription: String?) async throws {
        let isRegistered = try await features.isRegistered("EncryptionAtHost", of: ResourceID.computeNamespace, in: subscription ?? "")
        try rules.require(.hostFeature, isRegistered)
    }

    /// Refuses a size without encryption at host.
    func requireHost(_ size: MachineSize, in location: String) throws {
        try rules.require(
            .hostSize2021, !EncryptionRule.hostFamilies2021.contains(size.family.lowercased()), ["size": size.name, "family": size.family])
        try rules.require(.hostSize, size.hasEncryptionAtHost, ["size": size.name, "location": location])
    }

    /// Refuses disks that encryption at host cannot be used with.
    func requireHost(_ disks: [DiskRecord]) throws {
        for disk in disks {
            let facts = ["disk": disk.id.name, "sku": disk.sku.rawValue]
            try rules.require(.hostGuestEncrypted, disk.guestEncryption?.isEnabled != true, facts)
            try rules.require(.hostEverGuestEncrypted, disk.guestEncryption == nil, facts)
            let isSmall = disk.sku.hasChosenSectors && disk.labels.logicalSectorSize == 512
            try rules.require(.hostSectorSize2021, !isSmall, facts)
            try rules.require(.hostSectorSize, !isSmall || disk.created >= Self.smallSectorsSince, facts)
        }
    }

    /// Refuses a change of encryption at host while the machine has anything of this host.
    func requireDeallocated(_ machine: MachineRecord) throws {
        try rules.require(.ephemeralHostEncryption, machine.osDisk.ephemeral == nil, ["machine": machine.id.name])
        try rules.require(
            .hostDeallocated, machine.power == .deallocated, ["machine": machine.id.name, "group": machine.id.group ?? ""])
    }

    /// The disks that a machine is to have and that are there already: those to be attached, and what others are made of.
    func disks(_ wanted: [MachineSpecification.Disk], image: DiskCreationWish?) async throws -> [DiskRecord] {
        var ids = wanted.filter { $0.createOption == .attach }.compactMap(\.disk)
        if case .image(let id, let lun) = image { ids.append(ImageRecord.part(id, lun: lun)) }
        return try await store.read { [ids] transaction in try ids.compactMap { try transaction.disk($0) } }
    }

    // MARK: Azure Disk Encryption

    /// Refuses Azure Disk Encryption where a rule forbids it. The order is that of the comparison: size, system, disks.
    func requireGuest(_ machine: MachineRecord, _ volume: GuestVolume) async throws {
        guard let size = MachineSize.named(machine.size) else { throw APIError.machineSizeUnknown(machine.size) }
        let isLinux = machine.osDisk.osType?.lowercased() != "windows"
        let facts = ["size": size.name, "memory": "\(size.memoryMebibytes)", "machine": machine.id.name]
        try rules.require(.guestSizeBasic, !size.isASeries, facts)
        try rules.require(.guestSizeTemporaryDisk, size.temporaryMebibytes > 0, facts)
        try rules.require(.guestSizeGeneration, size.version < 6, facts)
        try rules.require(.guestMemory, size.memoryMebibytes >= 2048, facts)
        try rules.require(.guestMemoryOS, !isLinux || volume == .data || size.memoryMebibytes >= 8192, facts)
        try requireGuestSystem(machine, isLinux: isLinux)
        try rules.require(.guestWindowsVolume, isLinux || volume != .data)
        let disks = try await store.read { transaction in try machine.recordedDisks.compactMap { try transaction.disk($0.disk) } }
        try rules.require(.guestEphemeralDisk, machine.osDisk.ephemeral == nil, facts)
        for disk in disks {
            let facts = ["disk": disk.id.name, "sku": disk.sku.rawValue]
            try rules.require(.guestDiskSKU, !disk.sku.hasChosenSectors, facts)
            try rules.require(.guestCustomerKey, !disk.encryption.usesCustomerKey, facts)
        }
        try rules.require(.guestHostEncryption, !machine.encryptsAtHost, facts)
    }

    /// Refuses Azure Disk Encryption of the OS disks of a scale set.
    func requireGuest(ofScaleSetWith osType: String, _ volume: GuestVolume) throws {
        try rules.require(.guestScaleSetOS, osType.lowercased() == "windows" || volume == .data)
    }

    private func requireGuestSystem(_ machine: MachineRecord, isLinux: Bool) throws {
        let image = machine.image
        let isCustom = image?["publisher"]?.string == nil
        try rules.require(.guestCustomImage, !isLinux || !isCustom, ["machine": machine.id.name])
        guard !isCustom else { return }
        let words = ["publisher", "offer", "sku"].map { image?[$0]?.string ?? "" }
        let isKnown = GuestEncryptionSystem.has(publisher: words[0], offer: words[1], sku: words[2], osType: isLinux ? "linux" : "windows")
        try rules.require(
            .guestOperatingSystem, isKnown, ["system": words.joined(separator: ":"), "known": GuestEncryptionSystem.names])
    }
}

/// Which disks Azure Disk Encryption is to encrypt, its setting `VolumeType`.
enum GuestVolume: String, Sendable, CaseIterable {
    case os = "OS"
    case data = "Data"
    case all = "All"

    /// - Parameter word: Azure's word, in any case.
    init?(word: String) {
        guard let found = Self.allCases.first(where: { $0.rawValue.lowercased() == word.lowercased() }) else { return nil }
        self = found
    }

    /// What an extension asks of Azure Disk Encryption.
    ///
    /// - Parameter properties: Of the extension.
    /// - Returns: nil if it is another extension.
    /// - Throws: ``APIError`` if it names no volumes that there are.
    static func asked(of properties: JSONValue?) throws -> GuestVolume? {
        guard properties?["publisher"]?.string?.lowercased() == "microsoft.azure.security",
            ["azurediskencryption", "azurediskencryptionforlinux"].contains(properties?["type"]?.string?.lowercased() ?? "")
        else { return nil }
        let word = properties?["settings"]?["VolumeType"]?.string ?? all.rawValue
        guard let volume = GuestVolume(word: word) else {
            throw APIError.invalidParameter("The volume type '\(word.prefix(40))' is unknown. There are: OS, Data and All.", target: "VolumeType")
        }
        return volume
    }
}

extension MachineRecord {
    /// What was said of encryption at host; nil if nothing was.
    var saidAtHost: Bool? { labels["securityProfile"]?["encryptionAtHost"]?.bool }
    /// Whether its disks, caches and flow to the storage are encrypted on their host.
    var encryptsAtHost: Bool { saidAtHost == true }
}

extension MachineSize {
    /// Basic sizes and those of the A-series.
    fileprivate var isASeries: Bool { family.lowercased().hasPrefix("basica") || family.lowercased().hasPrefix("standarda") }

    /// The version of its series, as in `Standard_D2s_v5`; 1 where it names none.
    fileprivate var version: Int {
        guard let word = name.split(separator: "_").last, word.lowercased().hasPrefix("v") else { return 1 }
        return Int(word.dropFirst()) ?? 1
    }
}

extension DiskSKU {
    /// Whether its disks have sectors of 512 or 4096 bytes as was chosen.
    var hasChosenSectors: Bool { self == .ultra || self == .premium2 }
}
