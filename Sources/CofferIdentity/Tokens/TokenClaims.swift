import CofferCore

/// Whom a token stands for.
enum TokenSubject: Sendable {
    case principal(PrincipalRecord)
    /// A person who signed in by way of the application with this id.
    case user(UserRecord, application: String)

    var objectID: String {
        switch self {
        case .principal(let principal): principal.objectID
        case .user(let user, _): user.objectID
        }
    }

    var applicationID: String {
        switch self {
        case .principal(let principal): principal.applicationID
        case .user(_, let application): application
        }
    }
}

/// The claims of an access token, those of Entra's version 1 tokens (docs/formats/token.md).
struct TokenClaims: Encodable, Sendable {
    let aud: String
    let iss: String
    let iat: Int64
    let nbf: Int64
    let exp: Int64
    let appid: String
    /// How the client proved itself: "1", by a secret; "2" for a platform's own identity; "0", not at all, where a person did.
    let appidacr: String
    let idp: String
    /// `app` or `user`.
    let idtyp: String
    let oid: String
    let sub: String
    let tid: String
    /// Different in every token.
    let uti: String
    let ver = "1.0"
    /// Of people alone: how they proved themselves, their names, and what the application may do for them.
    var amr: [String]?
    var upn: String?
    var name: String?
    var scp: String?

    init(
        audience: String, settings: IdentitySettings, subject: TokenSubject, issued: Timestamp, lifetime: Duration,
        unique: String
    ) {
        aud = audience
        iss = settings.issuer
        idp = settings.issuer
        iat = issued.seconds
        nbf = issued.seconds
        exp = issued.adding(lifetime).seconds
        appid = subject.applicationID
        oid = subject.objectID
        sub = subject.objectID
        tid = settings.tenantID
        uti = unique
        switch subject {
        case .principal(let principal):
            idtyp = "app"
            appidacr = principal.kind == .application ? "1" : "2"
        case .user(let user, _):
            idtyp = "user"
            appidacr = "0"
            amr = ["pwd"]
            upn = user.userPrincipalName
            name = user.displayName
            scp = SignInService.scope
        }
    }
}

/// The header of a token.
struct TokenHeader: Encodable, Sendable {
    let typ = "JWT"
    let alg = "RS256"
    let kid: String
}
