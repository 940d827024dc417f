import CofferCore
import CofferModel
package import CofferPlatform

/// The paths of the token service: discovery, keys, and the token endpoint. None of them needs a token.
package struct TokenRoutes: APIHandler {
    private enum Route {
        case configuration(tenant: String, version: Int)
        case keys(tenant: String)
        case token(tenant: String, version: Int)
        case instance
        /// Sign-in of people, which is not there.
        case unsupported(String)
    }

    private let service: TokenService
    private let keys: SigningKeys
    private let discovery: TokenDiscovery
    private let settings: IdentitySettings

    package init(service: TokenService, keys: SigningKeys) {
        self.service = service
        self.keys = keys
        settings = service.settings
        discovery = TokenDiscovery(settings: service.settings)
    }

    /// Whether this is one of the token service's paths.
    package func handles(_ path: [String]) -> Bool {
        route(path) != nil
    }

    package func handle(_ request: APIRequest) async throws -> APIResponse {
        do {
            return try await answer(request)
        } catch let error as TokenError {
            let body = error.body(
                traceID: request.requestID, correlationID: request.correlationID, time: request.received,
                authority: settings.authority
            )
            return try .json(body, status: error.status, headers: Self.uncached)
        }
    }

    private func answer(_ request: APIRequest) async throws -> APIResponse {
        let path = "/" + request.path.joined(separator: "/")
        switch (route(request.path), request.method) {
        case (.configuration(let tenant, let version), .get), (.configuration(let tenant, let version), .head):
            try checkTenant(tenant)
            return try .json(discovery.configuration(version: version))
        case (.keys(let tenant), .get), (.keys(let tenant), .head):
            try checkTenant(tenant)
            return try .json(try await keys.webKeySet())
        case (.instance, .get), (.instance, .head):
            return try .json(discovery.instance)
        case (.token(let tenant, let version), .post):
            try checkTenant(tenant)
            return try await token(request, version: version)
        case (.unsupported(let what), _):
            throw TokenError(
                status: 400, error: "unsupported_grant_type", code: 70003,
                description: "\(what) is unsupported. Sign in as a service principal with a client secret."
            )
        case (.some, _): throw APIError.methodNotAllowed(request.method.rawValue, path)
        case (nil, _): throw APIError(status: 404, code: "NotFound", message: "The token service has no \(path).")
        }
    }

    private func token(_ request: APIRequest, version: Int) async throws -> APIResponse {
        let form = try form(request.body)
        guard let grant = form.text("grant_type") else { throw TokenError.missingParameter("grant_type") }
        guard grant == "client_credentials" else { throw TokenError.unsupportedGrant(grant) }
        guard let applicationID = form.text("client_id") else { throw TokenError.missingParameter("client_id") }
        if form.text("client_assertion") != nil { throw TokenError.unsupportedAssertion() }
        let audience = try audience(form, version: version)
        guard let secret = form.secret("client_secret") else { throw TokenError.missingParameter("client_secret") }
        let token = try await service.token(application: applicationID, secret: secret, audience: audience)
        let body: JSONValue
        if version == 2 {
            body = [
                "token_type": "Bearer", "expires_in": .int(token.expiresInSeconds),
                "ext_expires_in": .int(token.expiresInSeconds), "access_token": .string(token.text),
            ]
        } else {
            // Version 1 writes numbers as text.
            body = [
                "token_type": "Bearer", "expires_in": .string("\(token.expiresInSeconds)"),
                "ext_expires_in": .string("\(token.expiresInSeconds)"), "expires_on": .string("\(token.expires)"),
                "not_before": .string("\(token.expires - TokenService.lifetime.components.seconds)"),
                "resource": .string(audience), "access_token": .string(token.text),
            ]
        }
        return try .json(body, headers: Self.uncached)
    }

    private func form(_ body: [UInt8]) throws(TokenError) -> FormBody {
        do {
            return try FormBody(body)
        } catch {
            switch error {
            case .tooLong: throw .badForm("it is longer than \(FormBody.maximumByteCount) bytes")
            case .malformed: throw .badForm("it is not URL-encoded")
            case .repeated(let name): throw .badForm("'\(name)' is there twice")
            }
        }
    }

    private func audience(_ form: FormBody, version: Int) throws(TokenError) -> String {
        if version == 1 {
            guard let resource = form.text("resource") else { throw .missingParameter("resource") }
            return resource
        }
        guard let scope = form.text("scope") else { throw .missingParameter("scope") }
        guard let audience = TokenScope.audience(of: scope) else { throw .invalidScope(scope) }
        return audience
    }

    /// There is one tenant, so the names for "any tenant" mean it.
    private func checkTenant(_ tenant: String) throws(TokenError) {
        let tenant = tenant.lowercased()
        guard tenant == settings.tenantID || tenant == "common" || tenant == "organizations" else {
            throw .tenantNotFound(tenant)
        }
    }

    private func route(_ path: [String]) -> Route? {
        guard let tenant = path.first, !tenant.isEmpty else { return nil }
        switch path.dropFirst().map({ $0.lowercased() }) {
        case ["v2.0", ".well-known", "openid-configuration"]: return .configuration(tenant: tenant, version: 2)
        case [".well-known", "openid-configuration"]: return .configuration(tenant: tenant, version: 1)
        case ["discovery", "v2.0", "keys"], ["discovery", "keys"]: return .keys(tenant: tenant)
        case ["oauth2", "v2.0", "token"]: return .token(tenant: tenant, version: 2)
        case ["oauth2", "token"]: return .token(tenant: tenant, version: 1)
        case ["oauth2", "v2.0", "devicecode"], ["oauth2", "devicecode"]: return .unsupported("Device code sign-in")
        case ["oauth2", "v2.0", "authorize"], ["oauth2", "authorize"]: return .unsupported("Sign-in of people")
        case ["discovery", "instance"] where tenant.lowercased() == "common": return .instance
        default: return nil
        }
    }

    /// RFC 6749 section 5.1.
    private static let uncached = ["cache-control": "no-store, no-cache", "pragma": "no-cache"]
}
