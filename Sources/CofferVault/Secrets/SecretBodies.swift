import CofferCore
import CofferModel

/// The body of `PUT /secrets/{name}`, as sent.
struct SetSecretBody: Decodable, Sendable {
    let value: String
    let contentType: String?
    let attributes: AttributesBody?
    let tags: [String: String]?
}

/// The body of `PATCH /secrets/{name}/{version}`, as sent. A value is passed over: a version's value never changes.
struct UpdateSecretBody: Decodable, Sendable {
    let contentType: String?
    let attributes: AttributesBody?
    let tags: [String: String]?
}

/// What a request says of a secret version's attributes, tags and content type, checked; nil where nothing was said.
struct SecretAttributes: Sendable {
    let common: ObjectAttributes
    let contentType: String?

    /// - Throws: ``APIError/badParameter(_:)`` that names what does not fit.
    init(_ attributes: AttributesBody?, contentType: String?, tags: [String: String]?) throws {
        common = try ObjectAttributes(attributes, tags: tags, of: .secrets)
        if let contentType, contentType.count > Self.longestContentType {
            throw APIError.badParameter("contentType may have up to \(Self.longestContentType) characters, not \(contentType.count).")
        }
        self.contentType = contentType
    }

    private static let longestContentType = 255
}

extension SecretVersionRecord {
    /// Takes over what `attributes` says.
    ///
    /// - Throws: ``APIError/badParameter(_:)`` if the secret would expire before it becomes valid.
    mutating func apply(_ attributes: SecretAttributes, at now: Timestamp) throws {
        contentType = attributes.contentType ?? contentType
        try apply(attributes.common, at: now)
    }
}
