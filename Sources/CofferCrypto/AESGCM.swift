import COpenSSL
package import CofferCore

/// AES in Galois/Counter Mode (NIST SP 800-38D) with a 12-byte nonce and a 16-byte tag. Keys have 16, 24 or 32 bytes.
///
/// A nonce must never serve twice under one key: whoever sees two such boxes can forge more. Draw it at random for at
/// most 2^32 boxes of a key, or count.
package enum AESGCM {
    /// Length of a nonce in bytes.
    package static let nonceLength = 12
    /// Length of a tag in bytes.
    package static let tagLength = 16

    /// Ciphertext, as long as `plaintext`, followed by the tag.
    ///
    /// - Throws: ``CryptoError/invalidKey`` or ``CryptoError/invalidLength`` if key or nonce have another length.
    package static func seal(
        _ plaintext: RawSpan, key: borrowing SecretBytes, nonce: [UInt8], authenticating data: [UInt8]
    ) throws(CryptoError) -> [UInt8] {
        let length = plaintext.byteCount
        guard let count = Int32(exactly: length), count <= Int32.max - 16 else { throw .invalidLength }
        let context = try begin(.seal, key: key, nonce: nonce, authenticating: data)
        var box = [UInt8](repeating: 0, count: length + tagLength)
        let status = unsafe plaintext.withUnsafeBytes { source -> Int32 in
            unsafe box.withUnsafeMutableBytes { box -> Int32 in
                guard let target = box.baseAddress else { return 0 }
                var written: Int32 = 0
                if count > 0 {
                    guard unsafe EVP_EncryptUpdate(context.pointer, target, &written, source.baseAddress, count) == 1
                    else { return 0 }
                }
                let tag = unsafe target + length
                guard unsafe EVP_EncryptFinal_ex(context.pointer, tag, &written) == 1 else { return 0 }
                return unsafe EVP_CIPHER_CTX_ctrl(context.pointer, EVP_CTRL_AEAD_GET_TAG, Int32(tagLength), tag)
            }
        }
        try CryptoError.check(status)
        return box
    }

    /// The plaintext of a box that ``seal(_:key:nonce:authenticating:)`` made.
    ///
    /// - Throws: ``CryptoError/authenticationFailed`` unless box, key, nonce and data are those of the seal;
    ///   ``CryptoError/invalidKey`` or ``CryptoError/invalidLength`` if key or nonce have a length no seal takes.
    package static func open(
        _ box: [UInt8], key: borrowing SecretBytes, nonce: [UInt8], authenticating data: [UInt8]
    ) throws(CryptoError) -> SecretBytes {
        let context = try begin(.open, key: key, nonce: nonce, authenticating: data)
        guard box.count >= tagLength else { throw .authenticationFailed }
        let length = box.count - tagLength
        guard let count = Int32(exactly: length) else { throw .invalidLength }
        var tag = Array(box[length...])
        // What was written under a wrong tag is wiped, for the closure then throws.
        return try SecretBytes(count: length) { (span: inout MutableRawSpan) throws(CryptoError) in
            let status = unsafe span.withUnsafeMutableBytes { target -> Int32 in
                var written: Int32 = 0
                if count > 0 {
                    guard unsafe EVP_DecryptUpdate(context.pointer, target.baseAddress, &written, box, count) == 1
                    else { return 0 }
                }
                guard unsafe EVP_CIPHER_CTX_ctrl(context.pointer, EVP_CTRL_AEAD_SET_TAG, Int32(tagLength), &tag) == 1
                else { return 0 }
                var rest: UInt8 = 0
                return unsafe EVP_DecryptFinal_ex(context.pointer, &rest, &written)
            }
            try CryptoError.check(status, or: .authenticationFailed)
        }
    }

    private enum Direction: Int32 {
        case open = 0
        case seal = 1
    }

    private static func begin(
        _ direction: Direction, key: borrowing SecretBytes, nonce: [UInt8], authenticating data: [UInt8]
    ) throws(CryptoError) -> Owned {
        let cipher = unsafe try Provider.gcm(keyLength: key.count)
        guard nonce.count == nonceLength, let count = Int32(exactly: data.count) else { throw .invalidLength }
        let context = unsafe try Owned(EVP_CIPHER_CTX_new(), freedBy: EVP_CIPHER_CTX_free)
        let status = key.withBytes { key in
            unsafe key.withUnsafeBytes { key in
                unsafe EVP_CipherInit_ex2(context.pointer, cipher, key.baseAddress, nonce, direction.rawValue, nil)
            }
        }
        try CryptoError.check(status)
        if count > 0 {
            var written: Int32 = 0
            try CryptoError.check(unsafe EVP_CipherUpdate(context.pointer, nil, &written, data, count))
        }
        return context
    }
}
