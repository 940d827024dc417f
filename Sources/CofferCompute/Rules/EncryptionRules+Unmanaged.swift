/// The rules about disks from before there were managed ones.
extension EncryptionRule {
    static let ofUnmanagedDisks: [EncryptionRule] = [.oneKindOfDisks, .conversionDeallocated]

    static let oneKindOfDisks = EncryptionRule(
        "one-kind-of-disks", status: 409, code: "OperationNotAllowed", target: "storageProfile",
        "The virtual machine '{machine}' would have managed disks and blob based ones, and a machine has disks of one kind. Convert it: az vm "
            + "convert -g {group} -n {machine}")
    static let conversionDeallocated = EncryptionRule(
        "conversion-deallocated", status: 409, code: "OperationNotAllowed",
        "The disks of the virtual machine '{machine}' can be converted only while it is deallocated: az vm deallocate -g {group} -n {machine}")
}
