import COpenSSL

extension RSAKey {
    /// A signature as long as the modulus over a message of which `digest` is the digest.
    ///
    /// - Throws: ``CryptoError/invalidLength`` if the digest is not as long as the scheme's,
    ///   ``CryptoError/invalidKey`` if the private half is not here.
    package func sign(digest: [UInt8], using scheme: RSASignature) throws(CryptoError) -> [UInt8] {
        guard isPrivate else { throw .invalidKey }
        guard digest.count == scheme.digest.length else { throw .invalidLength }
        let context = try operation()
        try CryptoError.check(unsafe EVP_PKEY_sign_init(context.pointer))
        try pad(context, scheme)
        var signature = [UInt8](repeating: 0, count: modulus.count)
        var length = signature.count
        try CryptoError.check(
            unsafe EVP_PKEY_sign(context.pointer, &signature, &length, digest, digest.count))
        guard length == signature.count else { throw .openSSL("RSA signature of another length") }
        return signature
    }

    /// Whether `signature` was made by the private half over a message of which `digest` is the digest.
    ///
    /// - Throws: ``CryptoError/invalidLength`` if the digest is not as long as the scheme's. A signature of any length
    ///   or content is no error; it holds or not.
    package func verify(_ signature: [UInt8], digest: [UInt8], using scheme: RSASignature) throws(CryptoError) -> Bool {
        guard digest.count == scheme.digest.length else { throw .invalidLength }
        guard signature.count == modulus.count else { return false }
        let context = try operation()
        try CryptoError.check(unsafe EVP_PKEY_verify_init(context.pointer))
        try pad(context, scheme)
        let status = unsafe EVP_PKEY_verify(context.pointer, signature, signature.count, digest, digest.count)
        ERR_clear_error()
        return status == 1
    }

    /// A signature over bytes of the caller's making, without the digest's name that RS256 and its kin put before them
    /// (RFC 8017 section 9.2, steps 3 to 5 over T = `bytes`). Key Vault calls it RSNULL; TLS 1.0 and 1.1 need it.
    ///
    /// - Parameter bytes: 1 to 11 fewer than the modulus has.
    /// - Throws: ``CryptoError/invalidLength`` for other lengths, ``CryptoError/invalidKey`` if the private half is not
    ///   here.
    package func sign(undigested bytes: [UInt8]) throws(CryptoError) -> [UInt8] {
        guard isPrivate else { throw .invalidKey }
        guard (1...modulus.count - 11).contains(bytes.count) else { throw .invalidLength }
        let context = try operation()
        try CryptoError.check(unsafe EVP_PKEY_sign_init(context.pointer))
        try CryptoError.check(unsafe EVP_PKEY_CTX_set_rsa_padding(context.pointer, RSA_PKCS1_PADDING))
        var signature = [UInt8](repeating: 0, count: modulus.count)
        var length = signature.count
        try CryptoError.check(unsafe EVP_PKEY_sign(context.pointer, &signature, &length, bytes, bytes.count))
        guard length == signature.count else { throw .openSSL("RSA signature of another length") }
        return signature
    }

    /// Whether `signature` is the private half's over `bytes`, as ``sign(undigested:)`` makes it.
    ///
    /// - Throws: ``CryptoError/invalidLength`` if no signature is over so many bytes.
    package func verify(_ signature: [UInt8], undigested bytes: [UInt8]) throws(CryptoError) -> Bool {
        guard (1...modulus.count - 11).contains(bytes.count) else { throw .invalidLength }
        guard signature.count == modulus.count else { return false }
        let context = try operation()
        try CryptoError.check(unsafe EVP_PKEY_verify_init(context.pointer))
        try CryptoError.check(unsafe EVP_PKEY_CTX_set_rsa_padding(context.pointer, RSA_PKCS1_PADDING))
        let status = unsafe EVP_PKEY_verify(context.pointer, signature, signature.count, bytes, bytes.count)
        ERR_clear_error()
        return status == 1
    }

    private func pad(_ context: borrowing Owned, _ scheme: RSASignature) throws(CryptoError) {
        let algorithm = unsafe try scheme.digest.provider.handle()
        let padding = scheme.isPSS ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING
        try CryptoError.check(unsafe EVP_PKEY_CTX_set_rsa_padding(context.pointer, padding))
        try CryptoError.check(unsafe EVP_PKEY_CTX_set_signature_md(context.pointer, algorithm))
        guard scheme.isPSS else { return }
        try CryptoError.check(unsafe EVP_PKEY_CTX_set_rsa_mgf1_md(context.pointer, algorithm))
        // The exact length, so that a signature with another salt does not pass (RFC 7518 section 3.5).
        try CryptoError.check(unsafe EVP_PKEY_CTX_set_rsa_pss_saltlen(context.pointer, Int32(scheme.digest.length)))
    }
}
