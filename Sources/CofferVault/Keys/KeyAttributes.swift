import CofferCore
import CofferModel

/// What a request says of a key version's attributes, tags and operations, checked; nil where nothing was said.
struct KeyAttributes: Sendable {
    let common: ObjectAttributes
    let operations: [KeyOperation]?

    /// - Throws: ``APIError/badParameter(_:)`` that names what does not fit.
    init(_ attributes: AttributesBody?, operations: [String]?, tags: [String: String]?) throws {
        guard attributes?.exportable != true else {
            throw APIError.badParameter("Exportable keys are not supported by this version of Coffer: a private key never leaves its vault.")
        }
        common = try ObjectAttributes(attributes, tags: tags, of: .keys)
        self.operations = try operations.map(Self.operations)
    }

    /// Nothing said.
    static let none = KeyAttributes()

    private init() {
        common = .none
        operations = nil
    }

    /// Whether anything is said that decides what the key can be used for.
    var changesUse: Bool { common.changesUse || operations != nil }

    private static func operations(_ names: [String]) throws -> [KeyOperation] {
        var operations: [KeyOperation] = []
        for name in names {
            guard let operation = KeyOperation(rawValue: name) else {
                throw APIError.badParameter(
                    "'\(name.shortened)' is not an operation of a key. key_ops may have: "
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
    /// - Throws: ``APIError/badParameter(_:)`` if the key would expire before it becomes valid, or cannot do an operation.
    mutating func apply(_ attributes: KeyAttributes, at now: Timestamp) throws {
        try kind.check(attributes.operations)
        operations = attributes.operations ?? operations
        try apply(attributes.common, at: now)
    }
}
