import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform

/// Signs people in by their passwords (RFC 6749 section 4.3), and prolongs that by refresh tokens (section 6).
package struct SignInService: Sendable {
    /// What an application may do for a person: everything.
    static let scope = "user_impersonation"
    /// How long a refresh token lives; each use gives a new one. No longer than a key is published after it signed last.
    static let refreshLifetime: Duration = .seconds(86_400)

    /// Applications that are known in every directory: Azure's CLI and Azure PowerShell.
    private static let publicClients: Set<String> = ["04b07795-8ddb-461a-bbee-02f9e1bf7b46", "1950a258-227b-4e31-a9cf-717495945fc2"]

    private let tokens: TokenService
    private let passwords: PasswordChecker

    package init(tokens: TokenService, passwords: PasswordChecker) {
        self.tokens = tokens
        self.passwords = passwords
    }

    /// - Parameter name: A user principal name.
    /// - Throws: ``TokenError``, the same whether the name or the password is wrong.
    func signIn(_ name: String, _ password: PasswordText, application: String, audience: String) async throws -> SignIn {
        try tokens.check(audience: audience)
        try await check(application: application)
        let now = tokens.clock.now()
        let found = try await tokens.store.read { transaction -> (user: UserRecord, password: PasswordRecord)? in
            guard name.contains("@"), let user = try transaction.user(name), let password = try transaction.password(of: user) else { return nil }
            return (user, password)
        }
        guard let (user, record) = found else {
            _ = try await passwords.matches(password, nil)
            throw TokenError.wrongPassword
        }
        try await tokens.store.write { try $0.countAttempt(of: user, at: now) }
        guard try await passwords.matches(password, record) else { throw TokenError.wrongPassword }
        try await tokens.store.write { try $0.forgetAttempts(of: user) }
        guard user.isEnabled else { throw TokenError.userDisabled }
        guard !record.mustChange else { throw TokenError.passwordMustChange }
        return try await session(of: user, record, application, audience)
    }

    /// Another access token for who signed in before, also for another audience.
    ///
    /// - Throws: ``TokenError``: the token is none of ours or another application's, has expired, or was revoked because the person was
    ///   disabled or removed or has another password.
    func prolong(_ text: String, application: String, audience: String) async throws -> SignIn {
        try tokens.check(audience: audience)
        let bytes = Array(text.utf8)
        guard bytes.count <= JWTParser.maximumByteCount, let token = try? JWTParser.parse(bytes),
            token.algorithm == RSASignature.rs256.rawValue, let key = try await tokens.keys.verifier(token.keyID),
            (try? key.verify(token.signature, digest: DigestAlgorithm.sha256.hash(token.signedBytes), using: .rs256)) == true,
            token.string("aud") == RefreshClaims.audience, token.string("iss") == tokens.settings.issuer,
            token.string("appid") == application.lowercased(), let objectID = token.string("oid"), let passwordID = token.string("pwd"),
            let expires = token.date("exp")
        else { throw TokenError.badRefreshToken }
        guard tokens.clock.now() < Timestamp(seconds: expires) else { throw TokenError.expiredRefreshToken }
        let found = try await tokens.store.read { transaction -> (user: UserRecord, password: PasswordRecord)? in
            guard let user = try transaction.user(objectID), user.isEnabled, let password = try transaction.password(of: user),
                password.id == passwordID
            else { return nil }
            return (user, password)
        }
        guard let (user, record) = found else { throw TokenError.revokedRefreshToken }
        return try await session(of: user, record, application, audience)
    }

    private func session(
        of user: UserRecord, _ password: PasswordRecord, _ application: String, _ audience: String
    ) async throws -> SignIn {
        let now = tokens.clock.now()
        let application = application.lowercased()
        return SignIn(
            access: try await tokens.token(for: .user(user, application: application), audience: audience),
            refresh: try await tokens.signed(
                RefreshClaims(user, password, application, tokens.settings, issued: now, lifetime: Self.refreshLifetime)),
            identity: try await tokens.signed(
                IdentityClaims(user, application, tokens.settings, issued: now, lifetime: TokenService.lifetime)),
            clientInfo: Base64URL.encode(try JSON.encode(["uid": user.objectID, "utid": tokens.settings.tenantID])))
    }

    private func check(application: String) async throws {
        if Self.publicClients.contains(application.lowercased()) { return }
        let isRegistered = try await tokens.store.read { try $0.application(withApplicationID: application.lowercased()) != nil }
        guard isRegistered else { throw TokenError.applicationNotFound(application, tenant: tokens.settings.tenantID) }
    }
}

/// What a person gets who signed in. Its parts are secrets of that person's.
struct SignIn: Sendable, CustomStringConvertible {
    let access: AccessToken
    /// Good for another ``SignIn``, and for nothing else.
    let refresh: String
    /// Tells the application who signed in (OpenID Connect Core 1.0 section 2).
    let identity: String
    /// Who that is, as Microsoft's clients name accounts: base64url of JSON.
    let clientInfo: String

    var description: String { "SignIn(expires: \(access.expires))" }
}

/// The claims of a refresh token. Its audience is nobody's but the token service's.
private struct RefreshClaims: Encodable, Sendable {
    static let audience = "urn:coffer:refresh"

    let aud = Self.audience
    let iss: String
    let iat: Int64
    let nbf: Int64
    let exp: Int64
    let appid: String
    let oid: String
    let tid: String
    /// ``PasswordRecord/id``.
    let pwd: String

    init(
        _ user: UserRecord, _ password: PasswordRecord, _ application: String, _ settings: IdentitySettings, issued: Timestamp,
        lifetime: Duration
    ) {
        iss = settings.issuer
        iat = issued.seconds
        nbf = issued.seconds
        exp = issued.adding(lifetime).seconds
        appid = application
        oid = user.objectID
        tid = settings.tenantID
        pwd = password.id
    }
}

/// The claims of an id token, those of Entra's version 2.
private struct IdentityClaims: Encodable, Sendable {
    let aud: String
    let iss: String
    let iat: Int64
    let nbf: Int64
    let exp: Int64
    let oid: String
    let sub: String
    let tid: String
    let name: String
    let preferred_username: String
    let ver = "2.0"

    init(_ user: UserRecord, _ application: String, _ settings: IdentitySettings, issued: Timestamp, lifetime: Duration) {
        aud = application
        iss = "\(settings.authority)/\(settings.tenantID)/v2.0"
        iat = issued.seconds
        nbf = issued.seconds
        exp = issued.adding(lifetime).seconds
        oid = user.objectID
        sub = user.objectID
        tid = settings.tenantID
        name = user.displayName
        preferred_username = user.userPrincipalName
    }
}
