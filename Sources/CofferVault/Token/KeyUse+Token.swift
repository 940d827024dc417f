import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform

extension KeyUse {
    /// Does it with a key in a token; what takes no more than the public half is done here.
    ///
    /// - Throws: ``APIError/badParameter(_:)`` if the input does not belong to the key or the token cannot do this, an ``APIError`` of
    ///   status 503 if the token does not answer.
    func run(in token: TokenKeys, with id: TokenKeyID, publicPart version: KeyVersionRecord) async throws -> Output {
        switch self {
        case .rsaEncrypt, .rsaVerify, .rsaVerifyUndigested:
            guard let key = try version.publicRSAKey() else { throw CryptoError.unsupported }
            return try run(with: key)
        case .ecVerify:
            guard let key = try version.publicECKey() else { throw CryptoError.unsupported }
            return try run(with: key)
        case .rsaDecrypt(let value, let scheme):
            guard let scheme = TokenEncryption(rawValue: scheme.rawValue) else { throw CryptoError.unsupported }
            return .bytes(try await Self.perform(.decrypt(scheme), on: value, token, id, opening: scheme.rawValue))
        case .rsaSign(let digest, let scheme): return try await Self.sign(digest, scheme.rawValue, token, id)
        case .rsaSignUndigested(let bytes): return try await Self.sign(bytes, TokenSignature.rsNull.rawValue, token, id)
        case .ecSign(let digest, let scheme): return try await Self.sign(digest, scheme.rawValue, token, id)
        case .cbcEncrypt(let value, let vector, let padding):
            let operation = TokenOperation.encryptBlocks(iv: vector, isPadded: padding == .pkcs7)
            let ciphertext = try await Self.perform(operation, on: value, token, id, opening: nil)
            return .ciphertext(ciphertext, vector: vector, tag: nil, data: nil)
        case .cbcDecrypt(let value, let vector, let padding):
            let operation = TokenOperation.decryptBlocks(iv: vector, isPadded: padding == .pkcs7)
            return .bytes(try await Self.perform(operation, on: value, token, id, opening: "AES-CBC"))
        case .gcmEncrypt(let value, let nonce, let data):
            let box = try await Self.perform(.seal(nonce: nonce, data: data), on: value, token, id, opening: nil)
            guard box.count >= AESGCM.tagLength else { throw CryptoError.invalidLength }
            return .ciphertext(
                Array(box.dropLast(AESGCM.tagLength)), vector: nonce, tag: Array(box.suffix(AESGCM.tagLength)), data: data)
        case .gcmDecrypt(let value, let tag, let nonce, let data):
            return .bytes(
                try await Self.perform(.open(nonce: nonce, data: data), on: value + tag, token, id, opening: "AES-GCM"))
        case .wrap(let value, .whole): return .bytes(try await Self.perform(.wrap, on: value, token, id, opening: nil))
        case .unwrap(let value, .whole):
            return .bytes(try await Self.perform(.unwrap, on: value, token, id, opening: "AES key wrap"))
        case .wrap(_, .padded), .unwrap(_, .padded), .hmac, .hmacVerify: throw APIError.notInToken
        }
    }

    private static func sign(_ digest: [UInt8], _ scheme: String, _ token: TokenKeys, _ id: TokenKeyID) async throws -> Output {
        guard let scheme = TokenSignature(rawValue: scheme) else { throw CryptoError.unsupported }
        return .bytes(try await perform(.sign(scheme), on: digest, token, id, opening: nil))
    }

    /// - Parameter opening: The algorithm by which `input` was made, if it may not belong to the key.
    private static func perform(
        _ operation: TokenOperation, on input: [UInt8], _ token: TokenKeys, _ id: TokenKeyID, opening algorithm: String?
    ) async throws -> [UInt8] {
        var input = input
        let output: SecretBytes
        do {
            output = try await token.perform(operation, on: SecretBytes(wiping: &input), with: id)
        } catch let refusal as TokenError where refusal == .inputRefused {
            throw algorithm.map(notDecrypted) ?? APIError.token(refusal)
        }
        // From here it is on its way into an answer, and not a secret of ours any more.
        return output.withBytes { bytes in unsafe bytes.withUnsafeBytes { unsafe Array($0) } }
    }
}

extension APIError {
    /// 400: the port to the token knows no such operation.
    static let notInToken = badParameter(
        "Keys in a hardware token do not sign with HMAC and do not wrap with padding. Use A128KW, A192KW or A256KW, or a key of type oct.")
}
