package import CofferCore
import CofferCrypto
import CofferModel
package import CofferPlatform

/// Issues access tokens.
package struct TokenService: Sendable {
    /// How long a token lives.
    package static let lifetime: Duration = .seconds(3600)

    let store: any Store
    let keys: SigningKeys
    let clock: any WallClock
    let settings: IdentitySettings

    package init(store: any Store, keys: SigningKeys, clock: any WallClock, settings: IdentitySettings) {
        self.store = store
        self.keys = keys
        self.clock = clock
        self.settings = settings
    }

    /// The client-credentials grant (RFC 6749 section 4.4) with a client secret.
    ///
    /// - Throws: ``TokenError``.
    func token(application applicationID: String, secret: borrowing SecretBytes, audience: String) async throws -> AccessToken {
        try check(audience: audience)
        return try await token(for: try await application(applicationID, secret: secret), audience: audience)
    }

    /// The principal of an application that proves itself by a client secret.
    ///
    /// - Throws: ``TokenError``.
    func application(_ applicationID: String, secret: borrowing SecretBytes) async throws -> PrincipalRecord {
        let found = try await store.read { transaction -> (principal: PrincipalRecord, secrets: [ClientSecretRecord])? in
            guard let principal = try transaction.principal(application: applicationID), principal.kind == .application else { return nil }
            let registered = try transaction.application(withApplicationID: principal.applicationID)?.secrets ?? []
            return (principal, principal.secrets + registered)
        }
        guard let (principal, secrets) = found else {
            throw TokenError.applicationNotFound(applicationID, tenant: settings.tenantID)
        }
        try check(secret, in: secrets, of: principal)
        return principal
    }

    /// - Throws: ``TokenError/resourceNotFound(_:tenant:)``.
    func check(audience: String) throws(TokenError) {
        guard settings.resources.contains(where: { Audience.same($0, audience) }) else {
            throw .resourceNotFound(audience, tenant: settings.tenantID)
        }
    }

    /// A token for a principal that has proved itself by other means.
    ///
    /// - Throws: ``StoreError``, ``SealError``, or ``CryptoError`` if signing fails.
    package func token(for principal: PrincipalRecord, audience: String) async throws -> AccessToken {
        try await token(for: .principal(principal), audience: audience)
    }

    func token(for subject: TokenSubject, audience: String) async throws -> AccessToken {
        let claims = TokenClaims(
            audience: audience, settings: settings, subject: subject, issued: clock.now(), lifetime: Self.lifetime,
            unique: Base64URL.encode(SecureRandom.bytes(16))
        )
        // One second less than the truth, as Entra says it, so that a client never holds a token for too long.
        return AccessToken(text: try await signed(claims), expiresInSeconds: Self.lifetime.components.seconds - 1, expires: claims.exp)
    }

    /// Claims as a JSON Web Token, signed by the current key.
    func signed(_ claims: some Encodable & Sendable) async throws -> String {
        let signed = try await keys.sign { keyID in
            let header = Base64URL.encode(try JSON.encode(TokenHeader(kid: keyID)))
            let payload = Base64URL.encode(try JSON.encode(claims))
            return Array("\(header).\(payload)".utf8)
        }
        return String(decoding: signed.message, as: UTF8.self) + "." + Base64URL.encode(signed.signature)
    }

    private func check(_ secret: borrowing SecretBytes, in secrets: [ClientSecretRecord], of principal: PrincipalRecord) throws {
        let now = clock.now()
        var isExpired = false
        for credential in secrets where try credential.matches(secret) {
            if credential.starts <= now, now < credential.ends {
                guard principal.isEnabled else { throw TokenError.applicationDisabled(principal.applicationID) }
                return
            }
            isExpired = true
        }
        throw isExpired
            ? TokenError.expiredSecret(principal.applicationID) : TokenError.wrongSecret(principal.applicationID)
    }
}

/// A token and when it ends. Its description does not show it.
package struct AccessToken: Sendable, CustomStringConvertible {
    package let text: String
    package let expiresInSeconds: Int64
    /// Seconds since 1970.
    package let expires: Int64

    package var description: String { "AccessToken(expires: \(expires))" }
}
