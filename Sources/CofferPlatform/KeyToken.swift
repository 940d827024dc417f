package import CofferCore

/// Keys that live in a token (an HSM, a smart card, SoftHSM) and never leave it: they are made there or moved into it, and every
/// private operation happens there. Answered by CofferToken over PKCS #11.
///
/// All functions throw ``TokenError``.
package protocol KeyToken: Sendable {
    /// Makes a key that can neither be read nor exported.
    ///
    /// - Returns: what all may know of it.
    func generate(_ kind: TokenKeyKind, as name: TokenKeyName) async throws -> TokenPublicKey
    /// Moves a key into the token, where from now on it can neither be read nor exported. Wiping the original stays the
    /// caller's duty.
    ///
    /// - Parameter material: Of RSA the DER of a `PrivateKeyInfo` (RFC 5958 section 2); of EC the private number, big-endian and
    ///   as long as a coordinate; of AES the bare key.
    func importKey(_ material: borrowing SecretBytes, _ kind: TokenKeyKind, as name: TokenKeyName) async throws
    /// Does one operation of a private or secret key with `input`. What comes out is a secret of the caller's also where it is
    /// a signature or a ciphertext.
    func perform(_ operation: TokenOperation, on input: borrowing SecretBytes, with key: TokenKeyID) async throws -> SecretBytes
    /// Destroys a key for good. One that is not there is no error.
    func destroy(_ key: TokenKeyID) async throws
    /// `count` bytes of the token's own random generator.
    func random(_ count: Int) async throws -> SecretBytes
}

/// Which key in the token: PKCS #11's `CKA_ID`, 16 bytes that Coffer chooses.
package struct TokenKeyID: Hashable, Sendable {
    package static let count = 16

    package let bytes: [UInt8]

    /// - Returns: nil unless these are 16 bytes.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.count else { return nil }
        self.bytes = bytes
    }

    /// - Parameter hex: 32 hexadecimal digits, such as the id of a key's version.
    package init?(hex: String) {
        guard let bytes = Hex.decode(hex) else { return nil }
        self.init(bytes)
    }

    package var hex: String { Hex.encode(bytes) }
}

/// What a new key in the token is called.
package struct TokenKeyName: Sendable {
    package let id: TokenKeyID
    /// `CKA_LABEL`, for people who look into the token with its own tools.
    package let label: String

    package init(id: TokenKeyID, label: String) {
        self.id = id
        self.label = label
    }
}

/// A kind of key that a token can hold.
package enum TokenKeyKind: Hashable, Sendable {
    /// With so many bits and the public exponent 65537.
    case rsa(bits: Int)
    case ec(TokenCurve)
    /// With 128, 192 or 256 bits.
    case aes(bits: Int)
}

/// The raw values are the names of JSON Web Algorithms (RFC 7518 section 6.2.1.1; P-256K is Key Vault's for secp256k1).
package enum TokenCurve: String, Sendable, CaseIterable {
    case p256 = "P-256"
    case p384 = "P-384"
    case p521 = "P-521"
    case p256K = "P-256K"

    /// Length of a coordinate in bytes.
    package var coordinateLength: Int {
        switch self {
        case .p256, .p256K: 32
        case .p384: 48
        case .p521: 66
        }
    }
}

/// What all may know of a key in a token. Numbers are big-endian.
package enum TokenPublicKey: Equatable, Sendable {
    /// Without leading zeros.
    case rsa(modulus: [UInt8], exponent: [UInt8])
    /// As long as the curve's coordinates are.
    case ec(x: [UInt8], y: [UInt8])
    /// Of a secret key.
    case none
}

/// Something that only the holder of a private or secret key can do.
package enum TokenOperation: Equatable, Sendable {
    /// RSA: the plaintext of a ciphertext as long as the modulus.
    case decrypt(TokenEncryption)
    /// RSA and EC: a signature of a digest; ECDSA's as R and S, one after the other (RFC 7518 section 3.4).
    case sign(TokenSignature)
    /// AES-CBC, with the padding of PKCS #7 (RFC 5652 section 6.3) or for whole blocks only.
    case encryptBlocks(iv: [UInt8], isPadded: Bool)
    case decryptBlocks(iv: [UInt8], isPadded: Bool)
    /// AES-GCM with a tag of 16 bytes, which follows the ciphertext.
    case seal(nonce: [UInt8], data: [UInt8])
    case open(nonce: [UInt8], data: [UInt8])
    /// AES key wrap (RFC 3394).
    case wrap
    case unwrap
}

/// The raw values are the names of JSON Web Algorithms (RFC 7518 section 4.1).
package enum TokenEncryption: String, Sendable, CaseIterable {
    case oaep = "RSA-OAEP"
    case oaep256 = "RSA-OAEP-256"
    case pkcs1 = "RSA1_5"
}

/// The raw values are the names of JSON Web Algorithms (RFC 7518 section 3.1, RFC 8812 for ES256K).
package enum TokenSignature: String, Sendable, CaseIterable {
    case rs256 = "RS256"
    case rs384 = "RS384"
    case rs512 = "RS512"
    case ps256 = "PS256"
    case ps384 = "PS384"
    case ps512 = "PS512"
    case es256 = "ES256"
    case es256K = "ES256K"
    case es384 = "ES384"
    case es512 = "ES512"
    /// Key Vault's name for PKCS #1 v1.5 over what is given as it is.
    case rsNull = "RSNULL"
}
