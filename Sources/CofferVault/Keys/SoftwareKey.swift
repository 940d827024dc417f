import CofferCore
import CofferCrypto

/// The material of a key that no hardware holds, ready for use.
enum SoftwareKey: Sendable {
    case pair(PrivateKey)
    case symmetric(SymmetricKey)

    /// - Parameter secret: What ``secret()`` gave for a key of this kind.
    /// - Throws: ``CryptoError/invalidKey`` if it is none.
    init(_ secret: consuming SecretBytes, of kind: KeyKind) throws(CryptoError) {
        guard case .oct(let bits) = kind.family else {
            self = .pair(try PrivateKey(pkcs8: secret))
            return
        }
        guard secret.count == bits / 8 else { throw .invalidKey }
        self = .symmetric(SymmetricKey(secret))
    }

    /// The form in which it is sealed: of a pair PKCS#8 (RFC 5958), of a symmetric key its bytes.
    func secret() throws(CryptoError) -> SecretBytes {
        switch self {
        case .pair(let key): try key.pkcs8()
        case .symmetric(let key): key.bytes.clone()
        }
    }

    /// What all may know of it.
    var publicPart: PublicKeyPart {
        switch self {
        case .pair(.rsa(let key)): PublicKeyPart(n: Base64URL.encode(key.modulus), e: Base64URL.encode(key.exponent))
        case .pair(.ec(let key)):
            PublicKeyPart(crv: key.curve.rawValue, x: Base64URL.encode(key.x), y: Base64URL.encode(key.y))
        case .symmetric: PublicKeyPart()
        }
    }
}

/// A symmetric key that several uses share.
final class SymmetricKey: Sendable {
    let bytes: SecretBytes

    init(_ bytes: consuming SecretBytes) {
        self.bytes = bytes
    }
}
