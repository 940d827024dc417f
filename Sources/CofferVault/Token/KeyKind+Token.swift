import CofferCore
import CofferCrypto
import CofferPlatform

extension KeyKind {
    /// The same as tokens have it.
    var inToken: TokenKeyKind {
        switch family {
        case .rsa(let bits): .rsa(bits: bits)
        case .ec(.p256): .ec(.p256)
        case .ec(.p384): .ec(.p384)
        case .ec(.p521): .ec(.p521)
        case .ec(.p256K): .ec(.p256K)
        case .oct(let bits): .aes(bits: bits)
        }
    }
}

extension PublicKeyPart {
    /// What all may know of a key that a token made.
    init(_ key: TokenPublicKey, _ kind: KeyKind) {
        switch key {
        case .rsa(let modulus, let exponent): self.init(n: Base64URL.encode(modulus), e: Base64URL.encode(exponent))
        case .ec(let x, let y):
            guard case .ec(let curve) = kind.family else {
                self.init()
                return
            }
            self.init(crv: curve.rawValue, x: Base64URL.encode(x), y: Base64URL.encode(y))
        case .none: self.init()
        }
    }
}

extension SoftwareKey {
    /// The form in which a token takes it in (``KeyToken/importKey(_:_:as:)``).
    func tokenMaterial() throws(CryptoError) -> SecretBytes {
        switch self {
        case .pair(.rsa(let key)): try key.pkcs8()
        case .pair(.ec(let key)): try key.scalar()
        case .symmetric(let key): key.bytes.clone()
        }
    }
}

extension TokenKeyID {
    /// A new id that nobody can foresee.
    static func random() throws -> TokenKeyID {
        guard let id = TokenKeyID(SecureRandom.bytes(count)) else { throw CryptoError.invalidLength }
        return id
    }
}

extension TokenKeyName {
    /// What a version's key is called in the token, for people who look into it with its own tools.
    init(_ id: TokenKeyID, _ name: ObjectName, _ version: ObjectVersionID, in vault: VaultRecord) {
        self.init(id: id, label: "\(vault.name)/\(name.text)/\(version.text)")
    }
}
