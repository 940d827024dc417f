/// What every store accepts as the name of a collection, a document or a stream, so that a name that one driver keeps is
/// kept by the other too.
package enum StoreName {
    /// The longest id of a document, in bytes of UTF-8. A PostgreSQL index entry holds no more than 2704 bytes.
    package static let longestID = 2048
    /// The longest name of a collection or stream, in bytes of UTF-8.
    package static let longestCollection = 200

    /// Whether a document can have this id. One that cannot is never found.
    package static func isID(_ id: String) -> Bool {
        isText(id, longest: longestID)
    }

    /// Whether a collection or a stream can have this name.
    package static func isCollection(_ name: String) -> Bool {
        isText(name, longest: longestCollection)
    }

    /// PostgreSQL's text holds no zero byte.
    private static func isText(_ text: String, longest: Int) -> Bool {
        (1...longest).contains(text.utf8.count) && !text.utf8.contains(0)
    }
}
