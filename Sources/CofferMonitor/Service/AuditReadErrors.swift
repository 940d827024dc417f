import CofferModel
import CofferPlatform

extension APIError {
    /// 401: no token that can be used.
    static func auditNeedsToken(authority: String, tenantID: String) -> APIError {
        APIError(
            status: 401, code: "AuthenticationFailed",
            message: "The audit log is given out for a token alone. Get one for '\(authority)/'.",
            headers: ["www-authenticate": "Bearer authorization_uri=\"\(authority)/\(tenantID)\""])
    }

    /// 403: no role gives the permission.
    static func auditForbidden(_ forbidden: Forbidden) -> APIError {
        APIError(
            status: 403, code: "AuthorizationFailed",
            message: "The client '\(forbidden.caller.applicationID)' with object id '\(forbidden.caller.objectID)' does not have "
                + "authorization to perform action '\(forbidden.action.name)' over scope '\(forbidden.scope.text)'. Allow it with: "
                + "az role assignment create --role Reader --assignee-object-id \(forbidden.caller.objectID) "
                + "--assignee-principal-type ServicePrincipal --scope \(forbidden.scope.text)")
    }

    static func auditPathNotFound(_ path: [String]) -> APIError {
        APIError(
            status: 404, code: "NotFound",
            message: "There is nothing at '/\(path.joined(separator: "/").prefix(300))'. The audit log is read at GET "
                + "/coffer/v1/audit/{chains|records|signatures}.")
    }
}
