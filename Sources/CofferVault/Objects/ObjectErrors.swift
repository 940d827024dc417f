import CofferCore
import CofferModel

extension APIError {
    /// 400 of the data plane.
    static func badParameter(_ message: String) -> APIError {
        APIError(status: 400, code: "BadParameter", message: message)
    }

    /// 404: the vault has no such object, or the object no such version.
    static func notFound(_ kind: ObjectKind, _ name: String, _ version: String?) -> APIError {
        APIError(
            status: 404, code: "\(kind.title)NotFound",
            message: "A \(kind.noun) with (name/id) \(name)\(version.map { "/\($0.shortened)" } ?? "") was not found in this key vault. If you "
                + "recently deleted this \(kind.noun) you may be able to recover it using the correct recovery command. For help resolving "
                + "this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182"
        )
    }

    /// 404: nothing of this name is deleted.
    static func deletedNotFound(_ kind: ObjectKind, _ name: String) -> APIError {
        APIError(
            status: 404, code: "\(kind.title)NotFound",
            message: "Deleted \(kind.title) not found: \(name). List what can be recovered with: az keyvault \(kind.noun) list-deleted")
    }

    /// 409: the name belongs to a deleted object.
    static func isDeletedButRecoverable(_ kind: ObjectKind, _ name: String) -> APIError {
        APIError(
            status: 409, code: "Conflict",
            message: "\(kind.title) \(name) is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the "
                + "\(kind.noun) can only be recovered or purged. Recover it with: az keyvault \(kind.noun) recover --name \(name)",
            innerCode: "ObjectIsDeletedButRecoverable")
    }

    /// 409: an object in use has the name.
    static func alreadyExists(_ kind: ObjectKind, _ name: String) -> APIError {
        APIError(
            status: 409, code: "Conflict", message: "A \(kind.noun) named \(name) already exists in this key vault.",
            innerCode: "ObjectAlreadyExists")
    }

    /// 403: a certificate keeps this key or secret.
    static func isManaged(_ kind: ObjectKind, _ name: String) -> APIError {
        APIError(
            status: 403, code: "Forbidden",
            message: "The \(kind.noun) \(name) belongs to the certificate of the same name and cannot be changed by itself. Change or delete "
                + "the certificate: az keyvault certificate --help",
            innerCode: "ObjectIsManaged")
    }

    /// 403: purge protection holds until the retention ends.
    static func objectIsPurgeProtected(_ deletion: Deletion) -> APIError {
        APIError(
            status: 403, code: "Forbidden",
            message: "Operation \"purge\" is not allowed because purge protection is enabled for this vault. Key Vault service will "
                + "automatically purge it after the retention period has passed, on \(deletion.scheduledPurge).",
            innerCode: "ForbiddenByPolicy")
    }
}
