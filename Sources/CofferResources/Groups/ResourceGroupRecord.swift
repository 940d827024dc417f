import CofferModel

/// A resource group as stored in the collection `resource-groups` under its id in lower case.
struct ResourceGroupRecord: Codable, Equatable, Sendable {
    static let collection = "resource-groups"

    let id: ResourceID
    let location: String
    var tags: [String: String]

    var document: JSONValue {
        [
            "id": .string(id.text),
            "name": .string(id.name),
            "type": "Microsoft.Resources/resourceGroups",
            "location": .string(location),
            "tags": .object(tags.mapValues { .string($0) }),
            "properties": ["provisioningState": "Succeeded"],
        ]
    }
}

/// The body of a PUT or PATCH of a resource group.
struct ResourceGroupBody: Decodable {
    let location: String?
    let tags: [String: String]?
}
