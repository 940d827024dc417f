/// The body of a PUT or PATCH of a vault, as sent. Read-only properties that clients echo are passed over.
struct VaultBody: Decodable, Sendable {
    let location: String?
    let tags: [String: String]?
    let properties: Properties?

    struct Properties: Decodable, Sendable {
        let tenantId: String?
        let sku: SKU?
        let accessPolicies: [AccessPolicy]?
        let enabledForDeployment: Bool?
        let enabledForDiskEncryption: Bool?
        let enabledForTemplateDeployment: Bool?
        let enableSoftDelete: Bool?
        let softDeleteRetentionInDays: Int?
        let enableRbacAuthorization: Bool?
        let createMode: String?
        let enablePurgeProtection: Bool?
        let networkAcls: NetworkRules?
        let publicNetworkAccess: String?
    }

    struct SKU: Decodable, Sendable {
        let family: String?
        let name: String?
    }
}
