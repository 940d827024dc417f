import CofferPlatform

/// What can be allowed on secrets. The raw values are the ends of the data actions.
enum SecretPermission: String, CaseIterable, ObjectPermission {
    case get = "getSecret/action"
    /// Lists, and looks at deleted ones.
    case list = "readMetadata/action"
    case set = "setSecret/action"
    case update = "update/action"
    case delete
    case recover = "recover/action"
    case purge = "purge/action"
    case backup = "backup/action"
    case restore = "restore/action"

    var kind: ObjectKind { .secrets }

    var action: Action { .data("Microsoft.KeyVault/vaults/secrets/\(rawValue)") }

    var policyName: String {
        switch self {
        case .get: "get"
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
        case .get, .list: "Key Vault Secrets User"
        case .set, .update, .delete, .recover, .purge, .backup, .restore: "Key Vault Secrets Officer"
        }
    }
}
