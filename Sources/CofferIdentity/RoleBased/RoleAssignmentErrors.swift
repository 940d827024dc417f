import CofferModel

/// Refusals of Microsoft.Authorization. Codes of contract section 2.6; texts are Azure's where they are known.
extension APIError {
    /// 400: a role assignment is named by a GUID.
    static func invalidRoleAssignmentID(_ name: String) -> APIError {
        APIError(
            status: 400, code: "InvalidRoleAssignmentId",
            message: "The role assignment ID '\(name)' is not valid. The role assignment ID must be a GUID."
        )
    }

    /// 404: no role definition has this id.
    static func roleDefinitionDoesNotExist(_ id: String) -> APIError {
        APIError(
            status: 404, code: "RoleDefinitionDoesNotExist",
            message: "The specified role definition with ID '\(id)' does not exist."
        )
    }

    /// 404: no such assignment at this scope.
    static func roleAssignmentNotFound(_ name: String) -> APIError {
        APIError(
            status: 404, code: "RoleAssignmentNotFound", message: "The role assignment '\(name)' is not found."
        )
    }

    /// 409: the same role is given to the same principal at the same scope already.
    static func roleAssignmentExists(_ name: String) -> APIError {
        APIError(
            status: 409, code: "RoleAssignmentExists",
            message: "The role assignment already exists. The ID of the existing role assignment is \(name)."
        )
    }

    /// 400: an assignment's name is used again for something else.
    static func roleAssignmentUpdateNotPermitted() -> APIError {
        APIError(
            status: 400, code: "RoleAssignmentUpdateNotPermitted",
            message: "Tenant ID, application ID, principal ID, role definition ID and scope are not allowed to be updated."
        )
    }

    /// 400: nobody in the directory has this object id.
    static func principalNotFound(_ id: String, tenant: String) -> APIError {
        APIError(
            status: 400, code: "PrincipalNotFound",
            message: "Principal \(id) does not exist in the directory \(tenant). Check that you have the correct principal ID: "
                + "the object id of a user, group, service principal or managed identity, not an application id."
        )
    }

    /// 400: a custom role is given where it may not be.
    static func roleNotAssignable(_ role: String, at scope: ResourceID) -> APIError {
        APIError(
            status: 400, code: "RoleAssignmentScopeNotAssignableToRoleDefinition",
            message: "The scope '\(scope)' is not at or below an assignable scope of the role definition with ID '\(role)'."
        )
    }

    /// 400: the principal is of another type than the request says.
    static func unmatchedPrincipalType(_ id: String, is type: String, not claimed: String) -> APIError {
        APIError(
            status: 400, code: "UnmatchedPrincipalType",
            message: "The PrincipalId '\(id)' has type '\(type)', which is different from specified PrincipalType '\(claimed)'."
        )
    }

    /// 400: a condition would have to be kept, so an assignment that has one is not made.
    static func conditionNotSupported() -> APIError {
        APIError(
            status: 400, code: "RoleAssignmentConditionNotSupported",
            message: "Conditions of role assignments are not supported. Assign a narrower role or scope instead.",
            target: "properties.condition"
        )
    }

    /// 400: without it nobody could give access again.
    static func lastOwner(_ scope: ResourceID) -> APIError {
        APIError(
            status: 400, code: "CannotDeleteLastOwner",
            message: "The last Owner of '\(scope)' that can sign in cannot be removed. Assign the role Owner to another service "
                + "principal first."
        )
    }

    /// 400: a `$filter` that this list does not know.
    static func unsupportedFilter(_ filter: String, known: String) -> APIError {
        APIError(
            status: 400, code: "UnsupportedQuery", message: "The filter '\(filter)' is not supported. Supported are \(known).",
            target: "$filter"
        )
    }

    /// 403: the caller has no role that allows it.
    static func authorizationFailed(_ caller: String, _ action: String, _ scope: ResourceID) -> APIError {
        APIError(
            status: 403, code: "AuthorizationFailed",
            message: "The client '\(caller)' with object id '\(caller)' does not have authorization to perform action "
                + "'\(action)' over scope '\(scope)' or the scope is invalid. If access was recently granted, please refresh "
                + "your credentials."
        )
    }
}
