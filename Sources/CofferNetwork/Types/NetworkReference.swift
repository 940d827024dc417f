import CofferModel
import CofferPlatform

/// A use of one resource by another.
struct NetworkReference: Hashable, Sendable {
    /// The resource, or its child, that has the link.
    let holder: ResourceID
    let target: ResourceID

    /// What the caller must be allowed on the target.
    var action: String { "\(target.resourceType ?? "")/join/action" }
}

extension NetworkShape {
    /// What a record names, in itself and in its children.
    ///
    /// - Throws: ``APIError`` if a link has no id, or one of another type or subscription.
    func references(of record: NetworkRecord) throws -> [NetworkReference] {
        var found = try references(in: record.properties, of: record.id)
        for child in children {
            for item in record.children(child.type) {
                found += try child.references(in: item.properties, of: record.id.childID(child.type, item.name))
            }
        }
        return found
    }

    private func references(in properties: [String: JSONValue], of holder: ResourceID) throws -> [NetworkReference] {
        try links.flatMap { link in
            try properties.links(link, of: holder).map { NetworkReference(holder: holder, target: $0) }
        }
    }
}

extension NetworkShape {
    /// Sees that all that a record names is there, in its region, and writes the links as the owners of the ids spell them.
    ///
    /// - Throws: ``APIError`` for the first that is not.
    func followLinks(of record: inout NetworkRecord, in network: NetworkReader) throws {
        try followLinks(in: &record.properties, of: record.id, location: record.location, network)
        for child in children {
            record.children[child.type] = try record.children(child.type).map { item in
                var item = item
                try child.followLinks(in: &item.properties, of: record.id.childID(child.type, item.name), location: record.location, network)
                return item
            }
        }
    }

    private func followLinks(
        in properties: inout [String: JSONValue], of holder: ResourceID, location: String, _ network: NetworkReader
    ) throws {
        for link in links {
            let found = try properties.links(link, of: holder).map { id in
                guard let top = link.isOfInstance(id) ? id : id.topLevel, let target = try network.record(top), target.location == location else {
                    throw APIError.referenceNotFound(id, of: holder)
                }
                guard top != id, let segment = id.segments.dropFirst().first else { return target.id }
                guard let (type, children) = target.children.first(where: { $0.key.lowercased() == segment.type.lowercased() }),
                    let child = children.first(named: segment.name)
                else { throw APIError.referenceNotFound(id, of: holder) }
                return target.id.childID(type, child.name)
            }
            guard !link.isList else {
                properties[link.property] = found.isEmpty ? nil : found.linkList
                continue
            }
            guard let spelled = found.first else { continue }
            var kept: [String: JSONValue] = ["id": .string(spelled.text)]
            // The one thing that is said of another resource where it is named.
            if let option = properties[link.property]?["properties"]?["deleteOption"] { kept["properties"] = ["deleteOption": option] }
            properties[link.property] = .object(kept)
        }
    }
}

extension ResourceID {
    /// Of a child, the resource that it belongs to; of a resource, itself. Nil without a group.
    var topLevel: ResourceID? {
        guard let subscription, let group, let namespace, let first = segments.first else { return nil }
        return ResourceID(subscription: subscription, group: group, namespace: namespace, type: first.type, name: first.name)
    }
}
