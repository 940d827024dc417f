import COpenSSL
package import CofferCore

/// AES in Cipher Block Chaining (NIST SP 800-38A section 6.2). Keys have 16, 24 or 32 bytes.
///
/// It keeps a secret and detects no change. Whoever can ask often whether a ciphertext has good padding can decrypt it
/// (Vaudenay 2002): offer it only to those who may decrypt anyway.
package enum AESCBC {
    /// Length of a block, and of an initialization vector, in bytes.
    package static let blockLength = 16

    /// How a plaintext fills its blocks.
    package enum Padding: Int32, Sendable, CaseIterable {
        /// It must be whole blocks.
        case none = 0
        /// 1 to 16 bytes are added that say how many they are (RFC 5652 section 6.3, "PKCS #7").
        case pkcs7 = 1
    }

    /// The ciphertext, in whole blocks.
    ///
    /// - Parameter vector: 16 bytes that an attacker cannot foresee.
    /// - Throws: ``CryptoError/invalidKey`` or ``CryptoError/invalidLength`` if the key, the vector, or without padding
    ///   the plaintext has another length.
    package static func encrypt(
        _ plaintext: RawSpan, key: borrowing SecretBytes, vector: [UInt8], padding: Padding
    ) throws(CryptoError) -> [UInt8] {
        let length = plaintext.byteCount
        guard let count = Int32(exactly: length), count <= Int32.max - 2 * Int32(blockLength) else { throw .invalidLength }
        guard padding == .pkcs7 || length > 0 && length % blockLength == 0 else { throw .invalidLength }
        let context = try begin(.encrypt, key, vector, padding)
        let room = padding == .pkcs7 ? (length / blockLength + 1) * blockLength : length
        var ciphertext = [UInt8](repeating: 0, count: room)
        var total = 0
        let status = unsafe plaintext.withUnsafeBytes { source in
            unsafe ciphertext.withUnsafeMutableBytes { target in
                unsafe run(context, source, count, target, &total)
            }
        }
        try CryptoError.check(status)
        guard total == room else { throw .openSSL("AES-CBC ciphertext of another length") }
        return ciphertext
    }

    /// The plaintext of what ``encrypt(_:key:vector:padding:)`` made.
    ///
    /// - Throws: ``CryptoError/authenticationFailed`` if no plaintext has this ciphertext, by its length or its padding;
    ///   ``CryptoError/invalidKey`` or ``CryptoError/invalidLength`` if key or vector have another length.
    package static func decrypt(
        _ ciphertext: [UInt8], key: borrowing SecretBytes, vector: [UInt8], padding: Padding
    ) throws(CryptoError) -> SecretBytes {
        let context = try begin(.decrypt, key, vector, padding)
        guard !ciphertext.isEmpty, ciphertext.count % blockLength == 0, let count = Int32(exactly: ciphertext.count) else {
            throw .authenticationFailed
        }
        var total = 0
        // The length of a padded plaintext is known only once it is there.
        let roomy = try SecretBytes(count: ciphertext.count + blockLength) {
            (span: inout MutableRawSpan) throws(CryptoError) in
            let status = unsafe span.withUnsafeMutableBytes { target in
                unsafe ciphertext.withUnsafeBytes { source in
                    unsafe run(context, source, count, target, &total)
                }
            }
            try CryptoError.check(status, or: .authenticationFailed)
        }
        return roomy.withBytes { SecretBytes(copying: $0.extracting(first: total)) }
    }

    private enum Direction: Int32 {
        case decrypt = 0
        case encrypt = 1
    }

    private static func begin(
        _ direction: Direction, _ key: borrowing SecretBytes, _ vector: [UInt8], _ padding: Padding
    ) throws(CryptoError) -> Owned {
        let cipher = unsafe try Provider.cbc(keyLength: key.count)
        guard vector.count == blockLength else { throw .invalidLength }
        let context = unsafe try Owned(EVP_CIPHER_CTX_new(), freedBy: EVP_CIPHER_CTX_free)
        let status = key.withBytes { key in
            unsafe key.withUnsafeBytes { key in
                unsafe EVP_CipherInit_ex2(context.pointer, cipher, key.baseAddress, vector, direction.rawValue, nil)
            }
        }
        try CryptoError.check(status)
        unsafe EVP_CIPHER_CTX_set_padding(context.pointer, padding.rawValue)
        return context
    }

    /// Runs the whole of `source` into `target` and counts what came out.
    private static func run(
        _ context: borrowing Owned, _ source: UnsafeRawBufferPointer, _ count: Int32,
        _ target: UnsafeMutableRawBufferPointer, _ total: inout Int
    ) -> Int32 {
        guard let start = unsafe target.assumingMemoryBound(to: UInt8.self).baseAddress else { return 0 }
        var written: Int32 = 0
        if count > 0 {
            let bytes = unsafe source.assumingMemoryBound(to: UInt8.self).baseAddress
            guard unsafe EVP_CipherUpdate(context.pointer, start, &written, bytes, count) == 1 else { return 0 }
        }
        var rest: Int32 = 0
        guard unsafe EVP_CipherFinal_ex(context.pointer, start + Int(written), &rest) == 1 else { return 0 }
        total = Int(written) + Int(rest)
        return 1
    }
}
