/// RSA encryption schemes. The raw values are the names of JSON Web Algorithms (RFC 7518 section 4.1).
package enum RSAEncryption: String, Sendable, CaseIterable {
    /// RSAES-OAEP (RFC 8017 section 7.1) with SHA-1 and MGF1 of SHA-1.
    case oaep = "RSA-OAEP"
    /// RSAES-OAEP with SHA-256 and MGF1 of SHA-256.
    case oaep256 = "RSA-OAEP-256"
    /// RSAES-PKCS1-v1_5 (RFC 8017 section 7.2). Whoever can ask often whether a ciphertext decrypts can decrypt others
    /// (Bleichenbacher 1998); offer it only to authenticated callers.
    case pkcs1 = "RSA1_5"

    /// The digest of OAEP and of its mask, nil where there is none.
    var digest: DigestAlgorithm? {
        switch self {
        case .oaep: .sha1
        case .oaep256: .sha256
        case .pkcs1: nil
        }
    }
}

/// RSA signature schemes. The raw values are the names of JSON Web Algorithms (RFC 7518 section 3.1).
package enum RSASignature: String, Sendable, CaseIterable {
    /// RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2).
    case rs256 = "RS256"
    case rs384 = "RS384"
    case rs512 = "RS512"
    /// RSASSA-PSS (RFC 8017 section 8.1) with MGF1 of the same digest and a salt as long as it.
    case ps256 = "PS256"
    case ps384 = "PS384"
    case ps512 = "PS512"

    /// The digest that is signed.
    package var digest: DigestAlgorithm {
        switch self {
        case .rs256, .ps256: .sha256
        case .rs384, .ps384: .sha384
        case .rs512, .ps512: .sha512
        }
    }

    /// Whether the scheme is probabilistic (PSS).
    var isPSS: Bool {
        switch self {
        case .rs256, .rs384, .rs512: false
        case .ps256, .ps384, .ps512: true
        }
    }
}
