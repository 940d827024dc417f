import CofferCore
import CofferModel

extension APIError {
    static let releaseIsNotSupported = badParameter("Key release is not supported by this version of Coffer; leave release_policy out.")

    /// 400: the `api-version` is missing or not known.
    static func badAPIVersion(_ version: String?) -> APIError {
        let found = version.map { "'\($0.shortened)' is not a supported api-version." } ?? "The api-version query parameter is missing."
        return badParameter("\(found) Use 7.0 or later, such as 7.4 or 2025-07-01.")
    }

    static func keyDisabled(_ operation: KeyOperation) -> APIError {
        keyUnusable(
            "KeyDisabled", "Operation \(operation.rawValue) is not allowed on a disabled key. Enable it with: az keyvault key "
                + "set-attributes --enabled true")
    }

    static func keyNotYetValid(_ operation: KeyOperation, _ notBefore: Timestamp) -> APIError {
        keyUnusable(
            "KeyNotYetValid", "Operation \(operation.rawValue) is not allowed on a key that is not valid before \(notBefore).")
    }

    static func keyExpired(_ operation: KeyOperation, _ expires: Timestamp) -> APIError {
        keyUnusable(
            "KeyExpired", "Operation \(operation.rawValue) is not allowed on a key that expired on \(expires). Rotate it, or move its "
                + "exp with: az keyvault key set-attributes --expires")
    }

    static func keyOperationForbidden(_ operation: KeyOperation, _ allowed: [KeyOperation]) -> APIError {
        keyUnusable(
            "KeyOperationForbidden", "Operation \(operation.rawValue) is not permitted on this key. Its key_ops are: "
                + (allowed.isEmpty ? "none" : allowed.map(\.rawValue).joined(separator: ", ")) + ".")
    }

    private static func keyUnusable(_ inner: String, _ message: String) -> APIError {
        APIError(status: 403, code: "Forbidden", message: message, innerCode: inner)
    }

    static func algorithmNotSupported(_ algorithm: String, _ supported: [String]) -> APIError {
        badParameter(
            "'\(algorithm.shortened)' is not an algorithm for this operation on an RSA key. Use one of: \(supported.joined(separator: ", ")).")
    }
}

extension APIError {
    /// 404: vaults have no such path.
    static let noSuchVaultPath = APIError(
        status: 404, code: "NotFound", message: "A vault has no such path. Keys are under /keys, secrets under /secrets.")
}
