import COpenSSL
package import CofferCore

/// The encodings of RFC 8017 for keys whose raw RSA operation happens elsewhere: in a token, or in a batch.
package enum RSAEncoding {
    /// The plaintext in a block that raw RSA decryption of an OAEP ciphertext gave, in time that does not depend on the block.
    ///
    /// - Parameter block: As long as the modulus, leading zeros included.
    /// - Throws: ``CryptoError/authenticationFailed`` if the block is no such encoding, whatever is wrong with it;
    ///   ``CryptoError/unsupported`` for a scheme that is not OAEP.
    package static func decode(_ block: borrowing SecretBytes, of scheme: RSAEncryption) throws(CryptoError) -> SecretBytes {
        guard let digest = scheme.digest else { throw .unsupported }
        guard block.count >= 2 * digest.length + 2, let count = Int32(exactly: block.count) else { throw .authenticationFailed }
        let algorithm = unsafe try digest.provider.handle()
        var length: Int32 = -1
        let roomy = try SecretBytes(count: block.count) { (span: inout MutableRawSpan) throws(CryptoError) in
            length = block.withBytes { block in
                unsafe block.withUnsafeBytes { block in
                    unsafe span.withUnsafeMutableBytes { target in
                        unsafe coffer_oaep_decode(
                            algorithm, block.assumingMemoryBound(to: UInt8.self).baseAddress, count,
                            target.assumingMemoryBound(to: UInt8.self).baseAddress)
                    }
                }
            }
            guard length >= 0 else { throw .hiding(as: .authenticationFailed) }
        }
        return roomy.withBytes { SecretBytes(copying: $0.extracting(first: Int(length))) }
    }

    /// What the raw operation of a key of so many bits makes a signature of, as long as the modulus: of a digest, by
    /// EMSA-PKCS1-v1_5 or EMSA-PSS (RFC 8017 sections 9.1.1 and 9.2).
    ///
    /// - Throws: ``CryptoError/invalidLength`` if the digest is not as long as the scheme's.
    static func block(of digest: [UInt8], _ scheme: RSASignature, bits: Int) throws(CryptoError) -> [UInt8] {
        guard digest.count == scheme.digest.length else { throw .invalidLength }
        guard scheme.isPSS else { return try block(of: digestInfo(digest, scheme.digest), bits: bits) }
        let salt = SecureRandom.bytes(digest.count)
        let hash = scheme.digest.hash([UInt8](repeating: 0, count: 8) + digest + salt)
        let length = bits / 8
        guard length >= hash.count + salt.count + 2 else { throw .invalidLength }
        let data = [UInt8](repeating: 0, count: length - hash.count - salt.count - 2) + [1] + salt
        var block = zip(data, mask(hash, data.count, scheme.digest)).map { $0 ^ $1 }
        // The modulus has whole bytes, and the block must be below it.
        block[0] &= 0x7f
        return block + hash + [0xbc]
    }

    /// The same of bytes as they are (RFC 8017 section 9.2, steps 3 to 5 over T = `bytes`).
    ///
    /// - Throws: ``CryptoError/invalidLength`` unless these are 1 to 11 bytes fewer than the modulus has.
    static func block(of bytes: [UInt8], bits: Int) throws(CryptoError) -> [UInt8] {
        let length = bits / 8
        guard (1...length - 11).contains(bytes.count) else { throw .invalidLength }
        return [0, 1] + [UInt8](repeating: 0xff, count: length - 3 - bytes.count) + [0] + bytes
    }

    /// MGF1 (RFC 8017 appendix B.2.1).
    private static func mask(_ seed: [UInt8], _ count: Int, _ algorithm: DigestAlgorithm) -> [UInt8] {
        var mask: [UInt8] = []
        var counter: UInt32 = 0
        while mask.count < count {
            mask += algorithm.hash(seed + (0..<4).map { UInt8(truncatingIfNeeded: counter >> (24 - 8 * UInt32($0))) })
            counter += 1
        }
        return Array(mask.prefix(count))
    }

    /// The DER of a `DigestInfo` (RFC 8017 section 9.2, note 1), which PKCS #1 v1.5 signs.
    package static func digestInfo(_ digest: [UInt8], _ algorithm: DigestAlgorithm) -> [UInt8] {
        let prefix: [UInt8] =
            switch algorithm {
            case .sha1: [0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14]
            case .sha256: sha2Prefix(total: 0x31, number: 1, length: 0x20)
            case .sha384: sha2Prefix(total: 0x41, number: 2, length: 0x30)
            case .sha512: sha2Prefix(total: 0x51, number: 3, length: 0x40)
            }
        return prefix + digest
    }

    private static func sha2Prefix(total: UInt8, number: UInt8, length: UInt8) -> [UInt8] {
        [0x30, total, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, number, 0x05, 0x00, 0x04, length]
    }
}
