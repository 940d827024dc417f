/// Something that answers requests for one host: Azure Resource Manager with the token service, or the vaults.
package protocol APIHandler: Sendable {
    /// - Throws: ``APIError`` for a refusal; anything else becomes a 500 with the request's id, its cause in the log only.
    func handle(_ request: APIRequest) async throws -> APIResponse
}

/// Finds the caller of a request by its bearer token. Answered by CofferIdentity.
package protocol Authenticator: Sendable {
    /// - Parameter audiences: what `aud` may be, compared without regard to a trailing slash.
    /// - Throws: ``TokenRefusal``.
    func caller(of request: APIRequest, audiences: [String]) async throws -> Caller
}

/// Why a token was refused. Each plane words it in its own way.
package enum TokenRefusal: Error, Equatable, Sendable {
    case missing
    case malformed
    /// No key of ours signed it.
    case badSignature
    case expired
    case notYetValid
    case wrongAudience(String)
    case wrongIssuer(expected: String, found: String)
    /// The principal is gone.
    case unknownPrincipal
}
