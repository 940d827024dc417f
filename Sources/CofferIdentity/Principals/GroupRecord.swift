import CofferCore
import CofferPlatform

/// A security group. Its members are ``MemberRecord``s of their own.
struct GroupRecord: Codable, Equatable, Sendable {
    /// Documents by object id.
    static let collection = "groups"

    /// A GUID in lower case.
    let objectID: String
    var displayName: String
    var mailNickname: String
    var description: String?
    let created: Timestamp
}

extension ReadTransaction {
    func group(_ objectID: String) throws -> GroupRecord? {
        guard !objectID.isEmpty else { return nil }
        return try value(GroupRecord.self, objectID.lowercased(), in: GroupRecord.collection)?.value
    }
}
