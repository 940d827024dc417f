import CofferPlatform

/// What a caller may be allowed to do with keys, in both of a vault's permission models.
enum KeyPermission: String, CaseIterable, Sendable {
    case get
    case list
    case create
    case update
    case rotate
    case encrypt
    case decrypt
    case wrapKey
    case unwrapKey
    case sign
    case verify

    /// The data action that a role must have (contract section 3.2).
    var action: Action {
        let verb =
            switch self {
            case .get, .list: "read"
            case .wrapKey: "wrap/action"
            case .unwrapKey: "unwrap/action"
            case .create, .update, .rotate, .encrypt, .decrypt, .sign, .verify: "\(rawValue)/action"
            }
        return .data("Microsoft.KeyVault/vaults/keys/\(verb)")
    }

    /// The name in an access policy (contract section 3.4).
    var policyName: String { rawValue }

    /// Whether whoever may read an RSA key may do this too, since it takes no more than the public part.
    var needsOnlyPublicKey: Bool {
        switch self {
        case .encrypt, .wrapKey, .verify: true
        case .get, .list, .create, .update, .rotate, .decrypt, .unwrapKey, .sign: false
        }
    }

    /// The narrowest built-in role that allows it, for advice.
    var role: String {
        switch self {
        case .get, .list, .encrypt, .decrypt, .wrapKey, .unwrapKey, .sign, .verify, .update: "Key Vault Crypto User"
        case .create, .rotate: "Key Vault Crypto Officer"
        }
    }
}
