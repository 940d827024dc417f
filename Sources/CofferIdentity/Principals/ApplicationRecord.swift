import CofferCore
import CofferPlatform

/// The registration of an application. It signs in with its secrets as soon as it has a service principal.
struct ApplicationRecord: Codable, Equatable, Sendable {
    /// Documents by object id.
    static let collection = "applications"
    /// Object ids of registrations by application id.
    static let applicationIDs = "application-ids"

    /// A GUID in lower case: the registration's own, which roles do not name.
    let objectID: String
    /// `appid`, a GUID in lower case, the same as that of its service principal.
    let applicationID: String
    var displayName: String
    var identifierURIs: [String]
    let created: Timestamp
    var secrets: [ClientSecretRecord]
}

extension ReadTransaction {
    func application(_ objectID: String) throws -> ApplicationRecord? {
        guard !objectID.isEmpty else { return nil }
        return try value(ApplicationRecord.self, objectID.lowercased(), in: ApplicationRecord.collection)?.value
    }

    func application(withApplicationID applicationID: String) throws -> ApplicationRecord? {
        guard !applicationID.isEmpty,
            let reference = try value(PrincipalReference.self, applicationID.lowercased(), in: ApplicationRecord.applicationIDs)
        else { return nil }
        return try application(reference.value.objectID)
    }
}
