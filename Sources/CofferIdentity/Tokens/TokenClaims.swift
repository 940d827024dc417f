import CofferCore

/// The claims of an access token, those of Entra's version 1 tokens for applications (docs/formats/token.md).
struct TokenClaims: Encodable, Sendable {
    let aud: String
    let iss: String
    let iat: Int64
    let nbf: Int64
    let exp: Int64
    let appid: String
    /// How the client proved itself: "1", by a secret; "2" for a platform's own identity.
    let appidacr: String
    let idp: String
    let idtyp = "app"
    let oid: String
    let sub: String
    let tid: String
    /// Different in every token.
    let uti: String
    let ver = "1.0"

    init(
        audience: String, settings: IdentitySettings, principal: PrincipalRecord, issued: Timestamp, lifetime: Duration,
        unique: String
    ) {
        aud = audience
        iss = settings.issuer
        idp = settings.issuer
        iat = issued.seconds
        nbf = issued.seconds
        exp = issued.adding(lifetime).seconds
        appid = principal.applicationID
        appidacr = principal.kind == .application ? "1" : "2"
        oid = principal.objectID
        sub = principal.objectID
        tid = settings.tenantID
        uti = unique
    }
}

/// The header of a token.
struct TokenHeader: Encodable, Sendable {
    let typ = "JWT"
    let alg = "RS256"
    let kid: String
}
