import CofferModel

/// Refusals of custom roles.
extension APIError {
    /// 400: a role definition is named by a GUID.
    static func invalidRoleDefinitionID(_ id: String) -> APIError {
        APIError(
            status: 400, code: "InvalidRoleDefinitionId",
            message: "The role definition ID '\(id.prefix(100))' is not valid. The role definition ID must be a GUID."
        )
    }

    /// 400: built-in roles stay as they are.
    static func builtInRole(_ id: String) -> APIError {
        APIError(
            status: 400, code: "BuiltInRoleNotEditable",
            message: "The role definition with ID '\(id)' is built in and can be neither changed nor deleted. Define a custom role under "
                + "another ID."
        )
    }

    /// 400: a property that a custom role cannot have.
    static func invalidRoleDefinition(_ reason: String, _ property: String) -> APIError {
        APIError(
            status: 400, code: "InvalidRoleDefinition", message: "The role definition is not valid: \(reason).",
            target: "properties.\(property)"
        )
    }

    /// 400: an element of actions or dataActions that is no pattern.
    static func invalidAction(_ text: String, _ property: String) -> APIError {
        APIError(
            status: 400, code: "InvalidActionOrNotAction",
            message: "'\(text.prefix(200))' does not match any of the actions supported by the providers. An element of \(property) is '*' or a "
                + "namespace with what follows it, such as 'Microsoft.KeyVault/vaults/*/read'.",
            target: "properties.permissions.\(property)"
        )
    }

    /// 400: a custom role for a place that is not there.
    static func invalidAssignableScope(_ scope: String, subscription: ResourceID) -> APIError {
        APIError(
            status: 400, code: "InvalidAssignableScope",
            message: "'\(scope.prefix(300))' cannot be an assignable scope. Name '\(subscription)' or something below it.",
            target: "properties.assignableScopes"
        )
    }

    /// 409: names of roles are unique in the tenant.
    static func roleDefinitionNameTaken(_ name: String) -> APIError {
        APIError(
            status: 409, code: "RoleDefinitionWithSameNameExists",
            message: "A role definition cannot be updated or created with the name '\(name.prefix(512))', because another one has it."
        )
    }

    /// 400: somebody has the role.
    static func roleDefinitionHasAssignments(_ id: String) -> APIError {
        APIError(
            status: 400, code: "RoleDefinitionHasAssignments",
            message: "There are existing role assignments referencing the role definition with ID '\(id)'. `az role assignment list --all "
                + "--role \(id)` shows them: delete them first."
        )
    }

    /// 409: somebody else changed the role's scopes in between.
    static func concurrentRoleUpdate(_ id: String) -> APIError {
        APIError(
            status: 409, code: "RoleDefinitionUpdateConflict",
            message: "The role definition with ID '\(id)' was changed by another request. Read it again and repeat."
        )
    }

    /// 403: the caller may define roles at the path's scope, but not at all that the role is for.
    static func linkedAuthorizationFailed(_ caller: String, _ action: String, _ scope: ResourceID) -> APIError {
        APIError(
            status: 403, code: "LinkedAuthorizationFailed",
            message: "The client '\(caller)' with object id '\(caller)' does not have permission to perform action '\(action)' on the linked "
                + "scope '\(scope)'."
        )
    }
}
