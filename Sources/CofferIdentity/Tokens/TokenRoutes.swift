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
        /// How people of a domain sign in.
        case realm(user: String)
        /// Ways to sign in that are not there.
        case unsupported(String)
    }

    private let service: TokenService
    private let signIn: SignInService
    private let keys: SigningKeys
    private let discovery: TokenDiscovery
    private let settings: IdentitySettings

    package init(service: TokenService, signIn: SignInService, keys: SigningKeys) {
        self.service = service
        self.signIn = signIn
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
        case (.realm(let user), .get), (.realm(let user), .head):
            return try .json(discovery.realm(of: user))
        case (.token(let tenant, let version), .post):
            try checkTenant(tenant)
            return try await token(request, version: version)
        case (.unsupported(let what), _):
            throw TokenError(
                status: 400, error: "unsupported_grant_type", code: 70003,
                description: "\(what) is unsupported. Sign in with a name and a password, or as a service principal with a client secret."
            )
        case (.some, _): throw APIError.methodNotAllowed(request.method.rawValue, path)
        case (nil, _): throw APIError(status: 404, code: "NotFound", message: "The token service has no \(path).")
        }
    }

    private func token(_ request: APIRequest, version: Int) async throws -> APIResponse {
        let form = try form(request.body)
        guard let grant = form.text("grant_type") else { throw TokenError.missingParameter("grant_type") }
        guard Self.grants.contains(grant) else { throw TokenError.unsupportedGrant(grant) }
        guard let applicationID = form.text("client_id") else { throw TokenError.missingParameter("client_id") }
        if form.text("client_assertion") != nil { throw TokenError.unsupportedAssertion() }
        if grant == "client_credentials" {
            let audience = try audience(form, version: version, TokenScope.audience)
            guard let secret = form.secret("client_secret") else { throw TokenError.missingParameter("client_secret") }
            let token = try await service.token(application: applicationID, secret: secret, audience: audience)
            return try .json(JSONValue.object(Self.members(token, audience: audience, version: version)), headers: Self.uncached)
        }
        let audience = try audience(form, version: version, TokenScope.delegatedAudience)
        if let secret = form.secret("client_secret") { _ = try await service.application(applicationID, secret: secret) }
        let session = try await session(form, by: grant, application: applicationID, audience: audience)
        var members = Self.members(session.access, audience: audience, version: version)
        members["scope"] = .string("\(audience)/\(SignInService.scope) \(audience)/.default openid profile offline_access")
        members["refresh_token"] = .string(session.refresh)
        members["id_token"] = .string(session.identity)
        members["client_info"] = .string(session.clientInfo)
        return try .json(JSONValue.object(members), headers: Self.uncached)
    }

    private static let grants = ["client_credentials", "password", "refresh_token"]

    /// What a person gets, for a password or for what it was prolonged with before.
    private func session(_ form: FormBody, by grant: String, application: String, audience: String) async throws -> SignIn {
        guard grant == "password" else {
            guard let token = form.text("refresh_token") else { throw TokenError.missingParameter("refresh_token") }
            return try await signIn.prolong(token, application: application, audience: audience)
        }
        guard let name = form.text("username") else { throw TokenError.missingParameter("username") }
        guard let password = form.secret("password") else { throw TokenError.missingParameter("password") }
        return try await signIn.signIn(name, PasswordText(password), application: application, audience: audience)
    }

    private static func members(_ token: AccessToken, audience: String, version: Int) -> [String: JSONValue] {
        var members: [String: JSONValue] = ["token_type": "Bearer", "access_token": .string(token.text)]
        guard version == 1 else {
            members["expires_in"] = .int(token.expiresInSeconds)
            members["ext_expires_in"] = .int(token.expiresInSeconds)
            return members
        }
        // Version 1 writes numbers as text.
        members["expires_in"] = .string("\(token.expiresInSeconds)")
        members["ext_expires_in"] = .string("\(token.expiresInSeconds)")
        members["expires_on"] = .string("\(token.expires)")
        members["not_before"] = .string("\(token.expires - TokenService.lifetime.components.seconds)")
        members["resource"] = .string(audience)
        return members
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

    private func audience(_ form: FormBody, version: Int, _ meaning: (String) -> String?) throws(TokenError) -> String {
        if version == 1 {
            guard let resource = form.text("resource") else { throw .missingParameter("resource") }
            return resource
        }
        guard let scope = form.text("scope") else { throw .missingParameter("scope") }
        guard let audience = meaning(scope) else { throw .invalidScope(scope) }
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
        if path.count == 3, tenant.lowercased() == "common", path[1].lowercased() == "userrealm" { return .realm(user: path[2]) }
        switch path.dropFirst().map({ $0.lowercased() }) {
        case ["v2.0", ".well-known", "openid-configuration"]: return .configuration(tenant: tenant, version: 2)
        case [".well-known", "openid-configuration"]: return .configuration(tenant: tenant, version: 1)
        case ["discovery", "v2.0", "keys"], ["discovery", "keys"]: return .keys(tenant: tenant)
        case ["oauth2", "v2.0", "token"]: return .token(tenant: tenant, version: 2)
        case ["oauth2", "token"]: return .token(tenant: tenant, version: 1)
        case ["oauth2", "v2.0", "devicecode"], ["oauth2", "devicecode"]: return .unsupported("Device code sign-in")
        case ["oauth2", "v2.0", "authorize"], ["oauth2", "authorize"]: return .unsupported("Sign-in by browser")
        case ["discovery", "instance"] where tenant.lowercased() == "common": return .instance
        default: return nil
        }
    }

    /// RFC 6749 section 5.1.
    private static let uncached = ["cache-control": "no-store, no-cache", "pragma": "no-cache"]
}
