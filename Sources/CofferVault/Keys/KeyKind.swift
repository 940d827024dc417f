import CofferCrypto

/// What a key is: its family with size or curve, and whether hardware holds it.
struct KeyKind: Hashable, Sendable {
    enum Family: Hashable, Sendable {
        /// With a modulus of so many bits: 2048, 3072 or 4096.
        case rsa(bits: Int)
        case ec(EllipticCurve)
        /// AES with 128, 192 or 256 bits.
        case oct(bits: Int)
    }

    let family: Family
    let isHardware: Bool

    static let rsaSizes = [2048, 3072, 4096]
    static let octSizes = [128, 192, 256]

    /// `kty` of a JSON Web Key, as Key Vault spells it.
    var type: String { familyName + (isHardware ? "-HSM" : "") }

    private var familyName: String {
        switch family {
        case .rsa: "RSA"
        case .ec: "EC"
        case .oct: "oct"
        }
    }

    /// Of RSA the modulus's length, of EC the field's, of oct the key's.
    var bits: Int {
        switch family {
        case .rsa(let bits), .oct(let bits): bits
        case .ec(let curve): curve.bits
        }
    }

    var isRSA: Bool {
        if case .rsa = family { true } else { false }
    }

    /// What can be done with such a key at all.
    var possibleOperations: [KeyOperation] {
        switch family {
        case .rsa, .oct: KeyOperation.allCases
        case .ec: [.sign, .verify]
        }
    }

    /// `key_ops` of a key for which none are named.
    var standardOperations: [KeyOperation] {
        switch family {
        case .rsa: KeyOperation.allCases
        case .ec: [.sign, .verify]
        case .oct: [.encrypt, .decrypt, .wrapKey, .unwrapKey]
        }
    }
}

extension KeyVersionRecord {
    var kind: KeyKind {
        let family: KeyKind.Family =
            if let curve = publicPart.crv.flatMap({ EllipticCurve(rawValue: $0) }) {
                .ec(curve)
            } else if publicPart.n != nil {
                .rsa(bits: bits)
            } else {
                .oct(bits: bits)
            }
        return KeyKind(family: family, isHardware: type.hasSuffix("-HSM"))
    }
}
