import COpenSSL
package import CofferCore

/// A private key of the signature scheme Ed25519 (RFC 8032 section 5.1).
///
/// Any number of threads may sign with one key at a time.
@safe
package final class Ed25519Key {
    /// Length of either half in bytes.
    package static let length = 32

    /// The public half.
    package let publicKey: Ed25519PublicKey
    private let key: OpaquePointer

    /// - Parameter bytes: The private key as RFC 8032 has it: 32 random bytes.
    /// - Throws: ``CryptoError/invalidKey`` for another length.
    package init(_ bytes: borrowing SecretBytes) throws(CryptoError) {
        let pointer = unsafe bytes.withBytes { bytes in
            unsafe bytes.withUnsafeBytes { bytes in
                unsafe EVP_PKEY_new_raw_private_key_ex(nil, "ED25519", nil, bytes.baseAddress, bytes.count)
            }
        }
        guard let pointer = unsafe pointer else { throw .hiding(as: .invalidKey) }
        unsafe key = pointer
        var half = [UInt8](repeating: 0, count: Self.length)
        var length = half.count
        let status = unsafe EVP_PKEY_get_raw_public_key(pointer, &half, &length)
        publicKey = Ed25519PublicKey(unchecked: half)
        try CryptoError.check(status)
    }

    /// The signature of `message`, 64 bytes, always the same for the same message.
    package func sign(_ message: [UInt8]) throws(CryptoError) -> [UInt8] {
        let context = unsafe try Owned(EVP_MD_CTX_new(), freedBy: EVP_MD_CTX_free)
        try CryptoError.check(unsafe EVP_DigestSignInit(context.pointer, nil, nil, nil, key))
        var signature = [UInt8](repeating: 0, count: Ed25519PublicKey.signatureLength)
        var length = signature.count
        try CryptoError.check(unsafe EVP_DigestSign(context.pointer, &signature, &length, message, message.count))
        guard length == signature.count else { throw .openSSL("Ed25519 signature of another length") }
        return signature
    }

    deinit {
        // Wipes the private half.
        unsafe EVP_PKEY_free(key)
    }
}

// SAFETY: the key is never changed after `init`, and each operation has its own context.
extension Ed25519Key: @unchecked Sendable {}

/// The public half of an Ed25519 key.
package struct Ed25519PublicKey: Equatable, Sendable {
    /// Length of a signature in bytes.
    package static let signatureLength = 64

    /// 32 bytes.
    package let bytes: [UInt8]

    /// - Throws: ``CryptoError/invalidKey`` unless it is 32 bytes.
    package init(_ bytes: [UInt8]) throws(CryptoError) {
        guard bytes.count == Ed25519Key.length else { throw .invalidKey }
        self.bytes = bytes
    }

    fileprivate init(unchecked bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Names the key (RFC 7638 with the members of RFC 8037, SHA-256), in base64url.
    package var thumbprint: String {
        let canonical = #"{"crv":"Ed25519","kty":"OKP","x":"\#(Base64URL.encode(bytes))"}"#
        return Base64URL.encode(DigestAlgorithm.sha256.hash(Array(canonical.utf8)))
    }

    /// The key as text: a `PUBLIC KEY` (RFC 7468 section 13, RFC 8410 section 4), which `openssl` reads too.
    package func pem() throws(CryptoError) -> String {
        try PEM.encode(publicKey: try key())
    }

    /// The first public key of `pem`.
    ///
    /// - Throws: ``CryptoError/invalidKey`` if there is none or it is of another kind.
    package init(pem: String) throws(CryptoError) {
        let key = try PEM.publicKey(pem)
        guard unsafe EVP_PKEY_is_a(key.pointer, "ED25519") == 1 else { throw .hiding(as: .invalidKey) }
        var half = [UInt8](repeating: 0, count: Ed25519Key.length)
        var length = half.count
        try CryptoError.check(unsafe EVP_PKEY_get_raw_public_key(key.pointer, &half, &length), or: .invalidKey)
        bytes = half
    }

    /// Whether the private half made `signature` over `message`. A signature of any length or content is no error; it
    /// holds or not.
    package func verify(_ signature: [UInt8], of message: [UInt8]) throws(CryptoError) -> Bool {
        guard signature.count == Self.signatureLength else { return false }
        let key = try key()
        let context = unsafe try Owned(EVP_MD_CTX_new(), freedBy: EVP_MD_CTX_free)
        try CryptoError.check(unsafe EVP_DigestVerifyInit(context.pointer, nil, nil, nil, key.pointer))
        let status = unsafe EVP_DigestVerify(context.pointer, signature, signature.count, message, message.count)
        ERR_clear_error()
        return status == 1
    }

    private func key() throws(CryptoError) -> Owned {
        unsafe try Owned(
            EVP_PKEY_new_raw_public_key_ex(nil, "ED25519", nil, bytes, bytes.count), freedBy: EVP_PKEY_free, or: .invalidKey)
    }
}
