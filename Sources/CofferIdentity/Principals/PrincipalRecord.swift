package import CofferCore
package import CofferModel
import CofferPlatform

/// A service principal: an application that signs in, or the managed identity of a resource.
package struct PrincipalRecord: Codable, Equatable, Sendable {
    package enum Kind: String, Codable, Sendable {
        case application
        case managedIdentity
    }

    /// `oid`, a GUID in lower case; role assignments name it.
    package let objectID: String
    /// `appid`, a GUID in lower case.
    package let applicationID: String
    package var displayName: String
    package let kind: Kind
    /// The resource that a managed identity belongs to.
    package let resource: ResourceID?
    package var isEnabled: Bool
    package let created: Timestamp
    /// Its own, besides those of the application's registration.
    var secrets: [ClientSecretRecord]
    /// The identifier URIs of the application's registration.
    var identifierURIs: [String]?

    init(
        objectID: String, applicationID: String, displayName: String, kind: Kind, resource: ResourceID?, created: Timestamp,
        secrets: [ClientSecretRecord] = [], identifierURIs: [String]? = nil
    ) {
        self.objectID = objectID
        self.applicationID = applicationID
        self.displayName = displayName
        self.kind = kind
        self.resource = resource
        isEnabled = true
        self.created = created
        self.secrets = secrets
        self.identifierURIs = identifierURIs
    }
}

extension PrincipalRecord {
    /// Documents by object id.
    static let collection = "principals"
    /// Object ids by application id.
    static let applications = "principal-applications"
    /// Object ids by the key of the resource that a managed identity belongs to.
    static let resources = "principal-resources"
}

/// Where an index leads.
struct PrincipalReference: Codable, Sendable {
    let objectID: String
}

extension ReadTransaction {
    /// The principal with this object id, with its ETag.
    func principal(_ objectID: String) throws -> (value: PrincipalRecord, etag: String)? {
        try value(PrincipalRecord.self, objectID.lowercased(), in: PrincipalRecord.collection)
    }

    func principal(application applicationID: String) throws -> PrincipalRecord? {
        guard !applicationID.isEmpty,
            let reference = try value(PrincipalReference.self, applicationID.lowercased(), in: PrincipalRecord.applications)
        else { return nil }
        return try principal(reference.value.objectID)?.value
    }

    func principal(of resource: ResourceID) throws -> PrincipalRecord? {
        guard let reference = try value(PrincipalReference.self, resource.key, in: PrincipalRecord.resources) else { return nil }
        return try principal(reference.value.objectID)?.value
    }
}

extension WriteTransaction {
    /// Enters a principal that is not there yet.
    /// - Throws: ``StoreError/preconditionFailed`` if its ids or its resource are taken.
    func add(_ principal: PrincipalRecord) throws {
        try put(principal, principal.objectID, in: PrincipalRecord.collection, if: .absent)
        let reference = PrincipalReference(objectID: principal.objectID)
        try put(reference, principal.applicationID, in: PrincipalRecord.applications, if: .absent)
        if let resource = principal.resource {
            try put(reference, resource.key, in: PrincipalRecord.resources, if: .absent)
        }
    }

    /// Removes a principal with its role assignments and memberships. Its tokens are refused from then on.
    func remove(_ principal: PrincipalRecord) throws {
        try removeTraces(of: MemberRecord(memberID: principal.objectID, type: .servicePrincipal))
        try remove(principal.objectID, in: PrincipalRecord.collection, if: .any)
        try remove(principal.applicationID, in: PrincipalRecord.applications, if: .any)
        if let resource = principal.resource { try remove(resource.key, in: PrincipalRecord.resources, if: .any) }
    }
}
