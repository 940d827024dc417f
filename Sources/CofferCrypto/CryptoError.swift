import COpenSSL

/// Why an operation on keys or ciphertext did not happen. No case carries bytes of a key, a message or a signature.
package enum CryptoError: Error, Equatable, Sendable {
    /// Ciphertext, tag, associated data or key do not belong together. Which of them, nobody is told.
    case authenticationFailed
    /// The key is malformed, of the wrong kind, too weak, or lacks the private half that the operation needs.
    case invalidKey
    /// A message, nonce, digest or output has a length the algorithm does not take.
    case invalidLength
    /// A signature does not hold.
    case invalidSignature
    /// Neither this library nor the OpenSSL under it offers what was asked for.
    case unsupported
    /// OpenSSL failed where it should not; the text is its reason, for a log.
    case openSSL(String)
}

extension CryptoError {
    /// What OpenSSL's queue of this thread says last. The queue is emptied.
    static func fromOpenSSL() -> CryptoError {
        let code = ERR_peek_last_error()
        ERR_clear_error()
        guard let reason = unsafe ERR_reason_error_string(code) else { return .openSSL("error \(code)") }
        return unsafe .openSSL(String(cString: reason))
    }

    /// Empties OpenSSL's queue of this thread, whose detail must not reach anyone, and gives back `error`.
    static func hiding(as error: CryptoError) -> CryptoError {
        ERR_clear_error()
        return error
    }

    /// - Throws: `error`, or OpenSSL's own where that is nil, unless `status` is OpenSSL's 1 for success.
    static func check(_ status: Int32, or error: CryptoError? = nil) throws(CryptoError) {
        guard status == 1 else { throw error.map(hiding) ?? fromOpenSSL() }
    }
}
