import CofferCore
import CofferCrypto

/// The id of an object's version: 32 hexadecimal digits, in lower case here.
struct ObjectVersionID: Hashable, Sendable {
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
    static func random() -> ObjectVersionID {
        ObjectVersionID(random: SecureRandom.bytes(16))
    }
}
