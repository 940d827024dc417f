import CofferModel

extension APIError {
    /// 404: no such version of the platform key.
    static func platformKeyNotFound(_ id: String) -> APIError {
        APIError(
            status: 404, code: "PlatformKeyNotFound",
            message: "There is no platform key '\(id.prefix(80))'. Platform keys are named 'platform:' and a version, such as 'platform:1'."
        )
    }

    /// 409: the wrapped data key was not made by this version.
    static func platformWrapNotValid(_ id: String) -> APIError {
        APIError(
            status: 409, code: "WrappedKeyNotValid",
            message: "The wrapped data key in the disk's header cannot be unwrapped with '\(id)': it was wrapped by another key, or is damaged."
        )
    }

    /// 400: a layer whose data key is wrapped in a way that platform keys do not use.
    static func platformAlgorithmNotSupported(_ algorithm: String) -> APIError {
        invalidParameter(
            "The data key is wrapped with '\(algorithm.prefix(80))'. Platform keys wrap data keys with A256KW.", target: "algorithm")
    }

    /// 400: what a status was asked for is a vault's.
    static let platformKeysHaveNoStatus = invalidParameter(
        "Keys in a vault have a status that can be asked for; platform keys are always usable.", target: "keyUrl")

    /// 400: data keys cannot be sealed to this recipient.
    static let recipientNotValid = invalidParameter("The recipient's key is not a public key of X25519.", target: "recipient")
}
