import CofferCore
import CofferCrypto
import CofferModel

extension KeyUse {
    /// Reads a request's body.
    ///
    /// - Throws: ``APIError/badParameter(_:)`` that names what does not fit the key.
    init(_ body: UseKeyBody, for operation: KeyOperation, with kind: KeyKind, _ version: VaultAPIVersion) throws {
        let value = try Self.bytes(body.value, "value")
        switch (kind.family, operation) {
        case (.rsa(let bits), .encrypt), (.rsa(let bits), .wrapKey):
            let scheme = try Self.encryption(body.alg)
            let limit = bits / 8 - scheme.overhead
            guard !value.isEmpty, value.count <= limit else {
                throw APIError.badParameter(
                    "The value has \(value.count) bytes. With \(scheme.rawValue) an RSA key of \(bits) bits takes 1 to \(limit) bytes.")
            }
            self = .rsaEncrypt(value, scheme)
        case (.rsa(let bits), .decrypt), (.rsa(let bits), .unwrapKey):
            let scheme = try Self.encryption(body.alg)
            guard value.count == bits / 8 else {
                throw APIError.badParameter(
                    "The value has \(value.count) bytes. What an RSA key of \(bits) bits encrypted has \(bits / 8) bytes.")
            }
            self = .rsaDecrypt(value, scheme)
        case (.rsa(let bits), .sign): self = try Self.rsaSignature(body, value, bits: bits, signature: nil)
        case (.rsa(let bits), .verify):
            self = try Self.rsaSignature(body, try Self.digest(of: body), bits: bits, signature: value)
        case (.ec(let curve), .sign):
            let scheme = try Self.signature(body.alg, curve)
            self = .ecSign(try Self.digest(value, scheme.rawValue, scheme.digest), scheme)
        case (.ec(let curve), .verify):
            let scheme = try Self.signature(body.alg, curve)
            self = .ecVerify(signature: value, digest: try Self.digest(try Self.digest(of: body), scheme.rawValue, scheme.digest), scheme)
        case (.ec, _): throw APIError.badParameter("An EC key signs and verifies, and does nothing else.")
        case (.oct(let bits), .encrypt), (.oct(let bits), .decrypt):
            self = try Self.cipher(body, value, bits: bits, encrypts: operation == .encrypt)
        case (.oct(let bits), .wrapKey), (.oct(let bits), .unwrapKey):
            let form = try Self.wrapping(body.alg, bits: bits, version)
            self = operation == .wrapKey ? .wrap(try Self.wrappable(value, form), form) : .unwrap(value, form)
        case (.oct, .sign):
            let digest = try Self.mac(body.alg, version)
            self = .hmac(try Self.digest(value, body.alg, digest), digest)
        case (.oct, .verify):
            let digest = try Self.mac(body.alg, version)
            self = .hmacVerify(code: value, digest: try Self.digest(try Self.digest(of: body), body.alg, digest), digest)
        }
    }

    private static func rsaSignature(_ body: UseKeyBody, _ digest: [UInt8], bits: Int, signature: [UInt8]?) throws -> KeyUse {
        if body.alg == "RSNULL" {
            guard (1...bits / 8 - 11).contains(digest.count) else {
                throw APIError.badParameter(
                    "What is signed has \(digest.count) bytes. With RSNULL an RSA key of \(bits) bits signs 1 to \(bits / 8 - 11) bytes.")
            }
            return signature.map { .rsaVerifyUndigested(signature: $0, bytes: digest) } ?? .rsaSignUndigested(digest)
        }
        guard let scheme = RSASignature(rawValue: body.alg) else {
            throw APIError.algorithmNotSupported(body.alg, RSASignature.allCases.map(\.rawValue) + ["RSNULL"], "an RSA key")
        }
        let digest = try Self.digest(digest, scheme.rawValue, scheme.digest)
        return signature.map { .rsaVerify(signature: $0, digest: digest, scheme) } ?? .rsaSign(digest, scheme)
    }

    private static func encryption(_ name: String) throws -> RSAEncryption {
        guard let scheme = RSAEncryption(rawValue: name) else {
            throw APIError.algorithmNotSupported(name, RSAEncryption.allCases.map(\.rawValue), "an RSA key")
        }
        return scheme
    }

    private static func signature(_ name: String, _ curve: EllipticCurve) throws -> ECSignature {
        guard let scheme = ECSignature(rawValue: name), scheme.curve == curve else {
            let supported = ECSignature.allCases.filter { $0.curve == curve }.map(\.rawValue)
            throw APIError.algorithmNotSupported(name, supported, "an EC key on \(curve.rawValue)")
        }
        return scheme
    }

    /// AES-GCM makes its own nonces: who may choose one may use one twice, and two boxes under one nonce give the key's integrity away.
    private static func cipher(_ body: UseKeyBody, _ value: [UInt8], bits: Int, encrypts: Bool) throws -> KeyUse {
        let vector = try body.iv.map { try bytes($0, "iv") }
        switch body.alg {
        case "A\(bits)CBC", "A\(bits)CBCPAD":
            let padding: AESCBC.Padding = body.alg.hasSuffix("PAD") ? .pkcs7 : .none
            guard vector?.count ?? AESCBC.blockLength == AESCBC.blockLength else { throw APIError.badParameter("The iv of AES-CBC has 16 bytes.") }
            guard padding == .pkcs7 || !value.isEmpty && value.count % AESCBC.blockLength == 0 else {
                throw APIError.badParameter("\(body.alg) takes whole blocks of 16 bytes, not \(value.count) bytes.")
            }
            if encrypts { return .cbcEncrypt(value, vector: vector ?? SecureRandom.bytes(AESCBC.blockLength), padding) }
            guard let vector else { throw APIError.badParameter("The iv is missing.") }
            guard !value.isEmpty, value.count % AESCBC.blockLength == 0 else { throw notDecrypted(body.alg) }
            return .cbcDecrypt(value, vector: vector, padding)
        case "A\(bits)GCM":
            let data = try body.aad.map { try bytes($0, "aad") } ?? []
            if encrypts {
                guard vector == nil else {
                    throw APIError.badParameter("The iv of AES-GCM is made by the vault and answered with the ciphertext; leave it out.")
                }
                return .gcmEncrypt(value, nonce: SecureRandom.bytes(AESGCM.nonceLength), data: data)
            }
            guard let vector, vector.count == AESGCM.nonceLength, let tag = try body.tag.map({ try bytes($0, "tag") }),
                tag.count == AESGCM.tagLength
            else { throw APIError.badParameter("AES-GCM decrypts with an iv of 12 bytes and a tag of 16 bytes.") }
            return .gcmDecrypt(value, tag: tag, nonce: vector, data: data)
        default:
            throw APIError.algorithmNotSupported(
                body.alg, ["A\(bits)GCM", "A\(bits)CBC", "A\(bits)CBCPAD"], "an oct key of \(bits) bits")
        }
    }

    private static func wrapping(_ name: String, bits: Int, _ version: VaultAPIVersion) throws -> AESKeyWrap.Form {
        switch name {
        case "A\(bits)KW": return .whole
        case "CKM_AES_KEY_WRAP" where version.hasSymmetricSignatures: return .whole
        case "CKM_AES_KEY_WRAP_PAD" where version.hasSymmetricSignatures: return .padded
        default:
            let more = version.hasSymmetricSignatures ? ["CKM_AES_KEY_WRAP", "CKM_AES_KEY_WRAP_PAD"] : []
            throw APIError.algorithmNotSupported(name, ["A\(bits)KW"] + more, "an oct key of \(bits) bits")
        }
    }

    private static func wrappable(_ value: [UInt8], _ form: AESKeyWrap.Form) throws -> [UInt8] {
        let fits = form == .padded ? !value.isEmpty : value.count >= 16 && value.count % 8 == 0
        guard fits else {
            throw APIError.badParameter("The value has \(value.count) bytes. AES key wrap takes 16 bytes or more in steps of 8, padded any number.")
        }
        return value
    }

    private static func mac(_ name: String, _ version: VaultAPIVersion) throws -> DigestAlgorithm {
        guard version.hasSymmetricSignatures else {
            throw APIError.badParameter("An oct key signs since api-version 7.6. Use that or a later one.")
        }
        switch name {
        case "HS256": return .sha256
        case "HS384": return .sha384
        case "HS512": return .sha512
        default: throw APIError.algorithmNotSupported(name, ["HS256", "HS384", "HS512"], "an oct key")
        }
    }

    private static func digest(of body: UseKeyBody) throws -> [UInt8] {
        guard let text = body.digest else { throw APIError.badParameter("The digest is missing.") }
        return try bytes(text, "digest")
    }

    private static func digest(_ bytes: [UInt8], _ scheme: String, _ digest: DigestAlgorithm) throws -> [UInt8] {
        guard bytes.count == digest.length else {
            throw APIError.badParameter("The digest has \(bytes.count) bytes. \(scheme) takes a digest of \(digest.length) bytes.")
        }
        return bytes
    }

    private static func bytes(_ text: String, _ name: String) throws -> [UInt8] {
        guard let bytes = Base64URL.decode(text) else {
            throw APIError.badParameter("The \(name) is not base 64 with the alphabet for URLs.")
        }
        return bytes
    }
}

extension RSAEncryption {
    /// Bytes by which a plaintext must be shorter than the modulus (RFC 8017 sections 7.1.1 and 7.2.1).
    fileprivate var overhead: Int {
        switch self {
        case .oaep: 42
        case .oaep256: 66
        case .pkcs1: 11
        }
    }
}
