/// Rules about ephemeral OS disks, which are their machine's host's own. Sources: Azure's page and questions about ephemeral OS disks, and what
/// its service answers.
extension EncryptionRule {
    static let ofEphemeralDisks: [EncryptionRule] = [
        .ephemeralOSDisk, .ephemeralCustomerKey, .ephemeralFromImage, .ephemeralImage, .ephemeralCaching, .ephemeralSize, .ephemeralPlacement,
        .ephemeralFit, .ephemeralDeallocate, .ephemeralFixed, .ephemeralHostEncryption,
    ]

    private static let settings = "storageProfile.osDisk.diffDiskSettings"

    static let ephemeralOSDisk = EncryptionRule(
        "ephemeral-os-disk", target: "storageProfile.dataDisks.diffDiskSettings",
        "'diffDiskSettings' are for OS disks. Leave them out of data disks.")
    static let ephemeralCustomerKey = EncryptionRule(
        "ephemeral-customer-key", target: "storageProfile.osDisk.managedDisk.diskEncryptionSet",
        "Ephemeral OS disks are encrypted with platform-managed keys, and not with a customer's: they have no disk encryption set. Leave "
            + "'diskEncryptionSet' out, and use encryption at host; or make a managed OS disk, without 'diffDiskSettings'.")
    static let ephemeralFromImage = EncryptionRule(
        "ephemeral-from-image", target: "storageProfile.osDisk.createOption",
        "An ephemeral OS disk is made of an image: its 'createOption' is FromImage. A disk that is there cannot be one.")
    static let ephemeralImage = EncryptionRule(
        "ephemeral-image", target: "storageProfile.imageReference",
        "Ephemeral OS disks are made of an image by its publisher, offer, sku and version. 'coffer image list' shows those that are; managed "
            + "images are not served for them.")
    /// The sentence is Azure's.
    static let ephemeralCaching = EncryptionRule(
        "ephemeral-caching", target: "storageProfile.osDisk.caching",
        "VMs and VM Scale Set Instances using an ephemeral OS disk support only Readonly caching. Say --os-disk-caching ReadOnly, or nothing.")
    static let ephemeralSize = EncryptionRule(
        "ephemeral-size", target: "hardwareProfile.vmSize",
        "The VM size '{size}' does not support ephemeral OS disks: it has no local storage for them. 'az vm list-skus' shows those that do: "
            + "their capability EphemeralOSDiskSupported is True.")
    static let ephemeralPlacement = EncryptionRule(
        "ephemeral-placement", target: "\(settings).placement",
        "The VM size '{size}' has no {placement} for an ephemeral OS disk. Choose --ephemeral-os-disk-placement {known}, or another size.")
    /// The first sentence is Azure's.
    static let ephemeralFit = EncryptionRule(
        "ephemeral-fit", status: 409, code: "NotSupported", target: "storageProfile.osDisk.diskSizeGB",
        "OS disk of Ephemeral VM with size greater than {most} GB is not allowed for VM size {size} when the DiffDiskPlacement is {placement}. "
            + "Choose a larger size, another placement or a smaller image.")
    /// The first sentence is Azure's.
    static let ephemeralDeallocate = EncryptionRule(
        "ephemeral-deallocate", status: 409, code: "OperationNotAllowed",
        "Operation 'deallocate' is not supported for VMs or VM Scale Set instances using an ephemeral OS disk. Stop it with 'az vm stop', which "
            + "keeps the disk, or delete it.")
    static let ephemeralFixed = EncryptionRule(
        "ephemeral-fixed", status: 409, code: "PropertyChangeNotAllowed", target: settings,
        "Whether the OS disk of '{machine}' is ephemeral, where it is and how large stays as it was made. Delete '{machine}' and make it anew.")
    static let ephemeralHostEncryption = EncryptionRule(
        "ephemeral-host-encryption", status: 409, code: "OperationNotAllowed", target: "securityProfile.encryptionAtHost",
        "'securityProfile.encryptionAtHost' of '{machine}', which has an ephemeral OS disk, stays as it was made: it can be changed only while a "
            + "machine is deallocated, and such a machine never is. Delete it and make it anew.")
}
