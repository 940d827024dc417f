import CofferModel
import CofferPlatform

extension APIError {
    /// 401: no token that can be used.
    static func diskTokenRefused(_ refusal: TokenRefusal, settings: ComputeSettings) -> APIError {
        let (code, reason) = switch refusal {
        case .missing: ("AuthenticationFailed", "the 'Authorization' header is missing")
        case .malformed: ("InvalidAuthenticationToken", "it is not a JSON Web Token")
        case .badSignature: ("InvalidAuthenticationToken", "its signature is not that of this cloud's token service")
        case .expired: ("ExpiredAuthenticationToken", "it has expired")
        case .notYetValid: ("InvalidAuthenticationToken", "it is not valid yet")
        case .wrongAudience: ("InvalidAuthenticationTokenAudience", "its audience is not '\(settings.authority)/'")
        case .wrongIssuer: ("InvalidAuthenticationTokenTenant", "its issuer is not this cloud's token service")
        case .unknownPrincipal: ("InvalidAuthenticationToken", "its principal does not exist any more")
        }
        return APIError(
            status: 401, code: code, message: "The access token cannot be used: \(reason). Get one for '\(settings.authority)/'.",
            headers: ["www-authenticate": "Bearer authorization_uri=\"\(settings.authority)/\(settings.tenantID)\""])
    }

    /// 403: no role gives the permission.
    static func diskOperationForbidden(_ forbidden: Forbidden) -> APIError {
        let advice = forbidden.action.plane == .data
            ? " Assign the role \"Coffer Disk Recovery Operator\" on the disk." : ""
        return APIError(
            status: 403, code: "AuthorizationFailed",
            message: "The client '\(forbidden.caller.applicationID)' with object id '\(forbidden.caller.objectID)' does not have authorization "
                + "to perform action '\(forbidden.action.name)' over scope '\(forbidden.scope.text)' or the scope is invalid.\(advice)")
    }

    /// 409: there is nothing in it.
    static func diskFailed(_ id: ResourceID, _ reason: String?) -> APIError {
        APIError(
            status: 409, code: "OperationNotAllowed",
            message: "The disk '\(id.name)' could not be made: \(reason ?? "") Delete it and make it again.")
    }

    /// 409: nobody uses it.
    static func diskNotAttached(_ id: ResourceID) -> APIError {
        APIError(
            status: 409, code: "OperationNotAllowed",
            message: "The disk '\(id.name)' is not attached: there is something to tell once it is. coffer disk attach \(id.name) -g \(id.group ?? "")")
    }

    static let fingerprintNotValid = invalidParameter(
        "'fingerprint' is the SHA-256 of a certificate's DER in hex: 'coffer disk certificate list' and 'openssl x509 -fingerprint -sha256' print it.",
        target: "fingerprint")

    /// 409: there is nobody who would take one.
    static let certificatesNotIssued = APIError(
        status: 409, code: "OperationNotAllowed",
        message: "This installation issues no certificates for disks: it serves none over TLS, or to clients of another authority. Start coffer "
            + "serve with --disk-listen ADDRESS:PORT and without --disk-client-ca.")

    static func diskPathNotFound(_ path: [String]) -> APIError {
        APIError(
            status: 404, code: "NotFound",
            message: "There is nothing at '/\(path.joined(separator: "/").prefix(300))'. Coffer's disk operations are POST "
                + "/coffer/v1/subscriptions/…/resourceGroups/…/disks/…/{attach|detach|inspect|stats|certificate|exportKey|holes|reencrypt|steerReencryption|reencryption}, …/snapshots/…/changes, "
                + "…/diskEncryptionSets/…/status and GET /coffer/v1/subscriptions/…/{disks|dataKeys|keyImpact}.")
    }

    static func keyReferenceNotValid(_ text: String) -> APIError {
        invalidParameter(
            "'\(text.prefix(200))' names no key. 'key' is a key's URL, https://VAULT/keys/NAME[/VERSION], or its id, "
                + "/subscriptions/…/providers/Microsoft.KeyVault/vaults/VAULT/keys/NAME[/versions/VERSION].",
            target: "key")
    }

    static let rateNotValid = invalidParameter("'bytesPerSecond' must be a whole number from 0, which is no limit, to 2^53.", target: "bytesPerSecond")

    static let changesBaseNotValid = invalidParameter(
        "'since' must be the id of a snapshot, /subscriptions/…/resourceGroups/…/providers/Microsoft.Compute/snapshots/….", target: "since")

    /// 400: the ranges would tell nothing.
    static func snapshotsUnrelated(_ id: ResourceID, _ base: ResourceID) -> APIError {
        invalidParameter("'\(id.name)' and '\(base.name)' are not snapshots of one disk, so that nothing can be said of changes.", target: "since")
    }

    static let recipientKeyNotValid = invalidParameter(
        "'recipientKey' must be an X25519 public key: 32 bytes as base 64 for URLs, without padding.", target: "recipientKey")
}
