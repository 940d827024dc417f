import CofferCore
import CofferModel

/// What a secret may hold, and how it comes from a request and goes into an answer.
enum SecretValue {
    /// 25 KB of UTF-8 (contract section 1.7).
    static let largest = 25_600

    /// The value that a request brought.
    ///
    /// - Throws: ``APIError/secretTooLarge(_:)``.
    static func bytes(of text: String) throws -> SecretBytes {
        var bytes = Array(text.utf8)
        guard bytes.count <= largest else { throw APIError.secretTooLarge(bytes.count) }
        return SecretBytes(wiping: &bytes)
    }

    /// The value on its way into an answer; from here it is not a secret of ours any more.
    static func text(of value: borrowing SecretBytes) -> String {
        value.withBytes { bytes in unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) } }
    }
}
