import CofferCore
import CofferModel

/// A vault as it is stored, deleted ones included. The document's id is the name in lower case, so that a name can be
/// taken only once.
struct VaultRecord: Codable, Equatable, Sendable {
    static let collection = "vaults"

    let id: ResourceID
    /// A GUID of this vault alone: a later vault of the same name has another. Keys are stored and sealed under it.
    let instance: String
    /// Such as `uksouth`.
    let location: String
    let tenantID: String
    /// 7 to 90. Set once.
    let retentionDays: Int
    let created: Timestamp
    var tags: [String: String]
    var sku: VaultSKU
    var usesRBAC: Bool
    /// Never goes back to false.
    var hasPurgeProtection: Bool
    /// Kept while RBAC is in force, but not looked at then.
    var accessPolicies: [AccessPolicy]
    var enabledForDeployment: Bool
    var enabledForDiskEncryption: Bool
    var enabledForTemplateDeployment: Bool
    var networkRules: NetworkRules?
    var publicNetworkAccess: PublicNetworkAccess
    /// Nil while the vault is in use.
    var deletion: Deletion?

    /// The name as it was spelled at creation.
    var name: String { id.name }
}

/// A vault's price tier. Hardware-protected key types need `premium`.
enum VaultSKU: String, Codable, Sendable, CaseIterable {
    case standard
    case premium
}

/// Who may reach a vault's data plane over the network at all.
enum PublicNetworkAccess: String, Codable, Sendable, CaseIterable {
    case enabled = "Enabled"
    case disabled = "Disabled"
    case securedByPerimeter = "SecuredByPerimeter"
}
