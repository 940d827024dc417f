import CofferCore
import CofferModel

/// What a request says of a key version's attributes, tags and operations, checked; nil where nothing was said.
struct KeyAttributes: Sendable {
    let isEnabled: Bool?
    let notBefore: Timestamp?
    let expires: Timestamp?
    let operations: [KeyOperation]?
    let tags: [String: String]?

    /// - Throws: ``APIError/badParameter(_:)`` that names what does not fit.
    init(_ attributes: KeyAttributesBody?, operations: [String]?, tags: [String: String]?) throws {
        guard attributes?.exportable != true else {
            throw APIError.badParameter("Exportable keys are not supported by this version of Coffer: a private key never leaves its vault.")
        }
        isEnabled = attributes?.enabled
        notBefore = try attributes?.nbf.map { try Self.date($0, "nbf") }
        expires = try attributes?.exp.map { try Self.date($0, "exp") }
        self.operations = try operations.map(Self.operations)
        if let tags {
            guard tags.count <= 15 else { throw APIError.badParameter("A key may have up to 15 tags, not \(tags.count).") }
            guard tags.allSatisfy({ $0.key.count <= 256 && $0.value.count <= 256 }) else {
                throw APIError.badParameter("The names and values of tags may have up to 256 characters.")
            }
        }
        self.tags = tags
    }

    /// Whether anything is said that decides what the key can be used for.
    var changesUse: Bool { isEnabled != nil || notBefore != nil || expires != nil || operations != nil }

    private static func date(_ seconds: Int64, _ name: String) throws -> Timestamp {
        guard (0...253_402_300_799).contains(seconds) else {
            throw APIError.badParameter("attributes.\(name) is not a number of seconds since 1970 before the year 10000.")
        }
        return Timestamp(seconds: seconds)
    }

    private static func operations(_ names: [String]) throws -> [KeyOperation] {
        var operations: [KeyOperation] = []
        for name in names {
            guard let operation = KeyOperation(rawValue: name) else {
                throw APIError.badParameter(
                    "'\(name.shortened)' is not an operation of an RSA key. key_ops may have: "
                        + KeyOperation.allCases.map(\.rawValue).joined(separator: ", ") + ".")
            }
            if !operations.contains(operation) { operations.append(operation) }
        }
        return operations
    }
}

extension KeyVersionRecord {
    /// Takes over what `attributes` says.
    ///
    /// - Throws: ``APIError/badParameter(_:)`` if the key would expire before it becomes valid.
    mutating func apply(_ attributes: KeyAttributes, at now: Timestamp) throws {
        isEnabled = attributes.isEnabled ?? isEnabled
        notBefore = attributes.notBefore ?? notBefore
        expires = attributes.expires ?? expires
        operations = attributes.operations ?? operations
        tags = attributes.tags ?? tags
        updated = now
        if let notBefore, let expires, expires <= notBefore {
            throw APIError.badParameter("attributes.exp must be later than attributes.nbf.")
        }
    }
}
