import CofferModel
import CofferPlatform

extension APIError {
    /// 401 for a request without a token that can be used.
    static func authenticationFailed(_ refusal: TokenRefusal, authority: String, tenant: String) -> APIError {
        let code: String
        let message: String
        switch refusal {
        case .missing:
            (code, message) = ("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing: send a bearer token.")
        case .malformed:
            (code, message) = ("InvalidAuthenticationToken", "The access token is invalid: it is not a JSON Web Token.")
        case .badSignature:
            (code, message) = ("InvalidAuthenticationToken", "The access token's signature is not that of this cloud's token service.")
        case .expired:
            (code, message) = ("ExpiredAuthenticationToken", "The access token has expired: get a new one.")
        case .notYetValid:
            (code, message) = ("InvalidAuthenticationToken", "The access token is not valid yet: compare the clocks.")
        case .wrongAudience(let audience):
            (code, message) = (
                "InvalidAuthenticationTokenAudience",
                "The access token has been obtained for wrong audience or resource '\(audience)'. It should be '\(authority)/'."
            )
        case .wrongIssuer(let expected, let found):
            (code, message) = (
                "InvalidAuthenticationTokenTenant",
                "The access token is from the wrong issuer '\(found)'. It must be '\(expected)'."
            )
        case .unknownPrincipal:
            (code, message) = ("InvalidAuthenticationToken", "The access token's principal does not exist any more.")
        }
        return APIError(
            status: 401, code: code, message: message,
            headers: ["www-authenticate": "Bearer authorization_uri=\"\(authority)/\(tenant)\", error=\"invalid_token\", error_description=\"\(message)\""]
        )
    }

    /// 403 of the management plane.
    static func authorizationFailed(_ forbidden: Forbidden) -> APIError {
        APIError(
            status: 403, code: "AuthorizationFailed",
            message: "The client '\(forbidden.caller.applicationID)' with object id '\(forbidden.caller.objectID)' does not have authorization "
                + "to perform action '\(forbidden.action.name)' over scope '\(forbidden.scope.text)' or the scope is invalid. "
                + "`az role assignment create` gives it a role that has it."
        )
    }

    static func subscriptionNotFound(_ id: String) -> APIError {
        APIError(
            status: 404, code: "SubscriptionNotFound",
            message: "The subscription '\(id)' could not be found. `az account list` shows the one that there is."
        )
    }

    static func pathNotFound(_ path: [String]) -> APIError {
        APIError(
            status: 404, code: "NotFound",
            message: "There is nothing at '/\(path.joined(separator: "/"))'."
        )
    }

    /// 400: no name of a resource has these.
    static let controlCharactersInPath = invalidParameter("The path has a control character. Names of resources consist of printable ones.")

    static func unknownType(_ type: String, in provider: any ResourceProvider) -> APIError {
        APIError(
            status: 404, code: "InvalidResourceType",
            message: "The resource type '\(type)' could not be found in the namespace '\(provider.namespace)'. It has here: "
                + provider.types.map(\.type).joined(separator: ", ") + "."
        )
    }

    static func unsupportedFilter(_ filter: String) -> APIError {
        APIError(
            status: 400, code: "InvalidFilterInQueryString",
            message: "The $filter '\(filter.prefix(200))' is not supported: join \"field eq 'value'\" by \"and\", with the fields resourceType, "
                + "resourceGroup, name, location, tagName and tagValue."
        )
    }
}
