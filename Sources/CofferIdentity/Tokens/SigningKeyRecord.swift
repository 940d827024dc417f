import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform

/// A key that signs tokens, as it is stored: its public half in clear, its private half sealed.
struct SigningKeyRecord: Codable, Sendable {
    static let collection = "token-signing-keys"
    /// The realm of the token service at the sealer.
    static let realm = "tokens"
    /// How long a key signs.
    static let signingPeriod: Duration = .seconds(30 * 86_400)
    /// How long a key is published after it has signed its last token; longer than any token lives.
    static let gracePeriod: Duration = .seconds(86_400)

    /// Counts keys from 1; also the id of the document, so that of several replicas one makes the next key.
    let number: Int64
    /// The thumbprint of the public key (RFC 7638, SHA-256).
    let keyID: String
    let created: Timestamp
    /// base64url, as in a JSON Web Key.
    let modulus: String
    let exponent: String
    /// base64url of the sealed PKCS #8, sealed under ``realm`` with the name ``keyID``.
    let sealedPrivateKey: String

    var signsUntil: Timestamp { created.adding(Self.signingPeriod) }
    var retires: Timestamp { signsUntil.adding(Self.gracePeriod) }

    /// The document's id: digits only, so that ids order as numbers do.
    var documentID: String { Self.documentID(number) }

    static func documentID(_ number: Int64) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, 12 - digits.count)) + digits
    }

    /// RFC 7638: the hash of the required members, names in order, without spaces.
    static func thumbprint(modulus: String, exponent: String) -> String {
        let canonical = #"{"e":"\#(exponent)","kty":"RSA","n":"\#(modulus)"}"#
        return Base64URL.encode(DigestAlgorithm.sha256.hash(Array(canonical.utf8)))
    }

    /// The public half.
    func publicKey() throws -> RSAKey {
        guard let modulus = Base64URL.decode(modulus), let exponent = Base64URL.decode(exponent) else {
            throw StoreError.corrupt("\(Self.collection)/\(documentID)")
        }
        return try RSAKey(publicModulus: modulus, exponent: exponent)
    }

    /// The private half.
    /// - Throws: ``SealError`` if it was sealed elsewhere.
    func privateKey(openedBy sealer: any Sealer) async throws -> RSAKey {
        guard let sealed = Base64URL.decode(sealedPrivateKey) else {
            throw StoreError.corrupt("\(Self.collection)/\(documentID)")
        }
        let secret = try await sealer.open(sealed, realm: Self.realm, name: keyID)
        return try RSAKey(pkcs8: secret)
    }

    /// The JSON Web Key (RFC 7517) that verifiers read.
    var webKey: JSONValue {
        ["kty": "RSA", "use": "sig", "alg": "RS256", "kid": .string(keyID), "n": .string(modulus), "e": .string(exponent)]
    }
}
