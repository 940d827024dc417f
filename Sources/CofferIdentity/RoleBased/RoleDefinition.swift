import CofferCore
import CofferModel
import CofferPlatform

/// What a role allows.
struct RoleDefinition: Sendable {
    /// A GUID in lower case.
    let id: String
    let name: String
    let description: String
    var actions: [ActionPattern] = []
    var notActions: [ActionPattern] = []
    var dataActions: [ActionPattern] = []
    var notDataActions: [ActionPattern] = []
    /// If set, this role's permission to write and delete role assignments holds for these roles only.
    var assignableRoles: [String]?
    /// Set for roles that are defined here; the others are built in and may be given anywhere.
    var custom: Custom?

    /// What a custom role has besides.
    struct Custom: Sendable {
        let assignableScopes: [ResourceID]
        let created: Timestamp
        let updated: Timestamp
        /// Object ids.
        let createdBy: String
        let updatedBy: String
    }

    /// Whether this role may be given at `scope`.
    func isAssignable(at scope: ResourceID) -> Bool {
        custom?.assignableScopes.contains { $0.contains(scope) } ?? true
    }

    /// Whether this role allows `action`. Management actions never give data actions, nor the other way round.
    func allows(_ action: Action) -> Bool {
        switch action.plane {
        case .management: Self.allows(action.name, actions, except: notActions)
        case .data: Self.allows(action.name, dataActions, except: notDataActions)
        }
    }

    private static func allows(_ action: String, _ patterns: [ActionPattern], except: [ActionPattern]) -> Bool {
        patterns.contains { $0.matches(action) } && !except.contains { $0.matches(action) }
    }

    /// The id as resources at `scope` name it: below their subscription, or the tenant's.
    func resourceID(at scope: ResourceID) -> String {
        Self.resourceID(id, at: scope)
    }

    static func resourceID(_ id: String, at scope: ResourceID) -> String {
        (scope.subscription.map { "/subscriptions/\($0)" } ?? "") + "/providers/Microsoft.Authorization/roleDefinitions/\(id)"
    }

    /// `permissions[0]` of the definition, and an element of a permissions list.
    var permission: JSONValue {
        func list(_ patterns: [ActionPattern]) -> JSONValue { .array(patterns.map { .string($0.text) }) }
        var permission: [String: JSONValue] = [
            "actions": list(actions), "notActions": list(notActions), "dataActions": list(dataActions),
            "notDataActions": list(notDataActions),
        ]
        if let condition {
            permission["condition"] = .string(condition)
            permission["conditionVersion"] = "2.0"
        }
        return .object(permission)
    }

    /// ``assignableRoles`` in the language of conditions.
    private var condition: String? {
        guard let assignableRoles else { return nil }
        let roles = assignableRoles.joined(separator: ", ")
        func part(_ verb: String, _ source: String) -> String {
            "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/\(verb)'})) OR (@\(source)"
                + "[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals{\(roles)}))"
        }
        return part("write", "Request") + " AND " + part("delete", "Resource")
    }

    /// The definition as Azure Resource Manager answers it.
    func json(at scope: ResourceID) -> JSONValue {
        var properties: [String: JSONValue] = [
            "roleName": .string(name),
            "type": custom == nil ? "BuiltInRole" : "CustomRole",
            "description": .string(description),
            "assignableScopes": .array(custom?.assignableScopes.map { .string($0.text) } ?? ["/"]),
            "permissions": [permission],
        ]
        if let custom {
            properties["createdOn"] = .string(custom.created.description)
            properties["updatedOn"] = .string(custom.updated.description)
            properties["createdBy"] = .string(custom.createdBy)
            properties["updatedBy"] = .string(custom.updatedBy)
        }
        return [
            "id": .string(resourceID(at: scope)), "name": .string(id), "type": "Microsoft.Authorization/roleDefinitions",
            "properties": .object(properties),
        ]
    }
}
