import COpenSSL

/// Algorithms fetched once from OpenSSL's providers; a fetch for each operation would cost more than a small message.
@safe
struct Provider: @unchecked Sendable {
    // SAFETY: a fetched algorithm is immutable and reference-counted, may be used by any thread (provider(7)), and
    // lives as long as the process.
    private let algorithm: OpaquePointer?

    private init(_ algorithm: OpaquePointer?) {
        unsafe self.algorithm = algorithm
        ERR_clear_error()
    }

    /// The algorithm, as OpenSSL's calls take it.
    ///
    /// - Throws: ``CryptoError/unsupported`` if no loaded provider has it.
    func handle() throws(CryptoError) -> OpaquePointer {
        guard let algorithm = unsafe algorithm else { throw .unsupported }
        return unsafe algorithm
    }

    static let sha1 = unsafe Provider(EVP_MD_fetch(nil, "SHA1", nil))
    static let sha256 = unsafe Provider(EVP_MD_fetch(nil, "SHA2-256", nil))
    static let sha384 = unsafe Provider(EVP_MD_fetch(nil, "SHA2-384", nil))
    static let sha512 = unsafe Provider(EVP_MD_fetch(nil, "SHA2-512", nil))
    static let hmac = unsafe Provider(EVP_MAC_fetch(nil, "HMAC", nil))
    static let hkdf = unsafe Provider(EVP_KDF_fetch(nil, "HKDF", nil))
    static let aes256XTS = unsafe Provider(EVP_CIPHER_fetch(nil, "AES-256-XTS", nil))

    /// AES in GCM for a key of 16, 24 or 32 bytes.
    static func gcm(keyLength: Int) throws(CryptoError) -> OpaquePointer {
        switch keyLength {
        case 16: unsafe try aes128GCM.handle()
        case 24: unsafe try aes192GCM.handle()
        case 32: unsafe try aes256GCM.handle()
        default: throw .invalidKey
        }
    }

    /// AES in CBC for a key of 16, 24 or 32 bytes.
    static func cbc(keyLength: Int) throws(CryptoError) -> OpaquePointer {
        switch keyLength {
        case 16: unsafe try aes128CBC.handle()
        case 24: unsafe try aes192CBC.handle()
        case 32: unsafe try aes256CBC.handle()
        default: throw .invalidKey
        }
    }

    /// AES key wrap for a key-encryption key of 16, 24 or 32 bytes.
    static func keyWrap(_ form: AESKeyWrap.Form, keyLength: Int) throws(CryptoError) -> OpaquePointer {
        switch (form, keyLength) {
        case (.whole, 16): unsafe try aes128Wrap.handle()
        case (.whole, 24): unsafe try aes192Wrap.handle()
        case (.whole, 32): unsafe try aes256Wrap.handle()
        case (.padded, 16): unsafe try aes128WrapPad.handle()
        case (.padded, 24): unsafe try aes192WrapPad.handle()
        case (.padded, 32): unsafe try aes256WrapPad.handle()
        default: throw .invalidKey
        }
    }

    private static let aes128GCM = unsafe Provider(EVP_CIPHER_fetch(nil, "AES-128-GCM", nil))
    private static let aes192GCM = unsafe Provider(EVP_CIPHER_fetch(nil, "AES-192-GCM", nil))
    private static let aes256GCM = unsafe Provider(EVP_CIPHER_fetch(nil, "AES-256-GCM", nil))
    private static let aes128CBC = unsafe Provider(EVP_CIPHER_fetch(nil, "AES-128-CBC", nil))
    private static let aes192CBC = unsafe Provider(EVP_CIPHER_fetch(nil, "AES-192-CBC", nil))
    private static let aes256CBC = unsafe Provider(EVP_CIPHER_fetch(nil, "AES-256-CBC", nil))
    private static let aes128Wrap = unsafe Provider(EVP_CIPHER_fetch(nil, "AES-128-WRAP", nil))
    private static let aes192Wrap = unsafe Provider(EVP_CIPHER_fetch(nil, "AES-192-WRAP", nil))
    private static let aes256Wrap = unsafe Provider(EVP_CIPHER_fetch(nil, "AES-256-WRAP", nil))
    private static let aes128WrapPad = unsafe Provider(EVP_CIPHER_fetch(nil, "AES-128-WRAP-PAD", nil))
    private static let aes192WrapPad = unsafe Provider(EVP_CIPHER_fetch(nil, "AES-192-WRAP-PAD", nil))
    private static let aes256WrapPad = unsafe Provider(EVP_CIPHER_fetch(nil, "AES-256-WRAP-PAD", nil))
}
