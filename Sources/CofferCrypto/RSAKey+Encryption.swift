import COpenSSL
package import CofferCore

extension RSAKey {
    /// A ciphertext as long as the modulus, which only the private half opens.
    ///
    /// - Parameter plaintext: At most the modulus's length less 42 (`oaep`), 66 (`oaep256`) or 11 (`pkcs1`) bytes.
    /// - Throws: ``CryptoError/invalidLength`` if it is longer.
    package func encrypt(_ plaintext: RawSpan, using scheme: RSAEncryption) throws(CryptoError) -> [UInt8] {
        let overhead = scheme.digest.map { 2 * $0.length + 2 } ?? 11
        guard plaintext.byteCount <= modulus.count - overhead else { throw .invalidLength }
        let context = try operation()
        try CryptoError.check(unsafe EVP_PKEY_encrypt_init(context.pointer))
        try pad(context, scheme)
        var ciphertext = [UInt8](repeating: 0, count: modulus.count)
        var length = ciphertext.count
        let status = unsafe plaintext.withUnsafeBytes { source in
            unsafe EVP_PKEY_encrypt(context.pointer, &ciphertext, &length, source.baseAddress, source.count)
        }
        try CryptoError.check(status)
        guard length == ciphertext.count else { throw .openSSL("RSA ciphertext of another length") }
        return ciphertext
    }

    /// The plaintext of a ciphertext made by ``encrypt(_:using:)`` with the public half.
    ///
    /// OpenSSL from 3.2 on answers a bad `pkcs1` ciphertext not with an error but with a plaintext that it derives from
    /// ciphertext and key, which gives an attacker less to learn from (implicit rejection).
    ///
    /// - Throws: ``CryptoError/authenticationFailed`` if it was made otherwise, whatever is wrong with it;
    ///   ``CryptoError/invalidKey`` if the private half is not here.
    package func decrypt(_ ciphertext: [UInt8], using scheme: RSAEncryption) throws(CryptoError) -> SecretBytes {
        guard isPrivate else { throw .invalidKey }
        let context = try operation()
        try CryptoError.check(unsafe EVP_PKEY_decrypt_init(context.pointer))
        try pad(context, scheme)
        guard ciphertext.count == modulus.count else { throw .authenticationFailed }
        var length = modulus.count
        // The length of a plaintext is known only once it is there.
        let roomy = try SecretBytes(count: modulus.count) { (span: inout MutableRawSpan) throws(CryptoError) in
            let status = unsafe span.withUnsafeMutableBytes { target in
                unsafe EVP_PKEY_decrypt(context.pointer, target.baseAddress, &length, ciphertext, ciphertext.count)
            }
            try CryptoError.check(status, or: .authenticationFailed)
        }
        return roomy.withBytes { SecretBytes(copying: $0.extracting(first: length)) }
    }

    private func pad(_ context: borrowing Owned, _ scheme: RSAEncryption) throws(CryptoError) {
        guard let digest = scheme.digest else {
            try CryptoError.check(unsafe EVP_PKEY_CTX_set_rsa_padding(context.pointer, RSA_PKCS1_PADDING))
            return
        }
        let algorithm = unsafe try digest.provider.handle()
        try CryptoError.check(unsafe EVP_PKEY_CTX_set_rsa_padding(context.pointer, RSA_PKCS1_OAEP_PADDING))
        try CryptoError.check(unsafe EVP_PKEY_CTX_set_rsa_oaep_md(context.pointer, algorithm))
        try CryptoError.check(unsafe EVP_PKEY_CTX_set_rsa_mgf1_md(context.pointer, algorithm))
    }
}
