import CofferModel

/// What a request asks of a resource: its body with names brought to their spelling, what is told left out, what is not here refused.
struct NetworkDraft: Sendable {
    let location: String?
    let tags: [String: String]?
    let sku: JSONValue?
    let zones: [String]?
    let properties: [String: JSONValue]
    /// The children of those types that the body says something of.
    let children: [String: [NetworkChild]]

    /// - Throws: ``APIError``.
    init(_ body: JSONValue, of id: ResourceID, shape: NetworkShape) throws {
        guard let body = PropertyNames.canonical(body).object else { throw APIError.invalidRequestContent("the document is not an object") }
        if let edge = body["extendedLocation"], edge.isMeant { throw APIError.notInThisNetwork("extendedLocation", of: id) }
        location = body.text("location").map(Location.canonical)
        tags = try body["tags"].flatMap { try Self.tags($0) }
        sku = body["sku"] == .null ? nil : body["sku"]
        zones = body["zones"]?.array?.compactMap(\.string)
        var properties = try Self.properties(of: body, of: id, shape: shape)
        var children: [String: [NetworkChild]] = [:]
        for child in shape.children {
            guard let value = properties.removeValue(forKey: child.type), value != .null, !child.isTold else { continue }
            guard let items = value.array else { throw APIError.requestFormat("'\(child.type)' is not an array", of: id) }
            children[child.type] = try items.map { try Self.child($0, of: id, shape: child) }
            try Self.checkNames(children[child.type] ?? [], of: id, shape: child)
        }
        self.properties = properties
        self.children = children
    }

    /// The body of a child as a request of its own has it.
    static func child(_ body: JSONValue, named name: String, of id: ResourceID, shape: NetworkShape) throws -> NetworkChild {
        guard let body = PropertyNames.canonical(body).object else { throw APIError.invalidRequestContent("the document is not an object") }
        return NetworkChild(name: name, properties: try properties(of: body, of: id.childID(shape.type, name), shape: shape))
    }

    /// A child as it stands in the body of its parent: named, or by its id.
    private static func child(_ value: JSONValue, of parent: ResourceID, shape: NetworkShape) throws -> NetworkChild {
        guard let body = value.object else { throw APIError.requestFormat("an element of '\(shape.type)' is not an object", of: parent) }
        guard let name = body.text("name") ?? body.text("id").flatMap({ ResourceID($0)?.name }) else {
            throw APIError.requestFormat("an element of '\(shape.type)' has no name", of: parent)
        }
        try NetworkName.check(name)
        return NetworkChild(name: name, properties: try properties(of: body, of: parent.childID(shape.type, name), shape: shape))
    }

    private static func checkNames(_ children: [NetworkChild], of id: ResourceID, shape: NetworkShape) throws {
        var seen: Set<String> = []
        for child in children where !seen.insert(child.name.lowercased()).inserted {
            throw APIError.requestFormat("'\(shape.type)' has the name '\(child.name)' twice", of: id)
        }
    }

    private static func properties(of body: [String: JSONValue], of id: ResourceID, shape: NetworkShape) throws -> [String: JSONValue] {
        guard let value = body["properties"], value != .null else { return [:] }
        guard let properties = value.object else { throw APIError.requestFormat("'properties' is not an object", of: id) }
        for name in shape.refused.sorted() where properties[name]?.isMeant == true { throw APIError.notInThisNetwork(name, of: id) }
        return properties.filter { name, value in value != .null && !shape.told.contains(name) && name != "provisioningState" && name != "resourceGuid" }
    }

    private static func tags(_ value: JSONValue) throws -> [String: String]? {
        guard value != .null else { return nil }
        guard let members = value.object else { throw APIError.invalidRequestContent("'tags' is not an object") }
        let tags = members.compactMapValues(\.string)
        guard tags.count == members.count else { throw APIError.invalidRequestContent("a tag's value is not a text") }
        return try Tags.checked(tags)
    }
}

extension JSONValue {
    /// Whether it asks for something: clients send what they do not mean as null, nothing, or switched off.
    fileprivate var isMeant: Bool {
        switch self {
        case .null, .bool(false): false
        case .string(let text): !["", "none", "disabled", "virtualnetworkinherited"].contains(text.lowercased())
        case .array(let elements): !elements.isEmpty
        case .object(let members): members.values.contains { $0.isMeant }
        case .bool, .int, .double: true
        }
    }
}
