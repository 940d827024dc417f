import CofferPlatform

/// What can be allowed on secrets. The raw values are the ends of the data actions.
enum SecretPermission: String, CaseIterable, ObjectPermission {
    case get = "getSecret/action"
    case list = "readMetadata/action"
    /// Looks at a deleted one, without its value. Roles allow it with the same data action as lists, policies with `get`.
    case getDeleted
    case set = "setSecret/action"
    case update = "update/action"
    case delete
    case recover = "recover/action"
    case purge = "purge/action"
    case backup = "backup/action"
    case restore = "restore/action"

    var kind: ObjectKind { .secrets }

    var action: Action { .data("Microsoft.KeyVault/vaults/secrets/\((self == .getDeleted ? .list : self).rawValue)") }

    var policyName: String {
        switch self {
        case .get, .getDeleted: "get"
        case .list: "list"
        case .set, .update: "set"
        case .delete: "delete"
        case .recover: "recover"
        case .purge: "purge"
        case .backup: "backup"
        case .restore: "restore"
        }
    }

    var role: String {
        switch self {
        case .get, .list, .getDeleted: "Key Vault Secrets User"
        case .set, .update, .delete, .recover, .purge, .backup, .restore: "Key Vault Secrets Officer"
        }
    }
}
