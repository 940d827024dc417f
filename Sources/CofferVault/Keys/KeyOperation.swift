/// What can be done with a key's material. The raw values are those of `key_ops` (RFC 7517 section 4.3), which in Key Vault
/// may also hold `import` and `export`; those say nothing about RSA keys that never leave.
enum KeyOperation: String, CaseIterable, Codable, Sendable {
    case encrypt
    case decrypt
    case sign
    case verify
    case wrapKey
    case unwrapKey

    /// The operation that a path segment names; paths have `wrapkey` where `key_ops` has `wrapKey`.
    init?(path segment: String) {
        guard let match = Self.allCases.first(where: { $0.rawValue.lowercased() == segment.lowercased() }) else { return nil }
        self = match
    }

    var permission: KeyPermission {
        switch self {
        case .encrypt: .encrypt
        case .decrypt: .decrypt
        case .sign: .sign
        case .verify: .verify
        case .wrapKey: .wrapKey
        case .unwrapKey: .unwrapKey
        }
    }

    /// The name in the audit trail.
    var auditName: String {
        switch self {
        case .encrypt: "KeyEncrypt"
        case .decrypt: "KeyDecrypt"
        case .sign: "KeySign"
        case .verify: "KeyVerify"
        case .wrapKey: "KeyWrap"
        case .unwrapKey: "KeyUnwrap"
        }
    }

    /// Whether a key outside its dates still does this, so that what was protected or signed before can be recovered and
    /// checked (contract section 1.5).
    var isAllowedOutsideDates: Bool {
        switch self {
        case .decrypt, .unwrapKey, .verify: true
        case .encrypt, .wrapKey, .sign: false
        }
    }
}
