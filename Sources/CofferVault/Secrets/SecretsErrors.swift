import CofferModel

extension APIError {
    /// 403: a disabled version keeps its value to itself.
    static let secretDisabled = APIError(
        status: 403, code: "Forbidden",
        message: "Operation get is not allowed on a disabled secret. Enable it with: az keyvault secret set-attributes --enabled true",
        innerCode: "SecretDisabled")

    /// 400: the value has more bytes than a secret holds.
    static func secretTooLarge(_ count: Int) -> APIError {
        badParameter(
            "The value has \(count) bytes of UTF-8, and a secret holds up to \(SecretValue.largest). Encrypt what is larger with a key, and "
                + "keep it elsewhere.")
    }
}
