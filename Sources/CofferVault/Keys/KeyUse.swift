import CofferCore
import CofferCrypto
import CofferModel

/// One use of a key with its input, checked against the key's kind.
enum KeyUse: Sendable {
    case rsaEncrypt([UInt8], RSAEncryption)
    case rsaDecrypt([UInt8], RSAEncryption)
    case rsaSign([UInt8], RSASignature)
    case rsaVerify(signature: [UInt8], digest: [UInt8], RSASignature)
    /// `RSNULL`: PKCS #1 v1.5 over the bytes as they are.
    case rsaSignUndigested([UInt8])
    case rsaVerifyUndigested(signature: [UInt8], bytes: [UInt8])
    case ecSign([UInt8], ECSignature)
    case ecVerify(signature: [UInt8], digest: [UInt8], ECSignature)
    case cbcEncrypt([UInt8], vector: [UInt8], AESCBC.Padding)
    case cbcDecrypt([UInt8], vector: [UInt8], AESCBC.Padding)
    case gcmEncrypt([UInt8], nonce: [UInt8], data: [UInt8])
    case gcmDecrypt([UInt8], tag: [UInt8], nonce: [UInt8], data: [UInt8])
    case wrap([UInt8], AESKeyWrap.Form)
    case unwrap([UInt8], AESKeyWrap.Form)
    case hmac([UInt8], DigestAlgorithm)
    case hmacVerify(code: [UInt8], digest: [UInt8], DigestAlgorithm)

    /// What came out.
    enum Output: Equatable, Sendable {
        case bytes([UInt8])
        /// AES-CBC's ciphertext with its vector; GCM's with nonce, tag and the data that were authenticated.
        case ciphertext([UInt8], vector: [UInt8], tag: [UInt8]?, data: [UInt8]?)
        case holds(Bool)
    }

    /// Does it with a software key. What occupies a processor for longer than a change of thread costs is done on `workers`; signatures
    /// that are asked for together are made together.
    ///
    /// - Throws: ``APIError/badParameter(_:)`` if the input does not belong to the key.
    func run(with key: SoftwareKey, on workers: RSAWorkers, _ signers: ECDSASigners) async throws -> Output {
        switch key {
        case .pair(.rsa(let key)): return try await run(with: key, on: workers)
        case .pair(.ec(let key)):
            guard !isLong else { return try await workers.run { try run(with: key) } }
            guard case .ecSign(let digest, let scheme) = self else { return try run(with: key) }
            return .bytes(try await signers.sign(digest: digest, using: scheme, with: key))
        case .symmetric(let key): return try await isLong ? workers.run { try run(with: key.bytes) } : run(with: key.bytes)
        }
    }

    private var isLong: Bool {
        switch self {
        // OpenSSL has fast code for P-256 alone; on P-384 a signature takes as long as one of RSA.
        case .ecSign(_, let scheme), .ecVerify(_, _, let scheme): scheme.curve != .p256
        case .cbcEncrypt(let value, _, _), .cbcDecrypt(let value, _, _), .gcmEncrypt(let value, _, _), .gcmDecrypt(let value, _, _, _):
            value.count > 65_536
        default: false
        }
    }

    private func run(with key: RSAKey, on workers: RSAWorkers) async throws -> Output {
        switch self {
        case .rsaDecrypt(let value, let scheme):
            do {
                return .bytes(try await workers.decrypt(value, using: scheme, with: key) { Self.revealed($0) })
            } catch let error as CryptoError where error == .authenticationFailed {
                throw Self.notDecrypted(scheme.rawValue)
            }
        case .rsaSign(let digest, let scheme): return .bytes(try await workers.sign(digest: digest, using: scheme, with: key))
        case .rsaSignUndigested(let bytes): return .bytes(try await workers.sign(undigested: bytes, with: key))
        default: return try run(with: key)
        }
    }

    /// Public operations alone.
    func run(with key: RSAKey) throws -> Output {
        switch self {
        case .rsaEncrypt(let value, let scheme): return .bytes(try unsafe key.encrypt(value.span.bytes, using: scheme))
        case .rsaVerify(let signature, let digest, let scheme):
            return .holds(try key.verify(signature, digest: digest, using: scheme))
        case .rsaVerifyUndigested(let signature, let bytes): return .holds(try key.verify(signature, undigested: bytes))
        default: throw CryptoError.unsupported
        }
    }

    /// Public operations take a public key too.
    func run(with key: ECKey) throws -> Output {
        switch self {
        case .ecSign(let digest, let scheme): return .bytes(try key.sign(digest: digest, using: scheme))
        case .ecVerify(let signature, let digest, let scheme):
            return .holds(try key.verify(signature, digest: digest, using: scheme))
        default: throw CryptoError.unsupported
        }
    }

    private func run(with key: borrowing SecretBytes) throws -> Output {
        switch self {
        case .cbcEncrypt(let value, let vector, let padding):
            let ciphertext = try unsafe AESCBC.encrypt(value.span.bytes, key: key, vector: vector, padding: padding)
            return .ciphertext(ciphertext, vector: vector, tag: nil, data: nil)
        case .cbcDecrypt(let value, let vector, let padding):
            return .bytes(
                try Self.reveal("AES-CBC") { () throws(CryptoError) in
                    try AESCBC.decrypt(value, key: key, vector: vector, padding: padding)
                })
        case .gcmEncrypt(let value, let nonce, let data):
            let box = try unsafe AESGCM.seal(value.span.bytes, key: key, nonce: nonce, authenticating: data)
            return .ciphertext(
                Array(box.dropLast(AESGCM.tagLength)), vector: nonce, tag: Array(box.suffix(AESGCM.tagLength)), data: data)
        case .gcmDecrypt(let value, let tag, let nonce, let data):
            return .bytes(
                try Self.reveal("AES-GCM") { () throws(CryptoError) in
                    try AESGCM.open(value + tag, key: key, nonce: nonce, authenticating: data)
                })
        case .wrap(let value, let form):
            var value = value
            return .bytes(try AESKeyWrap.wrap(SecretBytes(wiping: &value), with: key, form: form))
        case .unwrap(let value, let form):
            return .bytes(
                try Self.reveal("AES key wrap") { () throws(CryptoError) in try AESKeyWrap.unwrap(value, with: key, form: form) })
        case .hmac(let digest, let algorithm): return .bytes(HMAC.authenticate(digest, key: key, using: algorithm))
        case .hmacVerify(let code, let digest, let algorithm):
            let expected = HMAC.authenticate(digest, key: key, using: algorithm)
            return .holds(unsafe ConstantTime.equal(expected.span.bytes, code.span.bytes))
        default: throw CryptoError.unsupported
        }
    }

    /// From here a plaintext is on its way into an answer, and not a secret of ours any more.
    private static func reveal(_ algorithm: String, _ body: () throws(CryptoError) -> SecretBytes) throws -> [UInt8] {
        let plaintext: SecretBytes
        do {
            plaintext = try body()
        } catch {
            guard error == .authenticationFailed else { throw error }
            throw notDecrypted(algorithm)
        }
        return revealed(plaintext)
    }

    private static func revealed(_ plaintext: borrowing SecretBytes) -> [UInt8] {
        plaintext.withBytes { bytes in unsafe bytes.withUnsafeBytes { unsafe Array($0) } }
    }

    static func notDecrypted(_ algorithm: String) -> APIError {
        APIError.badParameter("The value cannot be decrypted with this version of the key and \(algorithm).")
    }
}
