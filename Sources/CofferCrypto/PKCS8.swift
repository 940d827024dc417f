import COpenSSL
import CofferCore

/// Private keys of any kind as DER of a `PrivateKeyInfo` (RFC 5958 section 2), unencrypted.
enum PKCS8 {
    /// The key that `bytes` hold, for the caller to own. Nil if they are malformed or something stands after them.
    static func decode(_ bytes: borrowing SecretBytes) -> OpaquePointer? {
        let count = bytes.count
        return unsafe bytes.withBytes { bytes in
            unsafe bytes.withUnsafeBytes { bytes -> OpaquePointer? in
                guard let start = bytes.baseAddress else { return nil }
                var cursor = unsafe Optional(start.assumingMemoryBound(to: UInt8.self))
                guard let info = unsafe d2i_PKCS8_PRIV_KEY_INFO(nil, &cursor, count) else { return nil }
                // Freeing wipes the octets of the key.
                defer { unsafe PKCS8_PRIV_KEY_INFO_free(info) }
                guard let end = unsafe cursor, unsafe UnsafeRawPointer(end) == start + count else { return nil }
                return unsafe EVP_PKCS82PKEY(info)
            }
        }
    }

    /// The bytes of `key`, which must have its private half.
    static func encode(_ key: OpaquePointer) throws(CryptoError) -> SecretBytes {
        let info = unsafe try Owned(EVP_PKEY2PKCS8(key), freedBy: PKCS8_PRIV_KEY_INFO_free)
        let count = unsafe i2d_PKCS8_PRIV_KEY_INFO(info.pointer, nil)
        guard count > 0 else { throw .fromOpenSSL() }
        return try SecretBytes(count: Int(count)) { (span: inout MutableRawSpan) throws(CryptoError) in
            let written = unsafe span.withUnsafeMutableBytes { target -> Int32 in
                var cursor = unsafe target.baseAddress?.assumingMemoryBound(to: UInt8.self)
                return unsafe i2d_PKCS8_PRIV_KEY_INFO(info.pointer, &cursor)
            }
            guard written == count else { throw .fromOpenSSL() }
        }
    }
}
