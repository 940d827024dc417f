import CPKCS11
import CofferCore
import CofferCrypto
import CofferPlatform

/// What is done with keys in a token.
extension TokenSession {
    /// The longest RSA signature, of a key of 16384 bits.
    private static let signatureRoom = 2048

    /// Does one operation with a key.
    func perform(
        _ operation: TokenOperation, on input: borrowing SecretBytes, with key: CK_OBJECT_HANDLE, _ connection: TokenConnection
    ) throws -> SecretBytes {
        let count = input.count
        switch operation {
        case .decrypt(let scheme):
            return try decrypt(input, scheme, with: key, connection)
        case .sign(let scheme):
            return try sign(input, scheme, with: key)
        case .encryptBlocks(let iv, let isPadded):
            return try input.withBytes { try run(.encrypt, .cbc(iv, isPadded), key: key, $0, room: count + 16) }
        case .decryptBlocks(let iv, let isPadded):
            return try input.withBytes { input in try refusing { try run(.decrypt, .cbc(iv, isPadded), key: key, input, room: count + 16) } }
        case .seal(let nonce, let data):
            return try input.withBytes {
                try run(.encrypt, .gcm(nonce: nonce, data: data), key: key, $0, room: count + AESGCM.tagLength)
            }
        case .open(let nonce, let data):
            return try input.withBytes { input in
                try refusing { try run(.decrypt, .gcm(nonce: nonce, data: data), key: key, input, room: count + AESGCM.tagLength) }
            }
        case .wrap:
            let secret = try create(.transient(CK_KEY_TYPE(CKK_GENERIC_SECRET), isExtractable: true), value: input)
            defer { try? destroy(secret) }
            return try wrap(secret, with: key, .plain(CK_MECHANISM_TYPE(CKM_AES_KEY_WRAP)), room: count + 8)
        case .unwrap:
            let secret = try input.withBytes { input in
                try refusing {
                    try unwrap(
                        input, with: key, .plain(CK_MECHANISM_TYPE(CKM_AES_KEY_WRAP)),
                        as: .transient(CK_KEY_TYPE(CKK_GENERIC_SECRET), isExtractable: true))
                }
            }
            defer { try? destroy(secret) }
            return try read(CK_ATTRIBUTE_TYPE(CKA_VALUE), of: secret)
        }
    }

    private func decrypt(
        _ input: borrowing SecretBytes, _ scheme: TokenEncryption, with key: CK_OBJECT_HANDLE, _ connection: TokenConnection
    ) throws -> SecretBytes {
        switch scheme {
        case .pkcs1: return try decrypt(input, .plain(CK_MECHANISM_TYPE(CKM_RSA_PKCS)), with: key)
        case .oaep: return try decrypt(input, .oaep(.sha1), with: key)
        case .oaep256:
            if !connection.lacks(scheme.rawValue) {
                do {
                    return try decrypt(input, .oaep(.sha256), with: key)
                } catch let error as CryptokiError {
                    guard error.isNotSupported else { throw error }
                    connection.note(lacking: scheme.rawValue)
                }
            }
            // The token has OAEP with SHA-1 alone: it does the private operation, and its result is decoded here.
            let block = try decrypt(input, .plain(CK_MECHANISM_TYPE(CKM_RSA_X_509)), with: key)
            do {
                return try RSAEncoding.decode(block.padded(to: input.count), of: .oaep256)
            } catch {
                throw TokenError.inputRefused
            }
        }
    }

    private func decrypt(
        _ input: borrowing SecretBytes, _ mechanism: TokenMechanism, with key: CK_OBJECT_HANDLE
    ) throws -> SecretBytes {
        let count = input.count
        return try input.withBytes { input in try refusing { try run(.decrypt, mechanism, key: key, input, room: count) } }
    }

    private func sign(
        _ digest: borrowing SecretBytes, _ scheme: TokenSignature, with key: CK_OBJECT_HANDLE
    ) throws -> SecretBytes {
        switch scheme {
        case .rs256: return try sign(digest, encodedWith: .sha256, with: key)
        case .rs384: return try sign(digest, encodedWith: .sha384, with: key)
        case .rs512: return try sign(digest, encodedWith: .sha512, with: key)
        case .ps256: return try sign(digest, .pss(.sha256), with: key)
        case .ps384: return try sign(digest, .pss(.sha384), with: key)
        case .ps512: return try sign(digest, .pss(.sha512), with: key)
        case .rsNull: return try sign(digest, .plain(CK_MECHANISM_TYPE(CKM_RSA_PKCS)), with: key)
        case .es256, .es256K, .es384, .es512: return try sign(digest, .plain(CK_MECHANISM_TYPE(CKM_ECDSA)), with: key)
        }
    }

    private func sign(
        _ digest: borrowing SecretBytes, encodedWith algorithm: DigestAlgorithm, with key: CK_OBJECT_HANDLE
    ) throws -> SecretBytes {
        guard digest.count == algorithm.length else { throw TokenError.inputRefused }
        let bytes = digest.withBytes { bytes in unsafe bytes.withUnsafeBytes { unsafe Array($0) } }
        let encoded = RSAEncoding.digestInfo(bytes, algorithm)
        return unsafe try run(
            .sign, .plain(CK_MECHANISM_TYPE(CKM_RSA_PKCS)), key: key, encoded.span.bytes, room: Self.signatureRoom)
    }

    private func sign(
        _ input: borrowing SecretBytes, _ mechanism: TokenMechanism, with key: CK_OBJECT_HANDLE
    ) throws -> SecretBytes {
        try input.withBytes { try run(.sign, mechanism, key: key, $0, room: Self.signatureRoom) }
    }

    /// Runs `body`, in which a failure without a reason means that the input is not what a ciphertext of the key looks like:
    /// SoftHSM tells of a wrong padding or tag so.
    private func refusing<R: ~Copyable>(_ body: () throws -> R) throws -> R {
        do {
            return try body()
        } catch let error as CryptokiError {
            guard [CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED].contains(error.code) || error.isRefusedInput else { throw error }
            throw TokenError.inputRefused
        }
    }
}

extension TokenMechanism {
    fileprivate static func cbc(_ iv: [UInt8], _ isPadded: Bool) -> TokenMechanism {
        .blocks(CK_MECHANISM_TYPE(isPadded ? CKM_AES_CBC_PAD : CKM_AES_CBC), iv: iv)
    }
}

extension SecretBytes {
    /// The same number with zeros before it, as long as `count`: some tokens leave them out.
    fileprivate borrowing func padded(to count: Int) -> SecretBytes {
        let zeros = max(0, count - self.count)
        return withBytes { bytes in
            SecretBytes(count: zeros + bytes.byteCount) { (span: inout MutableRawSpan) in
                unsafe bytes.withUnsafeBytes { source in
                    unsafe span.withUnsafeMutableBytes { target in
                        unsafe UnsafeMutableRawBufferPointer(rebasing: target[zeros...]).copyMemory(from: source)
                    }
                }
            }
        }
    }
}
