import CofferCore
import CofferModel

/// How much a lock forbids on the management plane. The data plane takes no notice of locks.
enum LockLevel: String, Codable, CaseIterable, Sendable {
    /// Nothing at or below the scope is deleted.
    case canNotDelete = "CanNotDelete"
    /// Nothing at or below the scope is written or deleted.
    case readOnly = "ReadOnly"

    /// - Parameter text: compared without regard to case, as Azure does.
    init?(anyCase text: String) {
        guard let level = Self.allCases.first(where: { $0.rawValue.lowercased() == text.lowercased() }) else { return nil }
        self = level
    }
}

/// A management lock as stored in the collection `locks` under its id in lower case.
struct LockRecord: Codable, Equatable, Sendable {
    static let collection = "locks"

    /// As it was spelled when it was made.
    let name: String
    /// The subscription, group or resource that is locked, with all below it.
    let scope: ResourceID
    var level: LockLevel
    var notes: String?
    /// The application ids that the client named; told back and nothing more.
    var owners: [String]
    let created: Timestamp
    var updated: Timestamp
    /// Object ids.
    let createdBy: String
    var updatedBy: String

    /// `{scope}/providers/Microsoft.Authorization/locks/{name}`.
    static func id(_ name: String, at scope: ResourceID) -> String {
        "\(scope.text)/providers/Microsoft.Authorization/locks/\(name)"
    }

    static func documentID(_ name: String, at scope: ResourceID) -> String {
        id(name, at: scope).lowercased()
    }

    var documentID: String { Self.documentID(name, at: scope) }

    /// The lock as Azure Resource Manager answers it.
    var document: JSONValue {
        var properties: [String: JSONValue] = ["level": .string(level.rawValue)]
        if let notes { properties["notes"] = .string(notes) }
        if !owners.isEmpty { properties["owners"] = .array(owners.map { ["applicationId": .string($0)] }) }
        return [
            "id": .string(Self.id(name, at: scope)),
            "name": .string(name),
            "type": "Microsoft.Authorization/locks",
            "properties": .object(properties),
            "systemData": [
                "createdBy": .string(createdBy), "createdByType": "Application", "createdAt": .string(created.description),
                "lastModifiedBy": .string(updatedBy), "lastModifiedByType": "Application",
                "lastModifiedAt": .string(updated.description),
            ],
        ]
    }
}

/// The body of a PUT.
struct LockBody: Decodable {
    struct Owner: Decodable {
        let applicationId: String?
    }

    struct Properties: Decodable {
        let level: String
        let notes: String?
        let owners: [Owner]?
    }

    let properties: Properties
}
