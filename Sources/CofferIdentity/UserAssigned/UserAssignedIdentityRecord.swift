package import CofferModel
import CofferPlatform

/// A user-assigned identity as it is stored, under ``ResourceID/key``, beside its service principal.
package struct UserAssignedIdentityRecord: Codable, Equatable, Sendable {
    static let collection = "user-assigned-identities"

    package let id: ResourceID
    package let location: String
    package var tags: [String: String]
    /// The service principal's object id.
    package let objectID: String
    /// The service principal's application id.
    package let applicationID: String
}

extension ReadTransaction {
    func userAssignedIdentity(_ id: ResourceID) throws -> UserAssignedIdentityRecord? {
        try value(UserAssignedIdentityRecord.self, id.key, in: UserAssignedIdentityRecord.collection)?.value
    }
}

extension WriteTransaction {
    func put(_ identity: UserAssignedIdentityRecord) throws {
        try put(identity, identity.id.key, in: UserAssignedIdentityRecord.collection)
    }
}
