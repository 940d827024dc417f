import CofferCore
import CofferCrypto
import CofferPlatform

/// A client secret as it is stored: enough to recognize it, not to know it.
///
/// Secrets are 256 random bits of our own making, so one round of HKDF-SHA-256 under a random salt is as good as a slow
/// hash; a secret that a person chose would need one.
struct ClientSecretRecord: Codable, Equatable, Sendable {
    /// The directory's name for it.
    let keyID: String
    /// base64url, 16 bytes.
    let salt: String
    /// base64url, 32 bytes.
    let hash: String
    let starts: Timestamp
    let ends: Timestamp
    /// What the client calls it.
    var displayName: String?

    private static let purpose = Array("coffer client secret v1".utf8)
    private static let saltCount = 16
    private static let hashCount = 32

    init(of secret: borrowing SecretBytes, keyID: String, starts: Timestamp, ends: Timestamp, displayName: String? = nil) throws {
        let salt = SecureRandom.bytes(Self.saltCount)
        self.keyID = keyID
        self.salt = Base64URL.encode(salt)
        let derived = try HKDF.deriveKey(from: secret, salt: salt, info: Self.purpose, count: Self.hashCount)
        let bytes = derived.withBytes { span in
            (0..<span.byteCount).map { unsafe span.unsafeLoad(fromByteOffset: $0, as: UInt8.self) }
        }
        hash = Base64URL.encode(bytes)
        self.starts = starts
        self.ends = ends
        self.displayName = displayName
    }

    /// Whether `secret` is the one; takes the same time whatever it is.
    func matches(_ secret: borrowing SecretBytes) throws -> Bool {
        guard let salt = Base64URL.decode(salt), var stored = Base64URL.decode(hash) else {
            throw StoreError.corrupt("\(PrincipalRecord.collection): client secret \(keyID)")
        }
        let expected = SecretBytes(wiping: &stored)
        return try HKDF.deriveKey(from: secret, salt: salt, info: Self.purpose, count: Self.hashCount)
            .constantTimeEquals(expected)
    }

    /// A new secret: 256 random bits as base64url text, 43 characters that need no quoting in shells and URLs. One that begins with `-`
    /// would be taken for an option by `az login --password`, so another is made.
    static func makeSecret() -> SecretBytes {
        while true {
            var text = Array(Base64URL.encode(SecureRandom.bytes(32)).utf8)
            let isOption = text.first == UInt8(ascii: "-")
            let secret = SecretBytes(wiping: &text)
            if !isOption { return secret }
        }
    }
}
