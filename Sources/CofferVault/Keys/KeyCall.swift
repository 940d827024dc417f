import CofferPlatform

/// What a data-plane request asks for, by its method and path alone. Names and versions are still as sent.
enum KeyCall: Equatable, Sendable {
    case list
    case create(key: String)
    case get(key: String, version: String?)
    case versions(key: String)
    case update(key: String, version: String?)
    case rotate(key: String)
    case use(KeyOperation, key: String, version: String?)
    /// Part of Key Vault, but not of this version of Coffer. `audit` names it in the audit trail, `what` in the refusal.
    case later(audit: String, what: String)
    /// A resource that exists, asked in a way that it does not answer to.
    case wrongMethod
    case unknown

    /// Clients send an empty segment for "the current version": `/keys/n/`, `/keys/n//encrypt`.
    init(_ method: APIRequest.Method, _ path: [String]) {
        var path = path
        while path.last == "" { path.removeLast() }
        guard let kind = path.first?.lowercased() else {
            self = .unknown
            return
        }
        switch kind {
        case "keys": self = Self.keys(method, Array(path.dropFirst()))
        case "deletedkeys": self = Self.deleted(method, Array(path.dropFirst()))
        case "secrets", "deletedsecrets": self = .later(audit: "Secret", what: "Secrets are")
        case "certificates", "deletedcertificates": self = .later(audit: "Certificate", what: "Certificates are")
        case "rng": self = .later(audit: "KeyGetRandomBytes", what: "Random bytes are")
        default: self = .unknown
        }
    }

    private static func keys(_ method: APIRequest.Method, _ path: [String]) -> KeyCall {
        switch (method, path.count) {
        case (.get, 0): return .list
        case (.post, 1) where path[0].lowercased() == "restore":
            return .later(audit: "KeyRestore", what: "Restoring keys is")
        case (.get, 1): return .get(key: path[0], version: nil)
        case (.patch, 1): return .update(key: path[0], version: nil)
        case (.put, 1): return .later(audit: "KeyImport", what: "Importing keys is")
        case (.delete, 1): return .later(audit: "KeyDelete", what: "Deleting single keys is")
        case (_, 2) where path[1].lowercased() == "rotationpolicy":
            return method == .put
                ? .later(audit: "KeyRotationPolicySet", what: "Rotation policies are")
                : .later(audit: "KeyRotationPolicyGet", what: "Rotation policies are")
        case (.get, 2) where path[1].lowercased() == "versions": return .versions(key: path[0])
        case (.get, 2): return .get(key: path[0], version: path[1])
        case (.patch, 2): return .update(key: path[0], version: path[1])
        case (.post, 2):
            switch path[1].lowercased() {
            case "create": return .create(key: path[0])
            case "rotate": return .rotate(key: path[0])
            case "backup": return .later(audit: "KeyBackup", what: "Backing up keys is")
            default: return use(path[1], key: path[0], version: nil)
            }
        case (.post, 3):
            return use(path[2], key: path[0], version: path[1].isEmpty ? nil : path[1])
        case (.get, 3) where path[2].lowercased() == "attestation":
            return .later(audit: "KeyGetAttestation", what: "Key attestation is")
        case (_, 0...3): return .wrongMethod
        default: return .unknown
        }
    }

    private static func use(_ segment: String, key: String, version: String?) -> KeyCall {
        if let operation = KeyOperation(path: segment) { return .use(operation, key: key, version: version) }
        if segment.lowercased() == "release" { return .later(audit: "KeyRelease", what: "Key release is") }
        return .unknown
    }

    private static func deleted(_ method: APIRequest.Method, _ path: [String]) -> KeyCall {
        switch (method, path.count) {
        case (.get, 0): .later(audit: "KeyListDeleted", what: "Deleted keys are")
        case (.get, 1): .later(audit: "KeyGetDeleted", what: "Deleted keys are")
        case (.delete, 1): .later(audit: "KeyPurge", what: "Deleted keys are")
        case (.post, 2): .later(audit: "KeyRecover", what: "Deleted keys are")
        default: .unknown
        }
    }

    /// The name in the audit trail (contract section 5.1).
    var auditName: String {
        switch self {
        case .list: "KeyList"
        case .create: "KeyCreate"
        case .get: "KeyGet"
        case .versions: "KeyListVersions"
        case .update: "KeyUpdate"
        case .rotate: "KeyRotate"
        case .use(let operation, _, _): operation.auditName
        case .later(let audit, _): audit
        case .wrongMethod, .unknown: "Unknown"
        }
    }

    /// The path of the object it is about, as sent, such as `keys/n/v`.
    var objectPath: String? {
        switch self {
        case .list, .later, .wrongMethod, .unknown: nil
        case .create(let key), .versions(let key), .rotate(let key): "keys/\(key.shortened)"
        case .get(let key, let version), .update(let key, let version), .use(_, let key, let version):
            "keys/\(key.shortened)" + (version.map { "/\($0.shortened)" } ?? "")
        }
    }
}
