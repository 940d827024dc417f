import CofferCore
import CofferModel
import CofferPlatform

/// A role given to a principal at a scope.
struct RoleAssignmentRecord: Codable, Equatable, Sendable {
    /// A GUID in lower case, unique in the tenant.
    let name: String
    let scope: ResourceID
    /// The role definition's GUID in lower case.
    let roleID: String
    /// The principal's object id in lower case.
    let principalID: String
    /// Nil in records of the time before there were users and groups, which name service principals.
    var principalType: PrincipalType?
    var description: String?
    let created: Timestamp
    var updated: Timestamp
    /// Object ids.
    let createdBy: String
    var updatedBy: String

    /// Documents by principal and name, so that one prefix has all of a principal's assignments.
    static let collection = "role-assignments"
    /// Principals' ids by the name of the assignment.
    static let names = "role-assignment-names"

    var documentID: String { "\(principalID)/\(name)" }

    /// `{scope}/providers/Microsoft.Authorization/roleAssignments/{name}`.
    var id: String {
        (scope.text == "/" ? "" : scope.text) + "/providers/Microsoft.Authorization/roleAssignments/\(name)"
    }

    /// The assignment as Azure Resource Manager answers it, the role named as ids at `place` do.
    func json(at place: ResourceID) -> JSONValue {
        var properties: [String: JSONValue] = [
            "roleDefinitionId": .string(RoleDefinition.resourceID(roleID, at: scope.subscription == nil ? place : scope)),
            "principalId": .string(principalID),
            "principalType": .string((principalType ?? .servicePrincipal).rawValue),
            "scope": .string(scope.text),
            "createdOn": .string(created.description),
            "updatedOn": .string(updated.description),
            "createdBy": .string(createdBy),
            "updatedBy": .string(updatedBy),
        ]
        if let description { properties["description"] = .string(description) }
        return [
            "id": .string(id), "name": .string(name), "type": "Microsoft.Authorization/roleAssignments",
            "properties": .object(properties),
        ]
    }
}

extension ReadTransaction {
    /// All assignments of a principal.
    func roleAssignments(of principalID: String) throws -> [RoleAssignmentRecord] {
        guard !principalID.isEmpty else { return [] }
        return try values(
            RoleAssignmentRecord.self, in: RoleAssignmentRecord.collection, prefix: principalID.lowercased() + "/"
        )
    }

    func roleAssignments() throws -> [RoleAssignmentRecord] {
        try values(RoleAssignmentRecord.self, in: RoleAssignmentRecord.collection)
    }

    func roleAssignment(named name: String) throws -> RoleAssignmentRecord? {
        guard let reference = try value(PrincipalReference.self, name.lowercased(), in: RoleAssignmentRecord.names) else {
            return nil
        }
        let id = "\(reference.value.objectID)/\(name.lowercased())"
        return try value(RoleAssignmentRecord.self, id, in: RoleAssignmentRecord.collection)?.value
    }
}

extension WriteTransaction {
    /// Enters a new assignment and tells those who follow keys.
    func add(_ assignment: RoleAssignmentRecord) throws {
        try put(
            PrincipalReference(objectID: assignment.principalID), assignment.name, in: RoleAssignmentRecord.names, if: .absent
        )
        try put(assignment, assignment.documentID, in: RoleAssignmentRecord.collection, if: .absent)
        try appendAccessChange(at: assignment.scope)
    }

    /// Removes an assignment and tells those who follow keys.
    func remove(_ assignment: RoleAssignmentRecord) throws {
        try remove(assignment.name, in: RoleAssignmentRecord.names, if: .any)
        try remove(assignment.documentID, in: RoleAssignmentRecord.collection, if: .any)
        try appendAccessChange(at: assignment.scope)
    }

    /// Tells those who follow keys that permissions at `scope` changed.
    func appendAccessChange(at scope: ResourceID) throws {
        let change = KeyChange(kind: .access, scope: scope, key: nil, version: nil)
        try append(try JSON.encode(change), to: KeyChange.stream)
    }
}
