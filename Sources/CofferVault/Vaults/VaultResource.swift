import CofferCore
import CofferModel

/// A vault as Azure Resource Manager shows it.
struct VaultResource: Encodable, Sendable {
    let id: String
    let name: String
    let type = "Microsoft.KeyVault/vaults"
    let location: String
    let tags: [String: String]
    let properties: Properties

    struct Properties: Encodable, Sendable {
        let tenantId: String
        let sku: SKU
        let accessPolicies: [AccessPolicy]
        let vaultUri: String
        let enabledForDeployment: Bool
        let enabledForDiskEncryption: Bool
        let enabledForTemplateDeployment: Bool
        let enableSoftDelete = true
        let softDeleteRetentionInDays: Int
        let enableRbacAuthorization: Bool
        /// True or absent, never false.
        let enablePurgeProtection: Bool?
        let networkAcls: NetworkRules?
        let provisioningState = "Succeeded"
        let publicNetworkAccess: String
    }

    struct SKU: Encodable, Sendable {
        let family = "A"
        let name: String
    }

    init(_ vault: VaultRecord, settings: VaultSettings) {
        id = vault.id.text
        name = vault.name
        location = vault.location
        tags = vault.tags
        properties = Properties(
            tenantId: vault.tenantID, sku: SKU(name: vault.sku.rawValue), accessPolicies: vault.accessPolicies,
            vaultUri: "https://\(settings.host(of: vault))/",
            enabledForDeployment: vault.enabledForDeployment, enabledForDiskEncryption: vault.enabledForDiskEncryption,
            enabledForTemplateDeployment: vault.enabledForTemplateDeployment,
            softDeleteRetentionInDays: vault.retentionDays, enableRbacAuthorization: vault.usesRBAC,
            enablePurgeProtection: vault.hasPurgeProtection ? true : nil, networkAcls: vault.networkRules,
            publicNetworkAccess: vault.publicNetworkAccess.rawValue)
    }
}

/// A deleted vault as Azure Resource Manager shows it.
struct DeletedVaultResource: Encodable, Sendable {
    let id: String
    let name: String
    let type = "Microsoft.KeyVault/deletedVaults"
    let properties: Properties

    struct Properties: Encodable, Sendable {
        let vaultId: String
        let location: String
        /// RFC 3339.
        let deletionDate: String
        let scheduledPurgeDate: String
        let tags: [String: String]
        let purgeProtectionEnabled: Bool?
    }

    /// - Returns: nil for a vault that is in use.
    init?(_ vault: VaultRecord) {
        guard let deletion = vault.deletion else { return nil }
        id = "/subscriptions/\(vault.id.subscription ?? "")/providers/Microsoft.KeyVault/locations/\(vault.location)"
            + "/deletedVaults/\(vault.name)"
        name = vault.name
        properties = Properties(
            vaultId: vault.id.text, location: vault.location, deletionDate: deletion.deleted.description,
            scheduledPurgeDate: deletion.scheduledPurge.description, tags: vault.tags,
            purgeProtectionEnabled: vault.hasPurgeProtection ? true : nil)
    }
}

/// A page of a list. The link is written even if there is none, as the service does.
struct Page<Item: Encodable & Sendable>: Encodable, Sendable {
    let value: [Item]
    /// The URL of the next page.
    let nextLink: String?

    enum CodingKeys: CodingKey {
        case value
        case nextLink
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(value, forKey: .value)
        try container.encode(nextLink, forKey: .nextLink)
    }
}
