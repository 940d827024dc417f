import CofferModel

/// The name of a key, secret or certificate in its vault: 1 to 127 letters, digits and hyphens. Names compare without regard to case.
struct ObjectName: Sendable {
    let text: String
    /// The name in lower case: what equal names share.
    let key: String

    /// - Throws: ``APIError/badParameter(_:)`` unless `text` is such a name.
    init(_ text: String) throws {
        guard (1...127).contains(text.utf8.count), text.utf8.allSatisfy({ $0.isNameByte }) else {
            throw APIError.badParameter(
                "The request URI contains an invalid name: '\(text.shortened)'. The name of an object in a vault has 1 to 127 letters, "
                    + "digits and hyphens.")
        }
        self.text = text
        key = text.lowercased()
    }
}
