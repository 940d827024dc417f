import COpenSSL
import CofferCore

/// A private key of the Diffie-Hellman function X25519 (RFC 7748 section 5).
@safe
struct X25519Key: ~Copyable {
    /// Length of either half, and of an agreed secret, in bytes.
    static let length = 32

    /// The public half.
    let publicKey: [UInt8]
    private let key: Owned

    /// - Parameter bytes: 32 bytes.
    /// - Throws: ``CryptoError/invalidKey`` for another length.
    init(_ bytes: borrowing SecretBytes) throws(CryptoError) {
        let pointer = unsafe bytes.withBytes { bytes in
            unsafe bytes.withUnsafeBytes { bytes in
                unsafe EVP_PKEY_new_raw_private_key_ex(nil, "X25519", nil, bytes.baseAddress, bytes.count)
            }
        }
        let key = unsafe try Owned(pointer, freedBy: EVP_PKEY_free, or: .invalidKey)
        var half = [UInt8](repeating: 0, count: Self.length)
        var length = half.count
        try CryptoError.check(unsafe EVP_PKEY_get_raw_public_key(key.pointer, &half, &length))
        publicKey = half
        self.key = key
    }

    /// The secret that both key pairs lead to.
    ///
    /// - Throws: ``CryptoError/invalidKey`` if `other` is not 32 bytes, or a point of small order, with which every
    ///   private key agrees on zero (RFC 7748 section 6.1).
    borrowing func agree(with other: [UInt8]) throws(CryptoError) -> SecretBytes {
        let peer = unsafe try Owned(
            EVP_PKEY_new_raw_public_key_ex(nil, "X25519", nil, other, other.count), freedBy: EVP_PKEY_free,
            or: .invalidKey)
        let context = unsafe try Owned(EVP_PKEY_CTX_new_from_pkey(nil, key.pointer, nil), freedBy: EVP_PKEY_CTX_free)
        try CryptoError.check(unsafe EVP_PKEY_derive_init(context.pointer))
        try CryptoError.check(unsafe EVP_PKEY_derive_set_peer(context.pointer, peer.pointer), or: .invalidKey)
        return try SecretBytes(count: Self.length) { (span: inout MutableRawSpan) throws(CryptoError) in
            var length = Self.length
            let status = unsafe span.withUnsafeMutableBytes { target in
                unsafe EVP_PKEY_derive(context.pointer, target.baseAddress, &length)
            }
            try CryptoError.check(status, or: .invalidKey)
        }
    }
}
