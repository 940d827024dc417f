import CofferModel
import CofferPlatform

extension APIError {
    /// What a vault answers when its token did not do what it was asked. What is no ``TokenError`` stays what it is.
    static func token(_ error: any Error) -> any Error {
        guard let error = error as? TokenError else { return error }
        switch error {
        case .inputRefused:
            return APIError.badParameter("The token refused the input: it does not fit the key or the algorithm.")
        case .notSupported:
            return APIError.badParameter("This vault's hardware token refused: \(error.description).")
        case .noKey, .keyExists:
            return APIError(
                status: 409, code: "Conflict",
                message: "The key's version is in the vault, but its material is not in the hardware token: \(error.description). "
                    + "Start the server with the token that the key was made in.")
        case .module, .noToken, .pinRefused, .emptyPIN, .failed:
            return APIError(
                status: 503, code: "ServiceUnavailable",
                message: "The hardware token that holds this vault's keys does not answer: \(error.description).")
        }
    }

    /// 503: the server was started without a token.
    static let noToken = APIError(
        status: 503, code: "ServiceUnavailable",
        message: "The key is in a hardware token, and the server was started without one. Start it with: coffer serve --pkcs11 MODULE "
            + "--token LABEL --pin-file FILE")

    /// 400: HSM keys where there is no token.
    static func needsToken(_ type: String) -> APIError {
        badParameter(
            "Keys of type \(type) are made in a hardware token, and the server was started without one. Start it with: coffer serve "
                + "--pkcs11 MODULE --token LABEL --pin-file FILE")
    }

    /// 400: HSM keys in a vault of the wrong kind.
    static func needsPremium(_ type: String, _ vault: VaultRecord) -> APIError {
        badParameter(
            "Keys of type \(type) need a premium vault; '\(vault.name)' is a standard one. Make one with: az keyvault create --sku premium")
    }

    /// 400: what is in a token does not come out.
    static func hardwareKeyHasNoBackup(_ name: String) -> APIError {
        badParameter(
            "The key '\(name)' cannot be backed up: its material is in a hardware token and never leaves it. Back up the token with its "
                + "own tools.")
    }

    /// 503: making a key took longer than it may.
    static let tokenKeyTookTooLong = APIError(
        status: 503, code: "ServiceUnavailable", message: "The hardware token took too long to make the key. Try again.")
}
