package import CofferCore
import CofferCrypto
import CofferModel
package import CofferPlatform

/// Believes bearer tokens (RFC 6750) that this installation signed, for as long as their principal is there.
///
/// `exp` holds to the second. `nbf` is given five minutes, because another replica whose clock is ahead may have issued the
/// token. One read of the store per request finds whether the principal still exists and is enabled.
package struct TokenAuthenticator: Authenticator {
    /// How far ahead a token's `nbf` may be.
    package static let leeway: Duration = .seconds(300)

    private let store: any Store
    private let keys: SigningKeys
    private let clock: any WallClock
    private let settings: IdentitySettings
    let cache: TokenCache

    /// - Parameter cacheCapacity: The most tokens that are remembered as valid.
    package init(
        store: any Store, keys: SigningKeys, clock: any WallClock, settings: IdentitySettings, cacheCapacity: Int = 4096
    ) {
        self.store = store
        self.keys = keys
        self.clock = clock
        self.settings = settings
        cache = TokenCache(capacity: cacheCapacity)
    }

    package func caller(of request: APIRequest, audiences: [String]) async throws -> Caller {
        guard let token = request.bearerToken else { throw TokenRefusal.missing }
        let bytes = Array(token.utf8)
        guard bytes.count <= JWTParser.maximumByteCount else { throw TokenRefusal.malformed }
        let hash = DigestAlgorithm.sha256.hash(bytes)
        let entry = if let known = try await knownEntry(hash) { known } else { try await newEntry(bytes, hash) }
        guard audiences.contains(where: { Audience.same($0, entry.audience) }) else {
            throw TokenRefusal.wrongAudience(entry.audience)
        }
        return Caller(
            objectID: entry.objectID, applicationID: entry.applicationID, tenantID: settings.tenantID,
            address: request.address, userPrincipalName: entry.userPrincipalName
        )
    }

    /// What was found before, if nothing has changed since.
    private func knownEntry(_ hash: [UInt8]) async throws -> TokenCache.Entry? {
        guard let entry = cache.entry(hash, at: clock.now()) else { return nil }
        guard try await etag(ofEnabled: entry.objectID) == entry.principalETag else {
            cache.forget(hash)
            return nil
        }
        return entry
    }

    private func newEntry(_ bytes: [UInt8], _ hash: [UInt8]) async throws -> TokenCache.Entry {
        guard let token = try? JWTParser.parse(bytes) else { throw TokenRefusal.malformed }
        try await checkSignature(token)
        guard let audience = token.string("aud"), let issuer = token.string("iss"), let expires = token.date("exp"),
            let begins = token.date("nbf"), let objectID = token.string("oid"), let applicationID = token.string("appid"),
            let tenant = token.string("tid")
        else { throw TokenRefusal.malformed }
        guard issuer == settings.issuer, tenant == settings.tenantID else {
            throw TokenRefusal.wrongIssuer(expected: settings.issuer, found: issuer)
        }
        let now = clock.now()
        guard now < Timestamp(seconds: expires) else { throw TokenRefusal.expired }
        guard Timestamp(seconds: begins) <= now.adding(Self.leeway) else { throw TokenRefusal.notYetValid }
        guard let etag = try await etag(ofEnabled: objectID) else { throw TokenRefusal.unknownPrincipal }
        let entry = TokenCache.Entry(
            objectID: objectID, applicationID: applicationID, userPrincipalName: token.string("upn"), audience: audience,
            expires: Timestamp(seconds: expires), principalETag: etag
        )
        cache.remember(entry, for: hash, at: now)
        return entry
    }

    private func checkSignature(_ token: JWT) async throws {
        // The algorithm is ours to choose: neither `none` nor a MAC keyed with the public key is looked at.
        guard token.algorithm == RSASignature.rs256.rawValue else { throw TokenRefusal.badSignature }
        guard let key = try await keys.verifier(token.keyID) else {
            // Of no use to a forger, and it tells the holder of another tenant's token what to do.
            if let found = token.string("iss"), found != settings.issuer {
                throw TokenRefusal.wrongIssuer(expected: settings.issuer, found: found)
            }
            throw TokenRefusal.badSignature
        }
        let digest = DigestAlgorithm.sha256.hash(token.signedBytes)
        guard (try? key.verify(token.signature, digest: digest, using: .rs256)) == true else {
            throw TokenRefusal.badSignature
        }
    }

    private func etag(ofEnabled objectID: String) async throws -> String? {
        try await store.read(answering: StoreQuestion("principal", objectID)) { transaction in
            if let principal = try transaction.principal(objectID) { return principal.value.isEnabled ? principal.etag : nil }
            guard let user = try transaction.value(UserRecord.self, objectID, in: UserRecord.collection), user.value.isEnabled else {
                return nil
            }
            return user.etag
        }
    }
}
