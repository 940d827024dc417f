import CofferPlatform

/// What can be allowed on keys. The raw values are the names of access policies.
enum KeyPermission: String, CaseIterable, ObjectPermission {
    case get
    case list
    case create
    case `import`
    case update
    case rotate
    case delete
    case recover
    case purge
    case backup
    case restore
    case encrypt
    case decrypt
    case wrapKey
    case unwrapKey
    case sign
    case verify
    case release
    case getRotationPolicy = "getrotationpolicy"
    case setRotationPolicy = "setrotationpolicy"

    var kind: ObjectKind { .keys }

    var action: Action {
        let path =
            switch self {
            case .get, .list: "keys/read"
            case .delete: "keys/delete"
            case .wrapKey: "keys/wrap/action"
            case .unwrapKey: "keys/unwrap/action"
            case .getRotationPolicy: "keyrotationpolicies/read"
            case .setRotationPolicy: "keyrotationpolicies/write"
            case .create, .import, .update, .rotate, .recover, .purge, .backup, .restore, .encrypt, .decrypt, .sign, .verify, .release:
                "keys/\(rawValue)/action"
            }
        return .data("Microsoft.KeyVault/vaults/\(path)")
    }

    var policyName: String { rawValue }

    var needsOnlyPublicKey: Bool {
        switch self {
        case .encrypt, .wrapKey, .verify: true
        default: false
        }
    }

    var role: String {
        switch self {
        case .get, .list, .encrypt, .decrypt, .wrapKey, .unwrapKey, .sign, .verify, .update, .backup: "Key Vault Crypto User"
        case .release: "Key Vault Crypto Service Release User"
        case .create, .import, .rotate, .delete, .recover, .purge, .restore, .getRotationPolicy, .setRotationPolicy:
            "Key Vault Crypto Officer"
        }
    }
}
