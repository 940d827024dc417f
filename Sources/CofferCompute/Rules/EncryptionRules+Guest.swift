import CofferModel

/// Rules about Azure Disk Encryption, which encrypts within the guest. The last column of the comparison with encryption at host, contract
/// section 4.4.
extension EncryptionRule {
    static let ofGuest: [EncryptionRule] = [
        .guestSizeBasic, .guestSizeTemporaryDisk, .guestSizeGeneration, .guestMemory, .guestMemoryOS, .guestCustomImage, .guestOperatingSystem,
        .guestWindowsVolume, .guestScaleSetOS, .guestEphemeralDisk, .guestDiskSKU, .guestCustomerKey, .guestHostEncryption, .customerKeyGuestEncrypted,
    ]

    private static let size = "hardwareProfile.vmSize"
    private static let image = "storageProfile.imageReference"

    static let guestSizeBasic = EncryptionRule(
        "guest-size-basic", target: size,
        "Azure Disk Encryption is not available for the VM size '{size}': not for Basic sizes and the A-series. Choose another one, such as "
            + "Standard_D2s_v3, or use encryption at host.")
    static let guestSizeTemporaryDisk = EncryptionRule(
        "guest-size-temporary-disk", in: [.year2021], target: size,
        "Azure Disk Encryption is not available for the VM size '{size}', which has no local temporary disk, as Dv4, Dsv4, Ev4 and Esv4. Choose "
            + "one that has, such as Standard_D2ds_v4, or use encryption at host.")
    static let guestSizeGeneration = EncryptionRule(
        "guest-size-generation", in: [.current], target: size,
        "Azure Disk Encryption is not available for the VM size '{size}': not for series of version 6 and newer. Choose an older one, such as "
            + "Standard_D2ds_v5, or use encryption at host.")
    static let guestMemory = EncryptionRule(
        "guest-memory", target: size,
        "Azure Disk Encryption needs 2 GB of memory, and the VM size '{size}' has {memory} MiB. Choose a larger one.")
    /// What the guest's root file system holds is not known here, so that the smallest case of today's rule is meant.
    static let guestMemoryOS = EncryptionRule(
        "guest-memory-os", target: size,
        "Azure Disk Encryption of the OS disk of a Linux VM needs 8 GB of memory, and the VM size '{size}' has {memory} MiB. Choose a larger "
            + "one, or encrypt data disks alone: --volume-type DATA")
    static let guestCustomImage = EncryptionRule(
        "guest-custom-image", target: image,
        "Azure Disk Encryption is not available for Linux VMs of custom images, and '{machine}' is of one. Make the VM of an image of a "
            + "publisher, or use encryption at host.")
    static let guestOperatingSystem = EncryptionRule(
        "guest-operating-system", target: image,
        "Azure Disk Encryption is not available for the operating system '{system}'. It is for {known}. Use encryption at host, which is for "
            + "all.")
    static let guestWindowsVolume = EncryptionRule(
        "guest-windows-volume", target: "VolumeType",
        "Azure Disk Encryption encrypts the data disks of a Windows VM together with its OS disk only: --volume-type OS or ALL")
    static let guestScaleSetOS = EncryptionRule(
        "guest-scale-set-os", target: "VolumeType",
        "Azure Disk Encryption is not available for the OS disks of Linux scale sets. Encrypt data disks alone: --volume-type DATA")
    static let guestEphemeralDisk = EncryptionRule(
        "guest-ephemeral-disk", target: "storageProfile.osDisk.diffDiskSettings",
        "Azure Disk Encryption is not available for VMs with an ephemeral OS disk, which '{machine}' has. Use encryption at host.")
    static let guestDiskSKU = EncryptionRule(
        "guest-disk-sku", target: "storageProfile",
        "Azure Disk Encryption is not available for disks of the SKU '{sku}', which the disk '{disk}' has.")
    static let guestCustomerKey = EncryptionRule(
        "guest-customer-key", status: 409, code: "OperationNotAllowed", target: "storageProfile",
        "Azure Disk Encryption cannot be enabled on disks that are encrypted with a customer's key, and '{disk}' is. Only disks with the "
            + "platform's key can have both.")
    /// The first sentence is Azure's.
    static let guestHostEncryption = EncryptionRule(
        "guest-host-encryption", status: 409, code: "OperationNotAllowed", target: "securityProfile.encryptionAtHost",
        "Azure Disk Encryption cannot be enabled on disks that have encryption at host enabled. Only one of the two can be used: deallocate "
            + "'{machine}' and disable encryption at host first.")
    static let customerKeyGuestEncrypted = EncryptionRule(
        "customer-key-guest-encrypted", status: 409, code: "OperationNotAllowed", target: "encryption.type",
        "'{disk}' is, or what it is made of was, encrypted with Azure Disk Encryption, and so cannot be encrypted with a customer's key. Upload "
            + "its data to a new disk, which has no such past.")
}

/// Operating systems that Azure Disk Encryption is for: by their publishers' names for images.
struct GuestEncryptionSystem: Sendable {
    let publisher: String
    /// The beginning of the offers' names; empty for all.
    let offer: String
    let osType: String
    /// Beginnings of the names of SKUs that are too old.
    let excluded: [String]
    let name: String

    /// Source: Azure's pages of supported VMs and operating systems for Linux and Windows.
    static let all = [
        GuestEncryptionSystem(publisher: "canonical", offer: "", osType: "linux", excluded: ["12.", "12_"], name: "Ubuntu 14.04 and later"),
        GuestEncryptionSystem(publisher: "redhat", offer: "rhel", osType: "linux", excluded: ["6"], name: "RHEL 7 and later"),
        GuestEncryptionSystem(publisher: "openlogic", offer: "centos", osType: "linux", excluded: ["6"], name: "CentOS 7 and later"),
        GuestEncryptionSystem(publisher: "suse", offer: "sles", osType: "linux", excluded: ["11"], name: "SLES 12 and later"),
        GuestEncryptionSystem(
            publisher: "microsoftwindowsserver", offer: "windowsserver", osType: "windows", excluded: ["2003", "2008-sp", "2008-datacenter"],
            name: "Windows Server 2008 R2 and later"),
        GuestEncryptionSystem(
            publisher: "microsoftwindowsdesktop", offer: "", osType: "windows", excluded: ["win7", "winxp", "vista"], name: "Windows 8 and later"),
    ]

    static let names = all.map(\.name).joined(separator: ", ")

    /// Whether an image of a publisher is one of these.
    static func has(publisher: String, offer: String, sku: String, osType: String) -> Bool {
        let system = all.first {
            $0.publisher == publisher.lowercased() && $0.osType == osType.lowercased() && offer.lowercased().hasPrefix($0.offer)
        }
        return system.map { system in !system.excluded.contains { sku.lowercased().hasPrefix($0) } } ?? false
    }
}
