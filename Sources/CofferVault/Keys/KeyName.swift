import CofferCrypto
import CofferCore
import CofferModel

/// A key's name in its vault: 1 to 127 letters, digits and hyphens. Names compare without regard to case.
struct KeyName: Sendable {
    let text: String
    /// The name in lower case: what equal names share.
    let key: String

    /// - Throws: ``APIError/badParameter(_:)`` unless `text` is such a name.
    init(_ text: String) throws {
        guard (1...127).contains(text.utf8.count), text.utf8.allSatisfy({ $0.isNameByte }) else {
            throw APIError.badParameter(
                "The request URI contains an invalid name: '\(text.shortened)'. A key's name has 1 to 127 letters, digits and hyphens.")
        }
        self.text = text
        key = text.lowercased()
    }
}

/// A key version's id: 32 hexadecimal digits, in lower case here.
struct KeyVersionID: Hashable, Sendable {
    let text: String

    /// - Returns: nil unless `text` is such an id, in either case.
    init?(_ text: String) {
        guard text.utf8.count == 32, Hex.decode(text) != nil else { return nil }
        self.text = text.lowercased()
    }

    private init(random bytes: [UInt8]) {
        text = Hex.encode(bytes)
    }

    /// A new id that nobody can foresee.
    static func random() -> KeyVersionID {
        KeyVersionID(random: SecureRandom.bytes(16))
    }
}
