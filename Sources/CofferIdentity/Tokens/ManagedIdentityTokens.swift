import CofferModel
package import CofferPlatform

/// Tokens for managed identities.
package struct ManagedIdentityTokens: IdentityTokens {
    private let tokens: TokenService

    package init(tokens: TokenService) {
        self.tokens = tokens
    }

    package func token(for identity: Caller, resource: String) async throws -> IdentityToken {
        do {
            try tokens.check(audience: resource)
        } catch {
            throw APIError(
                status: 400, code: "invalid_resource",
                message: "The resource '\(resource.prefix(200))' is none that tokens are issued for. There are: "
                    + tokens.settings.resources.joined(separator: ", ") + ".")
        }
        guard let principal = try await tokens.store.read({ try $0.principal(identity.objectID)?.value }), principal.isEnabled else {
            throw APIError(status: 400, code: "invalid_request", message: "Identity not found: it was deleted.")
        }
        let token = try await tokens.token(for: principal, audience: resource)
        return IdentityToken(text: token.text, expires: token.expires, expiresInSeconds: token.expiresInSeconds)
    }
}
