import CofferModel

/// Refusals of the directory, as Microsoft Graph words them.
extension APIError {
    /// 401: no token, or one that is not believed.
    static func invalidAuthenticationToken(_ reason: String) -> APIError {
        APIError(status: 401, code: "InvalidAuthenticationToken", message: reason)
    }

    /// 400: there is no signed-in person. `az` looks for this text.
    static func delegatedFlowRequired() -> APIError {
        APIError(status: 400, code: "BadRequest", message: "/me request is only valid with delegated authentication flow.")
    }

    /// 404: no object of the directory has this id.
    static func directoryObjectNotFound(_ id: String) -> APIError {
        APIError(
            status: 404, code: "Request_ResourceNotFound",
            message: "Resource '\(id)' does not exist or one of its queried reference-property objects are not present."
        )
    }

    /// 400: a `$filter` that the directory does not know.
    static func unsupportedGraphFilter(_ filter: String) -> APIError {
        APIError(status: 400, code: "Request_UnsupportedQuery", message: "Unsupported or invalid query filter '\(filter)'.")
    }

    /// 404: a part of Microsoft Graph that is not there.
    static func graphPathNotFound(_ path: String) -> APIError {
        APIError(
            status: 404, code: "Request_ResourceNotFound",
            message: "The directory has no \(path). It has servicePrincipals and directoryObjects/getByIds."
        )
    }
}
