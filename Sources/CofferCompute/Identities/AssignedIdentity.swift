import CofferModel
import CofferPlatform

/// A principal that a resource, a disk encryption set or a virtual machine, may act as.
struct AssignedIdentity: Codable, Equatable, Sendable {
    let objectID: String
    let applicationID: String
    let tenantID: String
    /// The user-assigned identity; nil for the resource's own, the system-assigned one.
    var resource: ResourceID?

    init(_ caller: Caller, resource: ResourceID? = nil) {
        objectID = caller.objectID
        applicationID = caller.applicationID
        tenantID = caller.tenantID
        self.resource = resource
    }

    var caller: Caller { Caller(objectID: objectID, applicationID: applicationID, tenantID: tenantID, address: "") }
}

/// `identity` in a request.
struct IdentityBody: Decodable {
    let type: String?
    let userAssignedIdentities: [String: JSONValue]?
}

/// `identity` as Azure Resource Manager shows it.
struct IdentityResource: Encodable, Sendable {
    struct UserAssigned: Encodable, Sendable {
        let principalId: String
        let clientId: String
    }

    let type: String
    /// The system-assigned identity's.
    let principalId: String?
    let tenantId: String?
    let userAssignedIdentities: [String: UserAssigned]?

    init(_ identities: [AssignedIdentity]) {
        let own = identities.first { $0.resource == nil }
        let others = identities.compactMap { identity in
            identity.resource.map { ($0.text, UserAssigned(principalId: identity.objectID, clientId: identity.applicationID)) }
        }
        type = [own == nil ? nil : "SystemAssigned", others.isEmpty ? nil : "UserAssigned"].compactMap(\.self).joined(separator: ", ")
        principalId = own?.objectID
        tenantId = own?.tenantID
        userAssignedIdentities = others.isEmpty ? nil : Dictionary(others, uniquingKeysWith: { first, _ in first })
    }
}
