import COpenSSL

extension ECKey {
    /// A signature over a message of which `digest` is the digest: r and s, each of the curve's
    /// ``EllipticCurve/coordinateLength`` (RFC 7518 section 3.4).
    ///
    /// - Throws: ``CryptoError/invalidLength`` if the digest is not as long as the scheme's, ``CryptoError/invalidKey``
    ///   if the key is on another curve or the private half is not here.
    package func sign(digest: [UInt8], using scheme: ECSignature) throws(CryptoError) -> [UInt8] {
        guard isPrivate, curve == scheme.curve else { throw .invalidKey }
        guard digest.count == scheme.digest.length else { throw .invalidLength }
        var encoded = [UInt8](repeating: 0, count: Self.encodedLimit)
        var length = encoded.count
        try withSigner { (context) throws(CryptoError) in
            try CryptoError.check(unsafe EVP_PKEY_sign(context.pointer, &encoded, &length, digest, digest.count))
        }
        let width = curve.coordinateLength
        let numbers = unsafe encoded.withUnsafeBytes { encoded in
            var cursor = unsafe encoded.assumingMemoryBound(to: UInt8.self).baseAddress
            return unsafe d2i_ECDSA_SIG(nil, &cursor, length)
        }
        let pair = unsafe try Owned(numbers, freedBy: ECDSA_SIG_free)
        var signature = [UInt8](repeating: 0, count: 2 * width)
        let written = unsafe signature.withUnsafeMutableBytes { target -> Int32 in
            guard let start = unsafe target.assumingMemoryBound(to: UInt8.self).baseAddress else { return -1 }
            guard unsafe BN_bn2binpad(ECDSA_SIG_get0_r(pair.pointer), start, Int32(width)) == Int32(width) else { return -1 }
            return unsafe BN_bn2binpad(ECDSA_SIG_get0_s(pair.pointer), start + width, Int32(width))
        }
        guard Int(written) == width else { throw .openSSL("ECDSA signature of another length") }
        return signature
    }

    /// Whether `signature` was made by the private half over a message of which `digest` is the digest.
    ///
    /// - Throws: ``CryptoError/invalidLength`` if the digest is not as long as the scheme's, ``CryptoError/invalidKey``
    ///   if the key is on another curve. A signature of any length or content is no error; it holds or not.
    package func verify(_ signature: [UInt8], digest: [UInt8], using scheme: ECSignature) throws(CryptoError) -> Bool {
        guard curve == scheme.curve else { throw .invalidKey }
        guard digest.count == scheme.digest.length else { throw .invalidLength }
        let width = curve.coordinateLength
        guard signature.count == 2 * width else { return false }
        let pair = unsafe try Owned(ECDSA_SIG_new(), freedBy: ECDSA_SIG_free)
        unsafe signature.withUnsafeBytes { bytes in
            let start = unsafe bytes.assumingMemoryBound(to: UInt8.self).baseAddress
            let r = unsafe BN_bin2bn(start, Int32(width), nil)
            let s = unsafe BN_bin2bn(start.map { unsafe $0 + width }, Int32(width), nil)
            // The pair owns both from here on.
            _ = unsafe ECDSA_SIG_set0(pair.pointer, r, s)
        }
        var encoded = [UInt8](repeating: 0, count: Self.encodedLimit)
        let length = unsafe encoded.withUnsafeMutableBytes { target -> Int32 in
            guard unsafe i2d_ECDSA_SIG(pair.pointer, nil) <= Int32(target.count) else { return 0 }
            var cursor = unsafe target.assumingMemoryBound(to: UInt8.self).baseAddress
            return unsafe i2d_ECDSA_SIG(pair.pointer, &cursor)
        }
        guard length > 0 else { throw .fromOpenSSL() }
        let context = try operation()
        try CryptoError.check(unsafe EVP_PKEY_verify_init(context.pointer))
        let status = unsafe EVP_PKEY_verify(context.pointer, encoded, Int(length), digest, digest.count)
        ERR_clear_error()
        return status == 1
    }

    /// Room for the longest DER signature, that of P-521, which has 141 bytes, and to spare.
    private static let encodedLimit = 160
}
