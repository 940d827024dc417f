import COpenSSL

/// Keys on the curve P-256 (FIPS 186-5, SEC 2 secp256r1), for certificates.
enum ECKey {
    /// A new pair.
    static func generate() throws(CryptoError) -> Owned {
        let context = unsafe try Owned(EVP_PKEY_CTX_new_from_name(nil, "EC", nil), freedBy: EVP_PKEY_CTX_free)
        try CryptoError.check(unsafe EVP_PKEY_keygen_init(context.pointer))
        try CryptoError.check(unsafe EVP_PKEY_CTX_set_group_name(context.pointer, "P-256"))
        var key: OpaquePointer?
        try CryptoError.check(unsafe EVP_PKEY_generate(context.pointer, &key))
        return unsafe try Owned(key, freedBy: EVP_PKEY_free)
    }
}
