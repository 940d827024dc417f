/// An X.500 name such as `CN=app.example.com, O="Contoso, Ltd", C=GB` (RFC 4514; RFC 5280 section 4.1.2.4).
package struct DistinguishedName: Hashable, Sendable {
    /// One attribute of a name.
    struct Attribute: Hashable, Sendable {
        /// The type's object identifier with dots.
        let type: String
        let value: String
    }

    /// In the order of their encoding, from the root of the directory down: the reverse of the text's. Each has at least one
    /// attribute.
    let relativeNames: [[Attribute]]

    init(relativeNames: [[Attribute]]) {
        self.relativeNames = relativeNames
    }

    /// A name of nothing but a common name.
    ///
    /// - Throws: ``CryptoError/invalidLength`` unless it has 1 to 64 characters (RFC 5280 appendix A.1), none of them a zero.
    package init(commonName: String) throws(CryptoError) {
        guard (1...64).contains(commonName.unicodeScalars.count), !commonName.utf8.contains(0) else { throw .invalidLength }
        relativeNames = [[Attribute(type: AttributeType.commonName.identifier, value: commonName)]]
    }

    /// A name without attributes, for certificates that say all in their alternative names.
    package static let empty = DistinguishedName(relativeNames: [])

    package var isEmpty: Bool { relativeNames.isEmpty }

    /// The common name that stands first in the text, or nil.
    package var commonName: String? {
        relativeNames.last { $0.contains { $0.type == AttributeType.commonName.identifier } }?
            .first { $0.type == AttributeType.commonName.identifier }?.value
    }
}

/// Why a text is no X.500 name.
package struct DistinguishedNameError: Error, Equatable, Sendable {
    /// A sentence for who wrote the text.
    package let reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}

/// What names are made of, with the bounds of RFC 5280 appendix A.1.
struct AttributeType: Sendable {
    let keywords: [String]
    let identifier: String
    /// In characters.
    let lengths: ClosedRange<Int>
    /// Whether values are ASCII.
    var isASCII = false

    static let commonName = AttributeType(keywords: ["CN"], identifier: "2.5.4.3", lengths: 1...64)

    /// The first keyword of each is the one that is written.
    static let known: [AttributeType] = [
        commonName,
        AttributeType(keywords: ["O"], identifier: "2.5.4.10", lengths: 1...64),
        AttributeType(keywords: ["OU"], identifier: "2.5.4.11", lengths: 1...64),
        AttributeType(keywords: ["C"], identifier: "2.5.4.6", lengths: 2...2, isASCII: true),
        AttributeType(keywords: ["L"], identifier: "2.5.4.7", lengths: 1...128),
        AttributeType(keywords: ["ST", "S"], identifier: "2.5.4.8", lengths: 1...128),
        AttributeType(keywords: ["STREET"], identifier: "2.5.4.9", lengths: 1...128),
        AttributeType(keywords: ["DC"], identifier: "0.9.2342.19200300.100.1.25", lengths: 1...63, isASCII: true),
        AttributeType(keywords: ["E", "EMAIL", "EMAILADDRESS"], identifier: "1.2.840.113549.1.9.1", lengths: 1...128, isASCII: true),
        AttributeType(keywords: ["SERIALNUMBER"], identifier: "2.5.4.5", lengths: 1...64, isASCII: true),
        AttributeType(keywords: ["T", "TITLE"], identifier: "2.5.4.12", lengths: 1...64),
        AttributeType(keywords: ["G", "GN", "GIVENNAME"], identifier: "2.5.4.42", lengths: 1...64),
        AttributeType(keywords: ["SN", "SURNAME"], identifier: "2.5.4.4", lengths: 1...64),
        AttributeType(keywords: ["I", "INITIALS"], identifier: "2.5.4.43", lengths: 1...64),
        AttributeType(keywords: ["UID"], identifier: "0.9.2342.19200300.100.1.1", lengths: 1...64),
    ]

    /// The type that a keyword or an object identifier names; nil if it is neither.
    static func named(_ text: String) -> AttributeType? {
        let upper = text.uppercased()
        if let found = known.first(where: { $0.keywords.contains(upper) }) { return found }
        let identifier = upper.hasPrefix("OID.") ? String(text.dropFirst(4)) : text
        guard CertificateProfile.isObjectIdentifier(identifier) else { return nil }
        return known.first { $0.identifier == identifier }
            ?? AttributeType(keywords: [identifier], identifier: identifier, lengths: 1...128)
    }
}
