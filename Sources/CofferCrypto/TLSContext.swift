import COpenSSL
package import CofferCore

/// What one side of TLS connections shows and whom it believes. Both sides show certificates: one that shows none, or one that the
/// authority did not issue for its side, is refused. Any number of threads make connections of it.
@safe
package final class TLSContext: @unchecked Sendable {
    // SAFETY: a context that is set up may be used by several threads (SSL_CTX_new(3)), and nothing changes it after `init`.
    let context: Owned

    /// Which side of a connection.
    package enum Side: Sendable {
        case server
        case client
    }

    /// - Parameters:
    ///   - chain: The own certificate as PEM, then those of its issuers up to the authority's, if there are any between.
    ///   - privateKey: Its key as PEM, unencrypted.
    ///   - authorities: As PEM: the issuers of the other side's certificates.
    /// - Throws: ``CryptoError/invalidKey`` if one of them is malformed or the key is not the certificate's.
    package init(
        _ side: Side, chain: String, privateKey: borrowing SecretBytes, authorities: String
    ) throws(CryptoError) {
        let made = unsafe try Owned(coffer_tls_context(side == .server ? 1 : 0), freedBy: SSL_CTX_free)
        let own = try PEM.certificates(chain)
        let key = try PEM.privateKey(privateKey)
        for (index, der) in own.enumerated() {
            let certificate = try Certificate.decode(der)
            let status = unsafe index == 0
                ? SSL_CTX_use_certificate(made.pointer, certificate.pointer) : coffer_tls_add_issuer(made.pointer, certificate.pointer)
            try CryptoError.check(status, or: .invalidKey)
        }
        try CryptoError.check(unsafe SSL_CTX_use_PrivateKey(made.pointer, key.key), or: .invalidKey)
        try CryptoError.check(unsafe SSL_CTX_check_private_key(made.pointer), or: .invalidKey)
        for authority in try PEM.certificates(authorities) {
            let certificate = try Certificate.decode(authority)
            try CryptoError.check(unsafe X509_STORE_add_cert(SSL_CTX_get_cert_store(made.pointer), certificate.pointer), or: .invalidKey)
            if side == .server { try CryptoError.check(unsafe SSL_CTX_add_client_CA(made.pointer, certificate.pointer)) }
        }
        context = made
    }
}
