import CofferCore
import CofferModel

/// A secret version as the data plane shows it.
struct SecretBundle: Encodable, Sendable {
    /// Absent where the value was not asked for.
    let value: String?
    let id: String
    let contentType: String?
    let attributes: AttributesView
    /// Absent if there are none.
    let tags: [String: String]?
    /// Of a certificate's secret, the key version that belongs to it.
    let kid: String?
    /// True or absent.
    let managed: Bool?
    /// The version that was the current one before this, since 2025-07-01.
    let previousVersion: String?

    init(_ version: SecretVersionRecord, value: String?, in vault: VaultRecord, host: String, _ apiVersion: VaultAPIVersion) {
        self.value = value
        id = version.id(host: host)
        contentType = version.contentType
        attributes = AttributesView(version, in: vault)
        tags = version.tags.isEmpty ? nil : version.tags
        kid = version.isManaged ? KeyURL(host: host, name: version.name, version: version.version).text : nil
        managed = version.isManaged ? true : nil
        previousVersion = apiVersion.hasPreviousVersion ? version.previousVersion : nil
    }
}

/// A secret in a list, never with its value.
struct SecretItem: Encodable, Sendable {
    let id: String
    let contentType: String?
    let attributes: AttributesView
    let tags: [String: String]?
    let managed: Bool?

    /// - Parameter id: With a version in a list of versions, without in a list of secrets.
    init(_ version: SecretVersionRecord, id: String, in vault: VaultRecord) {
        self.id = id
        contentType = version.contentType
        attributes = AttributesView(version, in: vault)
        tags = version.tags.isEmpty ? nil : version.tags
        managed = version.isManaged ? true : nil
    }
}
