import CofferModel

/// What a PUT or PATCH asks of a virtual machine, each value checked by itself; nil where nothing was said.
struct MachineSpecification: Sendable {
    struct Disk: Sendable {
        let lun: Int?
        let name: String?
        let createOption: CreateOption
        let caching: String?
        let size: DiskSize?
        let osType: String?
        let deletesWithMachine: Bool?
        /// Of `Attach`, the disk; of others what was made before, as clients echo it.
        let disk: ResourceID?
        let sku: DiskSKU?
        let set: ResourceID?
        let writeAcceleratorEnabled: Bool?
        /// Of an unmanaged disk, its URL as the client named it.
        let vhd: String?
        /// Of an ephemeral OS disk.
        let ephemeral: Ephemeral?
    }

    /// What was said of an ephemeral OS disk.
    struct Ephemeral: Sendable {
        let placement: EphemeralPlacement?
    }

    enum CreateOption: String, Sendable, CaseIterable {
        case fromImage = "FromImage"
        case empty = "Empty"
        case attach = "Attach"
    }

    let location: String?
    let tags: [String: String]?
    let zones: [String]?
    let size: MachineSize?
    let image: JSONValue?
    let osDisk: Disk?
    let dataDisks: [Disk]?
    let interfaces: [MachineRecord.Interface]?
    /// Of interfaces that are to be made with the machine.
    let interfaceConfigurations: [JSONValue]
    let identity: IdentityWish?
    let osProfile: JSONValue?
    let administrator: AdministratorAccess?
    let availabilitySet: ResourceID?
    let userData: String?
    /// What was said of encryption at host.
    let encryptsAtHost: Bool?
    let labels: [String: JSONValue]

    /// Properties that are kept and shown and change nothing.
    private static let labelNames = [
        "additionalCapabilities", "applicationProfile", "availabilitySet", "billingProfile", "capacityReservation", "diagnosticsProfile",
        "evictionPolicy", "extensionsTimeBudget", "licenseType", "platformFaultDomain", "priority", "proximityPlacementGroup",
        "scheduledEventsPolicy", "scheduledEventsProfile", "securityProfile",
    ]
    /// The longest user data, in bytes of base 64: 64 KiB of data.
    private static let longestUserData = 87_384

    /// - Parameter whole: The same body as JSON.
    /// - Throws: an ``APIError`` that names the first property that does not fit.
    init(_ body: MachineBody, whole: JSONValue) throws {
        let properties = body.properties
        try Self.refuseWhatComesLater(body)
        location = body.location.map(Location.canonical)
        tags = try body.tags.map(Tags.checked)
        zones = body.zones
        guard (zones ?? []).count <= 1, (zones ?? []).allSatisfy(["1", "2", "3"].contains) else {
            throw APIError.invalidParameter("A virtual machine is in one of the zones 1, 2 and 3 of its region.", target: "zones")
        }
        size = try properties?.hardwareProfile?.vmSize.map { name in
            guard let size = MachineSize.named(name) else { throw APIError.machineSizeUnknown(name) }
            return size
        }
        let storage = properties?.storageProfile
        image = storage?.imageReference.flatMap { $0 == .null ? nil : $0 }
        osDisk = try storage?.osDisk.map { try Self.disk($0, at: "osDisk") }
        dataDisks = try storage?.dataDisks.map { disks in
            let disks = try disks.filter { $0.toBeDetached != true }.map { try Self.disk($0, at: "dataDisks") }
            guard Set(disks.map(\.lun)).count == disks.count, disks.allSatisfy({ $0.lun.map { (0..<64).contains($0) } == true }) else {
                throw APIError.invalidParameter("Each data disk has a 'lun' of its own, 0 to 63.", target: "dataDisk.lun")
            }
            return disks
        }
        interfaces = try properties?.networkProfile?.networkInterfaces.map { try $0.map(Self.interface) }
        interfaceConfigurations = properties?.networkProfile?.networkInterfaceConfigurations ?? []
        if interfaces?.isEmpty == false, !interfaceConfigurations.isEmpty {
            throw APIError.invalidParameter(
                "'networkProfile' has either 'networkInterfaces' or 'networkInterfaceConfigurations'.", target: "networkProfile")
        }
        osProfile = try properties?.osProfile.map(Self.osProfile)
        administrator = try properties?.osProfile.map(AdministratorAccess.init)
        if let text = properties?.userData, text.utf8.count > Self.longestUserData || !Base64Text.isValid(text) {
            throw APIError.invalidParameter("'userData' is at most 64 KiB of data in base 64.", target: "userData")
        }
        userData = properties?.userData
        identity = try body.identity.map { body in
            try IdentityWish(body) { given, why in
                APIError.invalidParameter("The identity '\(given)' cannot be used: \(why).", target: "identity")
            }
        }
        encryptsAtHost = properties?.securityProfile?.encryptionAtHost
        let given = whole["properties"]
        availabilitySet = try given?["availabilitySet"]?["id"]?.string.map { text in
            guard let id = ResourceID(text), id.isType("Microsoft.Compute/availabilitySets"), id.group != nil else {
                throw APIError.invalidParameter("'\(text.prefix(200))' is not the id of an availability set.", target: "availabilitySet.id")
            }
            return id
        }
        if let uri = given?["diagnosticsProfile"]?["bootDiagnostics"]?["storageUri"], uri != .null {
            throw APIError.notServedYet("A storage account for boot diagnostics is", target: "diagnosticsProfile.bootDiagnostics.storageUri")
        }
        labels = Dictionary(
            Self.labelNames.compactMap { name in given?[name].flatMap(Self.said).map { (name, $0) } }, uniquingKeysWith: { first, _ in first })
    }

    /// A value without what is null in it, which says nothing.
    private static func said(_ value: JSONValue) -> JSONValue? {
        guard let members = value.object?.filter({ $0.value != .null }) else { return value == .null ? nil : value }
        return members.isEmpty ? nil : .object(members)
    }

    private static func refuseWhatComesLater(_ body: MachineBody) throws {
        let properties = body.properties
        if properties?.securityProfile?.securityType?.lowercased() == "confidentialvm" {
            throw APIError.notServedYet("Confidential machines are", target: "securityProfile.securityType")
        }
    }

    private static func disk(_ disk: MachineBody.Disk, at place: String) throws -> Disk {
        let target = "storageProfile.\(place)"
        if disk.image.map({ $0 != .null }) == true { throw APIError.unmanagedDiskNotMade(target) }
        if disk.encryptionSettings?.enabled == true {
            throw APIError.notServedYet("Encryption settings of a disk, which are for Azure Disk Encryption, are", target: "\(target).encryptionSettings")
        }
        guard let word = disk.createOption,
            let option = CreateOption.allCases.first(where: { $0.rawValue.lowercased() == word.lowercased() })
        else {
            throw APIError.invalidParameter(
                "A disk's 'createOption' is FromImage, Empty or Attach.", target: "\(target).createOption")
        }
        let caching = try disk.caching.flatMap { word -> String? in
            guard let known = ["None", "ReadOnly", "ReadWrite"].first(where: { $0.lowercased() == word.lowercased() }) else {
                throw APIError.invalidParameter("A disk's 'caching' is None, ReadOnly or ReadWrite.", target: "\(target).caching")
            }
            return known
        }
        let blob = try disk.vhd?.uri.map { uri in
            guard let url = UnmanagedDiskURL(uri) else { throw APIError.unmanagedDiskURLNotValid(uri, target) }
            guard option == .attach else { throw APIError.unmanagedDiskNotMade(target) }
            return url.disk
        }
        let id = try disk.managedDisk?.id.map { text in
            guard let id = ResourceID(text), id.isType("Microsoft.Compute/disks"), id.group != nil else {
                throw APIError.invalidParameter("'\(text.prefix(200))' is not the id of a disk.", target: "\(target).managedDisk.id")
            }
            return id
        }
        let sku = try disk.managedDisk?.storageAccountType.map { word in
            guard let sku = DiskSKU(word: word), DiskSKU.ofDisks.contains(sku) else {
                throw APIError.invalidParameter(
                    "The storage account type '\(word.prefix(60))' is unknown. There are: "
                        + DiskSKU.ofDisks.map(\.rawValue).joined(separator: ", ") + ".", target: "\(target).managedDisk.storageAccountType")
            }
            return sku
        }
        return Disk(
            lun: disk.lun, name: disk.name, createOption: option, caching: caching, size: try DiskSize(gibibytes: disk.diskSizeGB ?? disk.diskSizeGb, bytes: nil),
            osType: disk.osType, deletesWithMachine: try deletes(disk.deleteOption, target), disk: blob ?? id, sku: sku,
            set: try disk.managedDisk?.diskEncryptionSet?.id.flatMap(DiskSpecification.set),
            writeAcceleratorEnabled: disk.writeAcceleratorEnabled, vhd: blob == nil ? nil : disk.vhd?.uri,
            ephemeral: try disk.diffDiskSettings.flatMap { try ephemeral($0, "\(target).diffDiskSettings") })
    }

    /// - Returns: nil if nothing is said.
    private static func ephemeral(_ settings: MachineBody.Ephemeral, _ target: String) throws -> Ephemeral? {
        guard let option = settings.option else {
            guard settings.placement == nil else {
                throw APIError.machineNeeds("\(target).option", "an ephemeral OS disk has the option Local.")
            }
            return nil
        }
        guard option.lowercased() == "local" else {
            throw APIError.invalidParameter("The 'option' of an ephemeral OS disk is Local.", target: "\(target).option")
        }
        if settings.enableFullCaching == true { throw APIError.notServedYet("Full caching of an ephemeral OS disk is", target: "\(target).enableFullCaching") }
        let placement = try settings.placement.map { word in
            guard let placement = EphemeralPlacement.allCases.first(where: { $0.rawValue.lowercased() == word.lowercased() }) else {
                throw APIError.invalidParameter(
                    "The 'placement' of an ephemeral OS disk is CacheDisk, ResourceDisk or NvmeDisk.", target: "\(target).placement")
            }
            return placement
        }
        return Ephemeral(placement: placement)
    }

    private static func deletes(_ word: String?, _ target: String) throws -> Bool? {
        switch word?.lowercased() {
        case nil: nil
        case "delete": true
        case "detach": false
        default: throw APIError.invalidParameter("A 'deleteOption' is Delete or Detach.", target: "\(target).deleteOption")
        }
    }

    private static func interface(_ interface: MachineBody.Interface) throws -> MachineRecord.Interface {
        guard let text = interface.id, let id = ResourceID(text), id.isType("Microsoft.Network/networkInterfaces"), id.group != nil else {
            throw APIError.invalidParameter(
                "'\((interface.id ?? "").prefix(200))' is not the id of a network interface.", target: "networkProfile.networkInterfaces.id")
        }
        return MachineRecord.Interface(
            id: id, isPrimary: interface.properties?.primary,
            deletesWithMachine: try deletes(interface.properties?.deleteOption, "networkProfile.networkInterfaces") ?? false)
    }

    /// The OS profile without what must not be shown.
    private static func osProfile(_ value: JSONValue) throws -> JSONValue {
        guard case .object(var members) = value else {
            throw APIError.invalidParameter("'osProfile' is an object.", target: "osProfile")
        }
        members["adminPassword"] = nil
        members["customData"] = nil
        return .object(members)
    }
}
