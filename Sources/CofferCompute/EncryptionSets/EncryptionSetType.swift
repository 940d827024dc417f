import CofferModel

/// What a disk encryption set is for. The raw values are Azure's words.
enum EncryptionSetType: String, Codable, Sendable, CaseIterable {
    case customerKey = "EncryptionAtRestWithCustomerKey"
    case platformAndCustomerKeys = "EncryptionAtRestWithPlatformAndCustomerKeys"
    /// For disks of confidential VMs alone.
    case confidentialVM = "ConfidentialVmEncryptedWithCustomerKey"

    /// - Parameter word: Azure's word, in any case.
    init?(word: String) {
        guard let found = Self.allCases.first(where: { $0.rawValue.lowercased() == word.lowercased() }) else { return nil }
        self = found
    }

    /// The encryption at rest that disks have through the set; nil if it is none of that kind.
    var ofDisks: DiskEncryptionType? { DiskEncryptionType(rawValue: rawValue) }
}
