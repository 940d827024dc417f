/// The elliptic curves of Coffer's keys. The raw values are the names of JSON Web Keys as Key Vault writes them
/// (RFC 7518 section 6.2.1.1; RFC 8812 calls the last one secp256k1).
package enum EllipticCurve: String, Sendable, CaseIterable {
    case p256 = "P-256"
    case p384 = "P-384"
    case p521 = "P-521"
    /// The Koblitz curve secp256k1 (SEC 2 section 2.4.1).
    case p256K = "P-256K"

    /// Length of the field's prime in bits, which is the size of a key.
    package var bits: Int {
        switch self {
        case .p256, .p256K: 256
        case .p384: 384
        case .p521: 521
        }
    }

    /// Length of a coordinate, of a private scalar and of either half of a signature in bytes.
    package var coordinateLength: Int {
        (bits + 7) / 8
    }

    /// OpenSSL's name.
    var group: String {
        switch self {
        case .p256: "prime256v1"
        case .p384: "secp384r1"
        case .p521: "secp521r1"
        case .p256K: "secp256k1"
        }
    }

    init?(group: String) {
        guard let curve = Self.allCases.first(where: { $0.group == group }) else { return nil }
        self = curve
    }
}

/// ECDSA (FIPS 186-5) as JSON Web Algorithms tie it to a curve and a digest. The raw values are their names (RFC 7518
/// section 3.4, RFC 8812 section 3.2).
package enum ECSignature: String, Sendable, CaseIterable {
    case es256 = "ES256"
    case es256K = "ES256K"
    case es384 = "ES384"
    case es512 = "ES512"

    /// The digest that is signed.
    package var digest: DigestAlgorithm {
        switch self {
        case .es256, .es256K: .sha256
        case .es384: .sha384
        case .es512: .sha512
        }
    }

    /// The one curve of its keys.
    package var curve: EllipticCurve {
        switch self {
        case .es256: .p256
        case .es256K: .p256K
        case .es384: .p384
        case .es512: .p521
        }
    }
}
