import CofferModel

/// What there is to say of a type or of the type of a child as far as it can be said by lists.
struct NetworkShape: Sendable {
    /// Such as `subnets`.
    let type: String
    /// Properties that name other resources.
    var links: [NetworkLink] = []
    /// Properties that Coffer tells: those of a request are passed over.
    var told: Set<String> = []
    /// Properties that would need a part of Azure's network that is not here: refused unless they are empty or switched off.
    var refused: Set<String> = []
    var children: [NetworkShape] = []
    /// What can be asked of a resource by a GET of `NAME/QUESTION`.
    var questions: [String] = []
    /// Of the type of a child: whether it is written by requests of its own. Others come with their parent.
    var isWritable = true
    /// Of the type of a child: whether a PUT of the parent that says nothing of any leaves those that there are.
    var staysIfLeftOut = false
    /// Of the type of a child: whether it follows from the parent and is no part of a request.
    var isTold = false
}

/// A property `{"id": …}` that names another resource.
struct NetworkLink: Sendable {
    let property: String
    /// The type of what it names below Microsoft.Network, such as `virtualNetworks/subnets`.
    let type: String
}

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
        try links.compactMap { link in
            try properties.link(link, of: holder).map { NetworkReference(holder: holder, target: $0) }
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
            guard let id = try properties.link(link, of: holder) else { continue }
            guard let top = id.topLevel, let target = try network.record(top), target.location == location else {
                throw APIError.referenceNotFound(id, of: holder)
            }
            var spelled = target.id
            if let segment = id.segments.dropFirst().first {
                guard let child = target.children(segment.type).first(named: segment.name) else { throw APIError.referenceNotFound(id, of: holder) }
                spelled = target.id.childID(segment.type, child.name)
            }
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

extension [String: JSONValue] {
    /// The resource that a link names; nil if it names none.
    ///
    /// - Throws: ``APIError`` if it has no id, or one of another type or subscription.
    func link(_ link: NetworkLink, of holder: ResourceID) throws -> ResourceID? {
        guard let value = self[link.property], value != .null else { return nil }
        guard let text = value["id"]?.string, let id = ResourceID(text), id.isType("Microsoft.Network/\(link.type)"), id.group != nil else {
            throw APIError.linkInvalid(value["id"]?.string ?? "", link, of: holder)
        }
        guard id.subscription?.lowercased() == holder.subscription?.lowercased() else { throw APIError.referenceNotFound(id, of: holder) }
        return id
    }
}
