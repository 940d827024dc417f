import CofferModel

/// What is known of the encryption of a disk within its guest, `encryptionSettingsCollection` (Azure Disk Encryption). A record that has
/// one keeps it for good, also when it is disabled, and so do copies of the disk: only data that is uploaded to a new disk has no past.
struct GuestEncryption: Codable, Equatable, Sendable {
    /// Whether the data is encrypted in the guest now.
    var isEnabled: Bool
    /// The URLs of the secret and key as the client named them.
    var settings: JSONValue?
    /// `1.0`, with an application's credentials, or `1.1`.
    var version: String?

    private static let versions = ["1.0", "1.1"]

    /// - Throws: ``APIError`` if a member does not fit.
    init(_ body: DiskBody.Settings) throws {
        guard let isEnabled = body.enabled else {
            throw APIError.invalidParameter(
                "Required parameter 'encryptionSettingsCollection.enabled' is missing (null): say true or false.",
                target: "encryptionSettingsCollection.enabled")
        }
        if let version = body.encryptionSettingsVersion, !Self.versions.contains(version) {
            throw APIError.invalidParameter(
                "The version '\(version.prefix(20))' of the encryption settings is unknown. There are: "
                    + Self.versions.joined(separator: ", ") + ".", target: "encryptionSettingsCollection.encryptionSettingsVersion")
        }
        self.isEnabled = isEnabled
        settings = body.encryptionSettings.flatMap { $0 == .null ? nil : $0 }
        version = body.encryptionSettingsVersion
    }

    /// What a disk has after a request said something of it.
    ///
    /// - Returns: nil for a disk that never was encrypted in its guest.
    /// - Throws: ``APIError`` if the version would change, which stays for good.
    static func merged(_ old: GuestEncryption?, with wanted: GuestEncryption?) throws -> GuestEncryption? {
        guard let wanted else { return old }
        guard let old else { return wanted.isEnabled ? wanted : nil }
        if let new = wanted.version, let known = old.version, new != known {
            throw APIError(
                status: 409, code: "PropertyChangeNotAllowed",
                message: "Changing property 'encryptionSettingsCollection.encryptionSettingsVersion' is not allowed.",
                target: "encryptionSettingsCollection.encryptionSettingsVersion")
        }
        var merged = wanted
        merged.version = old.version ?? wanted.version
        if wanted.isEnabled { merged.settings = wanted.settings ?? old.settings }
        return merged
    }

    /// As Azure shows it.
    var document: JSONValue {
        var members: [String: JSONValue] = ["enabled": .bool(isEnabled)]
        members["encryptionSettings"] = settings
        members["encryptionSettingsVersion"] = version.map(JSONValue.string)
        return .object(members)
    }
}
