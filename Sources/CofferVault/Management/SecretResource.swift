import CofferCore
import CofferModel

/// The body of `PUT` and `PATCH …/vaults/{vault}/secrets/{secret}`, as sent.
struct SecretResourceBody: Decodable, Sendable {
    let tags: [String: String]?
    let properties: Properties?

    struct Properties: Decodable, Sendable {
        let value: String?
        let contentType: String?
        let attributes: AttributesBody?
    }
}

/// A secret as Azure Resource Manager shows it: everything but its value, which this plane never tells.
struct SecretResource: Encodable, Sendable {
    let id: String
    let name: String
    let type = "Microsoft.KeyVault/vaults/secrets"
    let location: String
    let tags: [String: String]
    let properties: Properties

    struct Properties: Encodable, Sendable {
        let attributes: Attributes
        let contentType: String?
        let secretUri: String
        let secretUriWithVersion: String
    }

    struct Attributes: Encodable, Sendable {
        let enabled: Bool
        let nbf: Int64?
        let exp: Int64?
        let created: Int64
        let updated: Int64
    }

    init(_ version: SecretVersionRecord, in vault: VaultRecord, host: String) {
        id = "\(vault.id.text)/secrets/\(version.name)"
        name = version.name
        location = vault.location
        tags = version.tags
        properties = Properties(
            attributes: Attributes(
                enabled: version.isEnabled, nbf: version.notBefore?.seconds, exp: version.expires?.seconds,
                created: version.created.seconds, updated: version.updated.seconds),
            contentType: version.contentType, secretUri: version.baseID(host: host), secretUriWithVersion: version.id(host: host))
    }
}
