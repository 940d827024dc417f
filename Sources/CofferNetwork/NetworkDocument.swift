import CofferModel
import CofferPlatform

/// A resource or a child as Azure Resource Manager shows it.
struct NetworkDocument: Sendable {
    let body: JSONValue
    let etag: String

    init(_ record: NetworkRecord, of type: any NetworkType, in network: NetworkReader) throws {
        var properties = record.properties
        properties["resourceGuid"] = .string(record.guid)
        properties["provisioningState"] = "Succeeded"
        for shape in type.shape.children {
            properties[shape.type] = .array(try Self.children(shape, of: record, type, in: network))
        }
        try type.tell(&properties, of: record, in: network)
        etag = record.shownETag
        var members: [String: JSONValue] = [
            "id": .string(record.id.text),
            "name": .string(record.id.name),
            "type": .string("Microsoft.Network/\(type.name)"),
            "etag": .string(etag),
            "location": .string(record.location),
            "tags": .object(record.tags.mapValues { .string($0) }),
            "properties": .object(properties),
        ]
        if let sku = record.sku { members["sku"] = sku }
        if let zones = record.zones { members["zones"] = .array(zones.map { .string($0) }) }
        body = .object(members)
    }

    /// A child has the ETag of its parent.
    init(_ child: NetworkChild, _ shape: NetworkShape, of record: NetworkRecord, _ type: any NetworkType, in network: NetworkReader) throws {
        let id = record.id.childID(shape.type, child.name)
        var properties = child.properties
        properties["provisioningState"] = "Succeeded"
        try type.tell(&properties, of: id, in: record, network)
        etag = record.shownETag
        body = [
            "id": .string(id.text),
            "name": .string(child.name),
            "type": .string("Microsoft.Network/\(type.name)/\(shape.type)"),
            "etag": .string(etag),
            "properties": .object(properties),
        ]
    }

    /// All children of a type.
    static func children(
        _ shape: NetworkShape, of record: NetworkRecord, _ type: any NetworkType, in network: NetworkReader
    ) throws -> [JSONValue] {
        try type.children(shape.type, of: record).map { try NetworkDocument($0, shape, of: record, type, in: network).body }
    }
}
