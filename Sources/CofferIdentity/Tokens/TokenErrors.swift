import CofferCore
import CofferModel

/// A refusal of the token endpoint: an OAuth 2.0 error (RFC 6749 section 5.2) with Entra's code, which clients show.
struct TokenError: Error, Equatable, Sendable {
    let status: Int
    /// Such as `invalid_client`.
    let error: String
    /// The number in `AADSTS7000215`.
    let code: Int64
    /// Holds no secrets.
    let description: String

    /// The body as Entra writes it.
    func body(traceID: String, correlationID: String, time: Timestamp, authority: String) -> JSONValue {
        let timestamp = String(time.description.prefix(19)).replacing("T", with: " ") + "Z"
        return [
            "error": .string(error),
            "error_description": .string(
                "AADSTS\(code): \(description) Trace ID: \(traceID) Correlation ID: \(correlationID) Timestamp: \(timestamp)"
            ),
            "error_codes": [.int(code)],
            "timestamp": .string(timestamp),
            "trace_id": .string(traceID),
            "correlation_id": .string(correlationID),
            "error_uri": .string("\(authority)/error?code=\(code)"),
        ]
    }
}

extension TokenError {
    static func tenantNotFound(_ tenant: String) -> TokenError {
        TokenError(
            status: 400, error: "invalid_request", code: 90002,
            description: "Tenant '\(tenant)' not found. This Coffer has one tenant; `coffer env` prints its id."
        )
    }

    static func missingParameter(_ name: String) -> TokenError {
        TokenError(
            status: 400, error: "invalid_request", code: 900_144,
            description: "The request body must contain the following parameter: '\(name)'."
        )
    }

    static func badForm(_ reason: String) -> TokenError {
        TokenError(
            status: 400, error: "invalid_request", code: 90100,
            description: "The request body is not a form with each parameter once: \(reason)."
        )
    }

    static func unsupportedGrant(_ grant: String) -> TokenError {
        TokenError(
            status: 400, error: "unsupported_grant_type", code: 70003,
            description: "The app requested an unsupported grant type '\(grant)'. Coffer knows 'client_credentials', 'password' and "
                + "'refresh_token'."
        )
    }

    static func unsupportedAssertion() -> TokenError {
        TokenError(
            status: 400, error: "invalid_client", code: 70002,
            description: "Client assertions (certificates and federated credentials) are unsupported. Use a client secret."
        )
    }

    /// Also for people that there are not.
    static let wrongPassword = TokenError(
        status: 400, error: "invalid_grant", code: 50126,
        description: "Error validating credentials due to invalid username or password."
    )

    static let userDisabled = TokenError(
        status: 400, error: "invalid_grant", code: 50057,
        description: "The user account is disabled. An administrator enables it with: az ad user update --account-enabled true."
    )

    static let passwordMustChange = TokenError(
        status: 400, error: "invalid_grant", code: 50055,
        description: "The password must be changed before it is used. An administrator sets one that need not be with: az ad user update "
            + "--password --force-change-password-next-sign-in false."
    )

    static func locked(until time: Timestamp) -> TokenError {
        TokenError(
            status: 400, error: "invalid_grant", code: 50053,
            description: "The account is locked, because sign-in went wrong too many times with a wrong password. Try again after \(time)."
        )
    }

    static let tooManySignIns = TokenError(
        status: 429, error: "temporarily_unavailable", code: 90055,
        description: "Too many people sign in at this moment. Try again in a few seconds."
    )

    static let badRefreshToken = TokenError(
        status: 400, error: "invalid_grant", code: 70000,
        description: "The provided value for the 'refresh_token' parameter is not valid for this application. Sign in again."
    )

    static let expiredRefreshToken = TokenError(
        status: 400, error: "invalid_grant", code: 700_082,
        description: "The refresh token has expired due to inactivity. Sign in again."
    )

    static let revokedRefreshToken = TokenError(
        status: 400, error: "invalid_grant", code: 50173,
        description: "The provided grant has been revoked, because the user or the user's password was changed. Sign in again."
    )

    static func applicationNotFound(_ applicationID: String, tenant: String) -> TokenError {
        TokenError(
            status: 400, error: "unauthorized_client", code: 700_016,
            description: "Application with identifier '\(applicationID)' was not found in the directory '\(tenant)'."
        )
    }

    static func applicationDisabled(_ applicationID: String) -> TokenError {
        TokenError(
            status: 400, error: "unauthorized_client", code: 7_000_112,
            description: "Application '\(applicationID)' is disabled."
        )
    }

    static func wrongSecret(_ applicationID: String) -> TokenError {
        TokenError(
            status: 401, error: "invalid_client", code: 7_000_215,
            description: "Invalid client secret provided. Ensure the secret being sent in the request is the client secret "
                + "value, not the client secret ID, for a secret added to app '\(applicationID)'."
        )
    }

    static func expiredSecret(_ applicationID: String) -> TokenError {
        TokenError(
            status: 401, error: "invalid_client", code: 7_000_222,
            description: "The provided client secret keys for app '\(applicationID)' are expired."
        )
    }

    static func invalidScope(_ scope: String) -> TokenError {
        TokenError(
            status: 400, error: "invalid_scope", code: 1_002_012,
            description: "The provided value for scope \(scope) is not valid. Client credential flows must have one scope: "
                + "the resource identifier followed by /.default."
        )
    }

    static func resourceNotFound(_ resource: String, tenant: String) -> TokenError {
        TokenError(
            status: 400, error: "invalid_resource", code: 500_011,
            description: "The resource principal named \(resource) was not found in the tenant named \(tenant). "
                + "Ask for the resource manager or a vault of this Coffer."
        )
    }
}
