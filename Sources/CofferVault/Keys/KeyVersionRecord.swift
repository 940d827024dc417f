import CofferCore
import CofferModel
import CofferPlatform

/// One version of a key: its material, sealed, and everything that can be set for it.
struct KeyVersionRecord: SealedVersionRecord, Equatable {
    static let kind = ObjectKind.keys

    let name: String
    let version: String
    /// Whether it is the key of a certificate.
    let isManaged: Bool
    /// `kty`, such as `RSA` or `EC-HSM`.
    let type: String
    /// Of RSA the modulus's length, of EC the field's, of oct the key's.
    let bits: Int
    let publicPart: PublicKeyPart
    /// ``SoftwareKey/secret()``, sealed in the realm of the vault under ``sealName``, as base 64 for URLs.
    var sealedKey: String
    /// Of a key in the token its `CKA_ID`, 32 hexadecimal digits; then nothing is sealed.
    var tokenKey: String?
    let created: Timestamp
    var updated: Timestamp
    var operations: [KeyOperation]
    var isEnabled: Bool
    var notBefore: Timestamp?
    var expires: Timestamp?
    var tags: [String: String]

    var sealedContent: String {
        get { sealedKey }
        set { sealedKey = newValue }
    }

    var isElsewhere: Bool { tokenKey != nil }

    /// The key in the token, if it is there.
    var tokenKeyID: TokenKeyID? { tokenKey.flatMap { TokenKeyID(hex: $0) } }

    /// The URL that names this version.
    func url(host: String) -> KeyURL { KeyURL(host: host, name: name, version: version) }

    /// The key as the audit trail describes it.
    var audited: AuditKey? { AuditKey(type: type, size: publicPart.crv == nil ? bits : nil, curve: publicPart.crv) }
}

/// What all may know of a key, named as in a JSON Web Key (RFC 7518 section 6); numbers are big-endian, as base 64 for URLs.
struct PublicKeyPart: Codable, Equatable, Sendable {
    /// Of RSA: modulus and exponent.
    var n: String?
    var e: String?
    /// Of EC: the curve and the point's coordinates.
    var crv: String?
    var x: String?
    var y: String?
}
