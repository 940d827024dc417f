import COpenSSL
package import CofferCore

extension AESKeyWrap {
    /// A secret of any length under a key of 32 bytes (RFC 5649, NIST SP 800-38F KWP).
    ///
    /// - Throws: ``CryptoError/invalidLength`` if the secret is empty or absurdly long, ``CryptoError/invalidKey`` if `wrapping`
    ///   has another length.
    package static func wrapPadded(
        _ secret: borrowing SecretBytes, with wrapping: borrowing SecretBytes
    ) throws(CryptoError) -> [UInt8] {
        guard (1...1 << 20).contains(secret.count), let count = Int32(exactly: secret.count) else { throw .invalidLength }
        guard wrapping.count == 32 else { throw .invalidKey }
        let cipher = unsafe try Provider.aes256WrapPadded.handle()
        let context = unsafe try Owned(EVP_CIPHER_CTX_new(), freedBy: EVP_CIPHER_CTX_free)
        unsafe EVP_CIPHER_CTX_set_flags(context.pointer, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW)
        let status = wrapping.withBytes { key in
            unsafe key.withUnsafeBytes { unsafe EVP_CipherInit_ex2(context.pointer, cipher, $0.baseAddress, nil, 1, nil) }
        }
        try CryptoError.check(status)
        var wrapped = [UInt8](repeating: 0, count: (secret.count + 7) / 8 * 8 + 8)
        var written: Int32 = 0
        let wrote = secret.withBytes { secret in
            unsafe secret.withUnsafeBytes { unsafe EVP_CipherUpdate(context.pointer, &wrapped, &written, $0.baseAddress, count) }
        }
        try CryptoError.check(wrote)
        guard Int(written) == wrapped.count else { throw .openSSL("key wrap of another length") }
        return wrapped
    }
}
