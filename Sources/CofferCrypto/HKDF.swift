import COpenSSL
package import CofferCore

/// Derivation of keys from a key (RFC 5869).
package enum HKDF {
    /// A key of `count` bytes from `secret`.
    ///
    /// - Parameters:
    ///   - secret: Key material with enough entropy; not a password.
    ///   - salt: May be empty, and need not be secret.
    ///   - info: What the key is for; another purpose gives an unrelated key. At most 2048 bytes.
    ///   - count: Bytes to derive, 1 to 255 digests.
    /// - Throws: ``CryptoError/invalidLength`` if `count` or `info` is out of range.
    package static func deriveKey(
        from secret: borrowing SecretBytes, salt: [UInt8], info: [UInt8], count: Int,
        using digest: DigestAlgorithm = .sha256
    ) throws(CryptoError) -> SecretBytes {
        try secret.withBytes { (secret: RawSpan) throws(CryptoError) in
            unsafe try derive(coffer_hkdf_both, key: secret, salt: salt.span.bytes, info: info, count: count, digest)
        }
    }

    /// HKDF-Extract (RFC 5869 section 2.2): a pseudo-random key as long as the digest.
    static func extract(
        from secret: borrowing SecretBytes, salt: RawSpan, using digest: DigestAlgorithm = .sha256
    ) throws(CryptoError) -> SecretBytes {
        try secret.withBytes { (secret: RawSpan) throws(CryptoError) in
            try derive(coffer_hkdf_extract, key: secret, salt: salt, info: [], count: digest.length, digest)
        }
    }

    /// HKDF-Expand (RFC 5869 section 2.3) of a pseudo-random key.
    static func expand(
        _ key: borrowing SecretBytes, info: [UInt8], count: Int, using digest: DigestAlgorithm = .sha256
    ) throws(CryptoError) -> SecretBytes {
        try key.withBytes { (key: RawSpan) throws(CryptoError) in
            try derive(coffer_hkdf_expand, key: key, salt: RawSpan(), info: info, count: count, digest)
        }
    }

    private static func derive(
        _ mode: Int, key: RawSpan, salt: RawSpan, info: [UInt8], count: Int, _ digest: DigestAlgorithm
    ) throws(CryptoError) -> SecretBytes {
        guard (1...255 * digest.length).contains(count), info.count <= 2048 else { throw .invalidLength }
        let kdf = unsafe try Provider.hkdf.handle()
        return try SecretBytes(count: count) { (span: inout MutableRawSpan) throws(CryptoError) in
            let status = unsafe key.withUnsafeBytes { key in
                unsafe salt.withUnsafeBytes { salt in
                    unsafe span.withUnsafeMutableBytes { target in
                        unsafe coffer_hkdf(
                            kdf, Int32(mode), digest.name, key.baseAddress, key.count, salt.baseAddress, salt.count, info,
                            info.count, target.baseAddress, target.count)
                    }
                }
            }
            try CryptoError.check(status)
        }
    }
}
