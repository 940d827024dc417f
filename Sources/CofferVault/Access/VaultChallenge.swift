import CofferModel
import CofferPlatform

/// Finds the caller of a data-plane request, or tells the client where to get a token.
///
/// Clients send their first request without a token and without a body on purpose, so the refusal must come before
/// anything else is looked at.
struct VaultChallenge: Sendable {
    let authenticator: any Authenticator
    let settings: VaultSettings

    /// - Throws: an ``APIError`` of status 401 with a `WWW-Authenticate` header that every client can follow.
    func caller(of request: APIRequest) async throws -> Caller {
        let caller: Caller
        do {
            caller = try await authenticator.caller(of: request, audiences: settings.audiences)
        } catch let refusal as TokenRefusal {
            throw unauthorized(Self.sentence(refusal, resource: settings.resource))
        }
        guard caller.tenantID.lowercased() == settings.tenantID.lowercased() else {
            throw unauthorized(
                "AKV10032: Invalid issuer. Expected a token of tenant \(settings.tenantID), found tenant \(caller.tenantID).")
        }
        return caller
    }

    private func unauthorized(_ message: String) -> APIError {
        APIError(
            status: 401, code: "Unauthorized", message: message,
            headers: [
                "www-authenticate":
                    "Bearer authorization=\"\(settings.authority)/\(settings.tenantID)\", resource=\"\(settings.resource)\""
            ])
    }

    /// AKV10001 stands for every token that cannot be accepted and has no number of its own.
    private static func sentence(_ refusal: TokenRefusal, resource: String) -> String {
        switch refusal {
        case .missing: "AKV10000: Request is missing a Bearer or PoP token."
        case .malformed: "AKV10001: The token could not be decoded. Sign in again."
        case .badSignature: "AKV10046: Unable to resolve the key used for signature validation. Sign in again."
        case .expired: "AKV10001: The token has expired. Sign in again."
        case .notYetValid: "AKV10001: The token is not valid yet. Compare the clocks of client and server."
        case .wrongAudience(let found):
            "AKV10022: Invalid audience. Expected \(resource), found: \(found.shortened)."
        case .wrongIssuer(let expected, let found):
            "AKV10032: Invalid issuer. Expected one of \(expected), found \(found.shortened)."
        case .unknownPrincipal: "AKV10001: The token's principal does not exist any more."
        }
    }
}
