import CofferCore
import CofferModel

/// What a request says of a version's attributes and tags, checked; nil where nothing was said.
struct ObjectAttributes: Sendable {
    let isEnabled: Bool?
    let notBefore: Timestamp?
    let expires: Timestamp?
    let tags: [String: String]?

    /// - Throws: ``APIError/badParameter(_:)`` that names what does not fit.
    init(_ body: AttributesBody?, tags: [String: String]?, of kind: ObjectKind) throws {
        isEnabled = body?.enabled
        notBefore = try body?.nbf.map { try Self.date($0, "nbf") }
        expires = try body?.exp.map { try Self.date($0, "exp") }
        if let tags {
            guard tags.count <= 15 else { throw APIError.badParameter("A \(kind.noun) may have up to 15 tags, not \(tags.count).") }
            let longest = kind == .secrets ? 512 : 256
            guard tags.allSatisfy({ $0.key.count <= longest && $0.value.count <= longest }) else {
                throw APIError.badParameter("The names and values of a \(kind.noun)'s tags may have up to \(longest) characters.")
            }
        }
        self.tags = tags
    }

    /// Nothing said.
    static let none = ObjectAttributes()

    private init() {
        isEnabled = nil
        notBefore = nil
        expires = nil
        tags = nil
    }

    /// Whether anything is said that decides what the version can be used for.
    var changesUse: Bool { isEnabled != nil || notBefore != nil || expires != nil }

    private static func date(_ seconds: Int64, _ name: String) throws -> Timestamp {
        guard (0...253_402_300_799).contains(seconds) else {
            throw APIError.badParameter("attributes.\(name) is not a number of seconds since 1970 before the year 10000.")
        }
        return Timestamp(seconds: seconds)
    }
}

/// Attributes as sent. What the service alone decides is passed over.
struct AttributesBody: Decodable, Sendable {
    let enabled: Bool?
    /// Seconds since 1970.
    let nbf: Int64?
    let exp: Int64?
    /// Of keys alone.
    let exportable: Bool?
}
