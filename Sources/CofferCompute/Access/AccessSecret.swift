import CofferCore
import CofferCrypto

/// The secret in a URL that opens something to whoever has it. The installation keeps its SHA-256 alone.
enum AccessSecret {
    /// In bytes.
    static let byteCount = 32

    /// A new secret in base 64 for URLs, and its digest.
    static func make() -> (text: String, digest: [UInt8]) {
        SecureRandom.secret(byteCount).withBytes { bytes in
            let digest = DigestAlgorithm.sha256.hash(bytes)
            var copy = unsafe bytes.withUnsafeBytes { unsafe Array($0) }
            defer { _ = SecretBytes(wiping: &copy) }
            return (Base64URL.encode(copy), digest)
        }
    }

    /// Whether a text is the secret of a digest. Takes the same time for each that could be.
    static func isValid(_ text: String, for digest: [UInt8]) -> Bool {
        guard let bytes = Base64URL.decode(text), bytes.count == byteCount else { return false }
        return ConstantTime.equal(DigestAlgorithm.sha256.hash(bytes), digest)
    }
}
