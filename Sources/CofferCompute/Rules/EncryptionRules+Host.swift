import CofferModel

/// Rules about encryption at host. The first two columns of the comparison with Azure Disk Encryption, contract section 4.3.
extension EncryptionRule {
    static let ofHost: [EncryptionRule] = [
        .hostFeature, .hostSize2021, .hostSize, .hostDeallocated, .hostGuestEncrypted, .hostEverGuestEncrypted, .hostSectorSize2021, .hostSectorSize,
    ]

    private static let property = "securityProfile.encryptionAtHost"

    /// Azure refuses an explicit false too.
    static let hostFeature = EncryptionRule(
        "host-feature", target: property,
        "The property 'securityProfile.encryptionAtHost' is not valid because the 'Microsoft.Compute/EncryptionAtHost' feature is not enabled "
            + "for this subscription. Register it with: az feature register --namespace Microsoft.Compute --name EncryptionAtHost")
    static let hostSize2021 = EncryptionRule(
        "host-size-2021", in: [.year2021], target: property,
        "The VM size '{size}' does not support Encryption at Host: it is of the family '{family}', and none of the series Dv3, Dv2, Av2, Ev3, "
            + "NC, NV, H and Basic A does. Choose another size, such as Standard_D2s_v3.")
    static let hostSize = EncryptionRule(
        "host-size", in: [.current], target: property,
        "The VM size '{size}' does not support Encryption at Host. 'az vm list-skus -l {location}' shows those that do: their capability "
            + "EncryptionAtHostSupported is True.")
    static let hostDeallocated = EncryptionRule(
        "host-deallocated", status: 409, code: "OperationNotAllowed", target: property,
        "'securityProfile.encryptionAtHost' of the virtual machine '{machine}' can be changed only while it is deallocated: az vm deallocate "
            + "-g {group} -n {machine}")
    static let hostGuestEncrypted = EncryptionRule(
        "host-guest-encrypted", in: [.year2021], status: 409, code: "OperationNotAllowed", target: property,
        "Encryption at host cannot be enabled with the disk '{disk}', which is encrypted with Azure Disk Encryption. Only one of the two can "
            + "be used: disable Azure Disk Encryption first.")
    static let hostEverGuestEncrypted = EncryptionRule(
        "host-ever-guest-encrypted", in: [.current], status: 409, code: "OperationNotAllowed", target: property,
        "Encryption at host cannot be enabled with the disk '{disk}', which is or was encrypted with Azure Disk Encryption. Upload its data to "
            + "a new disk, which has no such past, and use that.")
    static let hostSectorSize2021 = EncryptionRule(
        "host-sector-size-2021", in: [.year2021], target: property,
        "Encryption at host needs sectors of 4096 bytes on disks of the SKU '{sku}', and the disk '{disk}' has 512. Make it with "
            + "--logical-sector-size 4096.")
    static let hostSectorSize = EncryptionRule(
        "host-sector-size", in: [.current], target: property,
        "The disk '{disk}' of the SKU '{sku}' has sectors of 512 bytes and was made before 13 May 2023. Encryption at host needs a newer one, "
            + "or one with sectors of 4096 bytes.")

    /// The families of sizes without encryption at host as 2021 lists them, in lower case; "all latest generations" excludes Basic A too.
    static let hostFamilies2021: Set<String> = [
        "standarddv3family", "standarddv2family", "standardav2family", "standardev3family", "standardncfamily", "standardnvfamily", "standardhfamily",
        "basicafamily",
    ]
}
