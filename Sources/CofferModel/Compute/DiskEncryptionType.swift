/// Whose keys wrap the data keys of a disk. The raw values are Azure's words.
package enum DiskEncryptionType: String, Codable, Sendable, CaseIterable {
    case platformKey = "EncryptionAtRestWithPlatformKey"
    case customerKey = "EncryptionAtRestWithCustomerKey"
    /// Two layers: the customer's key wraps the one next to the guest, the platform's the one next to the file.
    case platformAndCustomerKeys = "EncryptionAtRestWithPlatformAndCustomerKeys"
    /// Of disks from before there were managed ones. No client can ask for it.
    case unencrypted = "None"

    /// Those that a managed disk has.
    package static let ofManagedDisks = allCases.filter { $0 != .unencrypted }

    /// - Parameter word: Azure's word, in any case.
    /// - Returns: nil if it is none that a managed disk has.
    package init?(word: String) {
        guard let found = Self.ofManagedDisks.first(where: { $0.rawValue.lowercased() == word.lowercased() }) else { return nil }
        self = found
    }

    /// Whether a customer's key is among them, so that a disk encryption set must name it.
    package var usesCustomerKey: Bool { self == .customerKey || self == .platformAndCustomerKeys }

    /// Whether a platform's key is among them.
    package var usesPlatformKey: Bool { self == .platformKey || self == .platformAndCustomerKeys }
}
