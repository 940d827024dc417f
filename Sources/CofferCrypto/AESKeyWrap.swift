import COpenSSL
package import CofferCore

/// AES key wrap: keys under a key, without a nonce. Keys of 16, 24 or 32 bytes wrap.
package enum AESKeyWrap {
    /// What may be wrapped.
    package enum Form: Sendable, CaseIterable {
        /// Whole blocks of 8 bytes, two or more (RFC 3394, NIST SP 800-38F KW).
        case whole
        /// Any length from 1 byte on (RFC 5649, NIST SP 800-38F KWP).
        case padded
    }

    /// `key` under `wrapping`: 8 bytes longer, after padding to a multiple of 8.
    ///
    /// - Throws: ``CryptoError/invalidLength`` for a length of `key` that the form does not take,
    ///   ``CryptoError/invalidKey`` of `wrapping`.
    package static func wrap(
        _ key: borrowing SecretBytes, with wrapping: borrowing SecretBytes, form: Form = .whole
    ) throws(CryptoError) -> [UInt8] {
        let isGood = form == .padded ? key.count >= 1 : key.count >= 16 && key.count % 8 == 0
        guard isGood, let count = Int32(exactly: key.count), count <= Int32.max - 16 else { throw .invalidLength }
        let context = try begin(.wrap, wrapping, form)
        var wrapped = [UInt8](repeating: 0, count: (key.count + 7) / 8 * 8 + 8)
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
    /// - Throws: ``CryptoError/authenticationFailed`` if it was not wrapped by `wrapping` in this form or was changed
    ///   since, or has a length that no wrapped key has; ``CryptoError/invalidKey`` if `wrapping` has another length.
    package static func unwrap(
        _ wrapped: [UInt8], with wrapping: borrowing SecretBytes, form: Form = .whole
    ) throws(CryptoError) -> SecretBytes {
        let context = try begin(.unwrap, wrapping, form)
        guard wrapped.count >= (form == .padded ? 16 : 24), wrapped.count % 8 == 0,
            let count = Int32(exactly: wrapped.count)
        else { throw .authenticationFailed }
        var written: Int32 = 0
        // The length of a padded key is known only once it is there. OpenSSL uses the whole of the buffer meanwhile.
        let roomy = try SecretBytes(count: wrapped.count) { (span: inout MutableRawSpan) throws(CryptoError) in
            let status = unsafe span.withUnsafeMutableBytes { target in
                unsafe EVP_CipherUpdate(context.pointer, target.baseAddress, &written, wrapped, count)
            }
            try CryptoError.check(status, or: .authenticationFailed)
        }
        let length = Int(written)
        let isGood = form == .padded ? (1...wrapped.count - 8).contains(length) : length == wrapped.count - 8
        guard isGood else { throw .authenticationFailed }
        return roomy.withBytes { SecretBytes(copying: $0.extracting(first: length)) }
    }

    private enum Direction: Int32 {
        case unwrap = 0
        case wrap = 1
    }

    private static func begin(
        _ direction: Direction, _ key: borrowing SecretBytes, _ form: Form
    ) throws(CryptoError) -> Owned {
        let cipher = unsafe try Provider.keyWrap(form, keyLength: key.count)
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
