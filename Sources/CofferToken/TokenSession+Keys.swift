import CPKCS11
import CofferCore
import CofferCrypto
import CofferPlatform

/// How keys come into a token.
extension TokenSession {
    /// - Throws: ``TokenError/keyExists(_:)`` if there is a key of this id.
    func checkNoKey(_ id: TokenKeyID) throws {
        guard try find(.query(id)).isEmpty else { throw TokenError.keyExists(id) }
    }

    /// Destroys all objects of a key.
    func destroyKey(_ id: TokenKeyID) throws {
        for object in try find(.query(id)) { try destroy(object) }
    }

    /// Makes a key by `body`, up to three times where the token fails without a reason.
    func repeating<R>(_ id: TokenKeyID, _ body: () throws -> R) throws -> R {
        for _ in 1...2 {
            do {
                return try body()
            } catch let error as CryptokiError {
                guard error.mayPass else { throw error }
                try destroyKey(id)
            }
        }
        return try body()
    }

    /// Makes a key that stays in the token.
    func generate(_ kind: TokenKeyKind, as name: TokenKeyName) throws -> TokenPublicKey {
        switch kind {
        case .rsa:
            let pair = try generatePair(
                .plain(CK_MECHANISM_TYPE(CKM_RSA_PKCS_KEY_PAIR_GEN)), publicHalf: .publicHalf(kind), privateHalf: .lasting(kind, as: name))
            let modulus = try readPublic(CK_ATTRIBUTE_TYPE(CKA_MODULUS), of: pair.publicKey)
            let exponent = try readPublic(CK_ATTRIBUTE_TYPE(CKA_PUBLIC_EXPONENT), of: pair.publicKey)
            try destroy(pair.publicKey)
            return .rsa(modulus: Array(modulus.drop { $0 == 0 }), exponent: Array(exponent.drop { $0 == 0 }))
        case .ec(let curve):
            let pair = try generatePair(
                .plain(CK_MECHANISM_TYPE(CKM_EC_KEY_PAIR_GEN)), publicHalf: .publicHalf(kind), privateHalf: .lasting(kind, as: name))
            let point = try readPublic(CK_ATTRIBUTE_TYPE(CKA_EC_POINT), of: pair.publicKey)
            try destroy(pair.publicKey)
            guard let publicKey = curve.publicKey(of: point) else {
                throw TokenError.failed("tell the public half of a key", name: "CKA_EC_POINT")
            }
            return publicKey
        case .aes(let bits):
            var template = ObjectTemplate.lasting(kind, as: name)
            template.add(CK_ATTRIBUTE_TYPE(CKA_VALUE_LEN), CK_ULONG(bits / 8))
            try generateKey(.plain(CK_MECHANISM_TYPE(CKM_AES_KEY_GEN)), template)
            return .none
        }
    }

    /// Moves a key into the token: wrapped by a key that exists for this alone and unwrapped there, which tokens with FIPS rules
    /// take too. A curve's key goes there as a number, for SoftHSM 2.6 does not unwrap those.
    func importKey(_ material: borrowing SecretBytes, _ kind: TokenKeyKind, as name: TokenKeyName) throws {
        var template = ObjectTemplate.lasting(kind, as: name)
        if case .ec(let curve) = kind {
            guard material.count == curve.coordinateLength else { throw TokenError.inputRefused }
            template.add(CK_ATTRIBUTE_TYPE(CKA_EC_PARAMS), curve.parameters)
            _ = try create(template, value: material)
            return
        }
        let wrapping = SecureRandom.secret(32)
        let wrapped = try AESKeyWrap.wrap(material, with: wrapping, form: .padded)
        let key = try create(
            .transient(CK_KEY_TYPE(CKK_AES), isExtractable: false, uses: [CK_ATTRIBUTE_TYPE(CKA_UNWRAP)]), value: wrapping)
        defer { try? destroy(key) }
        _ = unsafe try unwrap(wrapped.span.bytes, with: key, .plain(CK_MECHANISM_TYPE(CKM_AES_KEY_WRAP_PAD)), as: template)
    }

    /// Proves that the token made of a key what it was asked to. One that could be read is destroyed at once.
    ///
    /// - Throws: ``TokenError/notSupported(_:name:)``.
    func checkLasting(_ id: TokenKeyID, _ kind: TokenKeyKind) throws {
        for object in try find(.query(id)) {
            let isSensitive = try readPublic(CK_ATTRIBUTE_TYPE(CKA_SENSITIVE), of: object) == [UInt8(CK_TRUE)]
            let isExtractable = try readPublic(CK_ATTRIBUTE_TYPE(CKA_EXTRACTABLE), of: object) != [UInt8(CK_FALSE)]
            guard isSensitive, !isExtractable else {
                try destroy(object)
                throw TokenError.notSupported("hold a key that cannot be read", name: "CKA_EXTRACTABLE")
            }
        }
    }
}

extension TokenCurve {
    /// The coordinates of a point as tokens tell it: uncompressed (SEC 1 section 2.3.3), bare or in a DER `OCTET STRING`.
    fileprivate func publicKey(of value: [UInt8]) -> TokenPublicKey? {
        let length = 1 + 2 * coordinateLength
        guard (length...length + 3).contains(value.count) else { return nil }
        let point = Array(value.suffix(length))
        guard point[0] == 4 else { return nil }
        return .ec(x: Array(point[1...coordinateLength]), y: Array(point[(1 + coordinateLength)...]))
    }
}
