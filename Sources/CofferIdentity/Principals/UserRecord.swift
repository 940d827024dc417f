import CofferCore
import CofferPlatform

/// A person, whom groups and role assignments can name. What recognizes the person's password is a ``PasswordRecord`` of its own.
struct UserRecord: Codable, Equatable, Sendable {
    /// Documents by object id.
    static let collection = "users"
    /// Object ids by user principal name in lower case.
    static let names = "user-names"

    /// A GUID in lower case.
    let objectID: String
    /// `name@domain`, unique without regard to case.
    let userPrincipalName: String
    var displayName: String
    var mailNickname: String?
    var isEnabled: Bool
    let created: Timestamp
}

extension ReadTransaction {
    /// By object id or user principal name.
    func user(_ key: String) throws -> UserRecord? {
        guard !key.isEmpty else { return nil }
        guard key.contains("@") else { return try value(UserRecord.self, key.lowercased(), in: UserRecord.collection)?.value }
        guard let reference = try value(PrincipalReference.self, key.lowercased(), in: UserRecord.names) else { return nil }
        return try value(UserRecord.self, reference.value.objectID, in: UserRecord.collection)?.value
    }
}
