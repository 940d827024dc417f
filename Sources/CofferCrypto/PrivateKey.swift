import COpenSSL
package import CofferCore

/// A key pair of either kind, for what takes both: certificates, PKCS #8 and PEM.
@safe
package enum PrivateKey: Sendable {
    case rsa(RSAKey)
    case ec(ECKey)

    /// Reads a pair, whose kind the bytes tell.
    ///
    /// Whether its numbers belong together is not looked at; see ``checkConsistency()``.
    ///
    /// - Parameter pkcs8: DER of a `PrivateKeyInfo` (RFC 5958 section 2), unencrypted, and nothing after it.
    /// - Throws: ``CryptoError/invalidKey`` if it is malformed, or of a kind, size or curve that Coffer does not use.
    package init(pkcs8: borrowing SecretBytes) throws(CryptoError) {
        unsafe try self.init(owning: PKCS8.decode(pkcs8))
    }

    /// Takes ownership of a pair, also where it throws.
    init(owning key: OpaquePointer?) throws(CryptoError) {
        guard let key = unsafe key else { throw .hiding(as: .invalidKey) }
        if unsafe EVP_PKEY_is_a(key, "EC") == 1 {
            self = .ec(unsafe try ECKey(owning: key, isPrivate: true))
        } else {
            self = .rsa(unsafe try RSAKey(owning: key, isPrivate: true))
        }
    }

    /// The pair as DER of a `PrivateKeyInfo`.
    ///
    /// - Throws: ``CryptoError/invalidKey`` if the private half is not here.
    package func pkcs8() throws(CryptoError) -> SecretBytes {
        switch self {
        case .rsa(let key): try key.pkcs8()
        case .ec(let key): try key.pkcs8()
        }
    }

    /// Proves that the numbers of the pair belong together; up to half a second for RSA.
    ///
    /// - Throws: ``CryptoError/invalidKey`` if they do not, or the private half is not here.
    package func checkConsistency() throws(CryptoError) {
        switch self {
        case .rsa(let key): try key.checkConsistency()
        case .ec(let key): try key.checkConsistency()
        }
    }

    /// OpenSSL's key, which lives as long as this value.
    var key: OpaquePointer {
        switch self {
        case .rsa(let key): unsafe key.key
        case .ec(let key): unsafe key.key
        }
    }
}
