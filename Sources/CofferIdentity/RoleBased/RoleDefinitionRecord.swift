import CofferCore
import CofferModel
import CofferPlatform

/// A custom role as stored in the collection `role-definitions` under its id.
struct RoleDefinitionRecord: Codable, Equatable, Sendable {
    static let collection = "role-definitions"
    /// Ids by the names of the roles, in lower case.
    static let names = "role-definition-names"

    /// A GUID in lower case.
    let id: String
    var name: String
    var description: String
    var actions: [String]
    var notActions: [String]
    var dataActions: [String]
    var notDataActions: [String]
    var assignableScopes: [ResourceID]
    let created: Timestamp
    var updated: Timestamp
    /// Object ids.
    let createdBy: String
    var updatedBy: String

    var definition: RoleDefinition {
        RoleDefinition(
            id: id, name: name, description: description, actions: actions.map { ActionPattern($0) },
            notActions: notActions.map { ActionPattern($0) }, dataActions: dataActions.map { ActionPattern($0) },
            notDataActions: notDataActions.map { ActionPattern($0) },
            custom: RoleDefinition.Custom(
                assignableScopes: assignableScopes, created: created, updated: updated, createdBy: createdBy, updatedBy: updatedBy
            )
        )
    }
}

extension ReadTransaction {
    /// The built-in or custom role with this id, in any case.
    func role(_ id: String) throws -> RoleDefinition? {
        if let role = BuiltInRoles.role(id) { return role }
        return try customRole(id)?.definition
    }

    func customRole(_ id: String) throws -> RoleDefinitionRecord? {
        // Ids are GUIDs; nothing else needs to be looked for, whatever a client sends.
        guard GUID.isValid(id) else { return nil }
        return try value(RoleDefinitionRecord.self, id.lowercased(), in: RoleDefinitionRecord.collection)?.value
    }

    /// All custom roles, in order of their ids.
    func customRoles() throws -> [RoleDefinitionRecord] {
        try values(RoleDefinitionRecord.self, in: RoleDefinitionRecord.collection)
    }

    /// The id of the custom role with this name.
    func customRole(named name: String) throws -> String? {
        try value(RoleNameReference.self, name.lowercased(), in: RoleDefinitionRecord.names)?.value.id
    }
}

extension WriteTransaction {
    /// Writes a custom role in the place of `old`, and tells those who follow keys where it matters.
    /// - Throws: ``StoreError/preconditionFailed`` if another role has its name.
    func put(_ role: RoleDefinitionRecord, replacing old: RoleDefinitionRecord?) throws {
        if let old, old.name.lowercased() != role.name.lowercased() {
            try remove(old.name.lowercased(), in: RoleDefinitionRecord.names, if: .any)
        }
        if old?.name.lowercased() != role.name.lowercased() {
            try put(RoleNameReference(id: role.id), role.name.lowercased(), in: RoleDefinitionRecord.names, if: .absent)
        }
        try put(role, role.id, in: RoleDefinitionRecord.collection, if: old == nil ? .absent : .any)
        if let old { for scope in old.assignableScopes { try appendAccessChange(at: scope) } }
    }

    func remove(_ role: RoleDefinitionRecord) throws {
        try remove(role.name.lowercased(), in: RoleDefinitionRecord.names, if: .any)
        try remove(role.id, in: RoleDefinitionRecord.collection, if: .any)
    }
}

/// Where the index of names leads.
private struct RoleNameReference: Codable, Sendable {
    let id: String
}
