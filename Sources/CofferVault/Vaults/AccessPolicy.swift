import CofferModel

/// What one principal may do in a vault that does not use role assignments (contract section 3.4). Stored and sent in the
/// same shape.
struct AccessPolicy: Codable, Equatable, Sendable {
    let tenantId: String
    let objectId: String
    /// If it is there, only calls of this application on behalf of the principal are meant.
    let applicationId: String?
    let permissions: Permissions

    /// Permission names as they were sent; they compare without regard to case.
    struct Permissions: Codable, Equatable, Sendable {
        let keys: [String]?
        let secrets: [String]?
        let certificates: [String]?
        let storage: [String]?
    }
}

extension AccessPolicy {
    /// The names that exist, by kind of object.
    private static let names: [(kind: String, list: @Sendable (Permissions) -> [String]?, names: Set<String>)] = [
        ("keys", { $0.keys }, [
            "all", "encrypt", "decrypt", "wrapkey", "unwrapkey", "sign", "verify", "get", "list", "create", "update",
            "import", "delete", "backup", "restore", "recover", "purge", "release", "rotate", "getrotationpolicy",
            "setrotationpolicy",
        ]),
        ("secrets", { $0.secrets }, [
            "all", "get", "list", "set", "delete", "backup", "restore", "recover", "purge",
        ]),
        ("certificates", { $0.certificates }, [
            "all", "get", "list", "delete", "create", "import", "update", "managecontacts", "getissuers", "listissuers",
            "setissuers", "deleteissuers", "manageissuers", "recover", "purge", "backup", "restore",
        ]),
        ("storage", { $0.storage }, [
            "all", "get", "list", "delete", "set", "update", "regeneratekey", "recover", "purge", "backup", "restore",
            "setsas", "listsas", "getsas", "deletesas",
        ]),
    ]

    /// How many entries a vault may have.
    static let largestCount = 1024

    /// The permissions on objects of a kind that `all` stands for.
    static func meaningOfAll(_ kind: String) -> [String] {
        names.first { $0.kind == kind }?.names.subtracting(["all", "purge"]).sorted() ?? []
    }

    /// - Throws: an ``APIError`` if the entry belongs to another tenant, names no principal, or lists a permission that
    ///   does not exist.
    func checked(tenantID: String) throws -> AccessPolicy {
        guard tenantId.lowercased() == tenantID.lowercased() else {
            throw APIError.badVaultRequest(
                "An access policy has the tenant id '\(tenantId.shortened)', but the vault is in tenant '\(tenantID)'. All access policies "
                    + "of a vault must name the vault's tenant.")
        }
        guard !objectId.isEmpty, objectId.utf8.count <= 128 else {
            throw APIError.badVaultRequest("An access policy has no objectId. Name the object id of a principal.")
        }
        for (kind, list, names) in Self.names {
            for name in list(permissions) ?? [] where !names.contains(name.lowercased()) {
                throw APIError.badVaultRequest(
                    "'\(name.shortened)' is not a permission on \(kind). Use one of: \(names.sorted().joined(separator: ", ")).")
            }
        }
        return self
    }

    /// Whether this entry gives the permission `name` on objects of `kind` to a caller. `all` does not include `purge`.
    func gives(_ name: String, on kind: ObjectKind, objectID: String, applicationID: String) -> Bool {
        guard objectId.lowercased() == objectID.lowercased(),
            applicationId.map({ $0.lowercased() == applicationID.lowercased() }) ?? true
        else { return false }
        let held =
            switch kind {
            case .keys: permissions.keys
            case .secrets: permissions.secrets
            case .certificates: permissions.certificates
            }
        return held?.contains { word in
            word.lowercased() == name.lowercased() || word.lowercased() == "all" && name.lowercased() != "purge"
        } ?? false
    }
}

extension String {
    /// Text from outside, cut to a length that may stand in a message.
    var shortened: String { utf8.count > 80 && count > 80 ? "\(prefix(80))…" : self }
}
