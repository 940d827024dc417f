import COpenSSL
package import CofferCore

/// AES key wrap (RFC 3394, NIST SP 800-38F KW): keys under a key, without a nonce. Keys of 16, 24 or 32 bytes wrap.
package enum AESKeyWrap {
    /// `key` under `wrapping`, 8 bytes longer.
    ///
    /// - Parameter key: At least 16 bytes, and a multiple of 8.
    /// - Throws: ``CryptoError/invalidLength`` for other lengths of `key`, ``CryptoError/invalidKey`` of `wrapping`.
    package static func wrap(
        _ key: borrowing SecretBytes, with wrapping: borrowing SecretBytes
    ) throws(CryptoError) -> [UInt8] {
        guard key.count >= 16, key.count % 8 == 0, let count = Int32(exactly: key.count) else { throw .invalidLength }
        let context = try begin(.wrap, wrapping)
        var wrapped = [UInt8](repeating: 0, count: key.count + 8)
        var written: Int32 = 0
        let status = key.withBytes { key in
            unsafe key.withUnsafeBytes { key in
                unsafe EVP_CipherUpdate(context.pointer, &wrapped, &written, key.baseAddress, count)
            }
        }
        try CryptoError.check(status)
        guard Int(written) == wrapped.count else { throw .openSSL("key wrap of another length") }
        return wrapped
    }

    /// The key inside `wrapped`.
    ///
    /// - Throws: ``CryptoError/authenticationFailed`` if it was not wrapped by `wrapping` or was changed since, or has a
    ///   length that no wrapped key has; ``CryptoError/invalidKey`` if `wrapping` has another length.
    package static func unwrap(
        _ wrapped: [UInt8], with wrapping: borrowing SecretBytes
    ) throws(CryptoError) -> SecretBytes {
        let context = try begin(.unwrap, wrapping)
        guard wrapped.count >= 24, wrapped.count % 8 == 0, let count = Int32(exactly: wrapped.count) else {
            throw .authenticationFailed
        }
        return try SecretBytes(count: wrapped.count - 8) { (span: inout MutableRawSpan) throws(CryptoError) in
            let length = span.byteCount
            var written: Int32 = 0
            let status = unsafe span.withUnsafeMutableBytes { target in
                unsafe EVP_CipherUpdate(context.pointer, target.baseAddress, &written, wrapped, count)
            }
            try CryptoError.check(status, or: .authenticationFailed)
            guard Int(written) == length else { throw .authenticationFailed }
        }
    }

    private enum Direction: Int32 {
        case unwrap = 0
        case wrap = 1
    }

    private static func begin(_ direction: Direction, _ key: borrowing SecretBytes) throws(CryptoError) -> Owned {
        let cipher = unsafe try Provider.keyWrap(keyLength: key.count)
        let context = unsafe try Owned(EVP_CIPHER_CTX_new(), freedBy: EVP_CIPHER_CTX_free)
        // Without this flag OpenSSL refuses the mode, for its update call writes more than it reads.
        unsafe EVP_CIPHER_CTX_set_flags(context.pointer, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW)
        let status = key.withBytes { key in
            unsafe key.withUnsafeBytes { key in
                unsafe EVP_CipherInit_ex2(context.pointer, cipher, key.baseAddress, nil, direction.rawValue, nil)
            }
        }
        try CryptoError.check(status)
        return context
    }
}
