import CofferModel
import CofferPlatform
import FoundationEssentials

/// What can be done with the resources of Microsoft.Network and their children, of whatever type.
struct NetworkService: Sendable {
    let store: any Store
    let authorizer: any Authorizer

    // MARK: Resources

    /// - Throws: ``APIError/resourceNotFound(_:)``.
    func resource(_ id: ResourceID, of type: any NetworkType, by grant: Grant) async throws -> NetworkDocument {
        try await store.read { transaction in
            let network = NetworkReader(transaction: transaction)
            return try NetworkDocument(network.existing(id), of: type, in: network)
        }
    }

    /// The answer to one of the questions of a type.
    func answer(
        _ question: String, of id: ResourceID, of type: any NetworkType, by grant: Grant, _ parameter: @escaping @Sendable (String) -> String?
    ) async throws -> JSONValue {
        try await store.read { transaction in
            let network = NetworkReader(transaction: transaction)
            return try type.answer(question, parameter, of: network.existing(id), in: network)
        }
    }

    /// All resources of a type below a subscription or group.
    func resources(of type: any NetworkType, in scope: ResourceID) async throws -> [NetworkDocument] {
        try await store.read { transaction in
            let network = NetworkReader(transaction: transaction)
            return try transaction.values(NetworkRecord.self, in: NetworkRecord.collection, prefix: scope.key + "/")
                .filter { $0.id.isType("Microsoft.Network/\(type.name)") }
                .map { try NetworkDocument($0, of: type, in: network) }
        }
    }

    /// The records of all types below a subscription or group.
    func records(in scope: ResourceID) async throws -> [NetworkRecord] {
        try await store.read {
            try $0.values(NetworkRecord.self, in: NetworkRecord.collection, prefix: scope.key + "/")
        }
    }

    /// Makes a resource, or replaces what was said of one. Children of a type that the body leaves out stay if the type says so.
    func put(
        _ id: ResourceID, of type: any NetworkType, as draft: NetworkDraft, if condition: NetworkPrecondition, by grant: Grant
    ) async throws -> (document: NetworkDocument, isNew: Bool) {
        guard let location = draft.location, !location.isEmpty else { throw APIError.locationNotAvailable("") }
        return try await write(id, of: type, if: condition, by: grant) { old in
            if let old, old.location != location { throw APIError.resourceLocationFixed(id, old.location, asked: location) }
            var children = draft.children
            for child in type.shape.children where child.staysIfLeftOut && children[child.type] == nil {
                children[child.type] = old?.children(child.type) ?? []
            }
            return NetworkRecord(
                id: old?.id ?? id, location: location, tags: draft.tags ?? [:], sku: draft.sku, zones: draft.zones, properties: draft.properties,
                children: children, guid: old?.guid ?? NetworkRecord.newGUID(), etag: "", machine: old?.machine, isPrimary: old?.isPrimary)
        } answering: { old, record, network in
            (try NetworkDocument(record, of: type, in: network), old == nil)
        }
    }

    /// Replaces the tags.
    func setTags(
        _ tags: [String: String], of id: ResourceID, of type: any NetworkType, if condition: NetworkPrecondition, by grant: Grant
    ) async throws -> NetworkDocument {
        try await store.write { transaction in
            let network = NetworkReader(transaction: transaction)
            let old = try network.existing(id)
            try condition.check(old, id)
            var record = old
            record.tags = tags
            try transaction.write(&record, replacing: old, of: type)
            return try NetworkDocument(record, of: type, in: network)
        }
    }

    /// - Returns: Whether there was one.
    /// - Throws: ``APIError`` if it is in use.
    func delete(_ id: ResourceID, of type: any NetworkType, if condition: NetworkPrecondition = .none, by grant: Grant) async throws -> Bool {
        try await store.write { transaction in
            let network = NetworkReader(transaction: transaction)
            guard let record = try network.record(id) else { return false }
            try condition.check(record, id)
            try type.checkDeletion(of: record, in: network)
            try transaction.remove(record, of: type)
            return true
        }
    }

    // MARK: Children

    /// - Throws: ``APIError`` if there is no such parent.
    func children(_ shape: NetworkShape, of id: ResourceID, of type: any NetworkType, by grant: Grant) async throws -> [JSONValue] {
        try await store.read { transaction in
            let network = NetworkReader(transaction: transaction)
            return try NetworkDocument.children(shape, of: network.existing(id), type, in: network)
        }
    }

    /// - Throws: ``APIError`` if there is no such parent or child.
    func child(_ name: String, _ shape: NetworkShape, of id: ResourceID, of type: any NetworkType, by grant: Grant) async throws -> NetworkDocument {
        try await store.read { transaction in
            let network = NetworkReader(transaction: transaction)
            let record = try network.existing(id)
            guard let child = type.children(shape.type, of: record).first(named: name) else {
                throw APIError.networkChildNotFound(id.childID(shape.type, name))
            }
            return try NetworkDocument(child, shape, of: record, type, in: network)
        }
    }

    /// Makes a child, or replaces what was said of one.
    func putChild(
        _ child: NetworkChild, _ shape: NetworkShape, of id: ResourceID, of type: any NetworkType, if condition: NetworkPrecondition, by grant: Grant
    ) async throws -> (document: NetworkDocument, isNew: Bool) {
        try await write(id, of: type, if: condition, by: grant) { old in
            guard var record = old else { throw APIError.parentNotFound(id) }
            var children = record.children(shape.type)
            if let index = children.firstIndex(where: { $0.isNamed(child.name) }) {
                children[index] = NetworkChild(name: children[index].name, properties: child.properties)
            } else {
                children.append(child)
            }
            record.children[shape.type] = children
            return record
        } answering: { old, record, network in
            let stored = record.children(shape.type).first(named: child.name) ?? child
            let isNew = old?.children(shape.type).first(named: child.name) == nil
            return (try NetworkDocument(stored, shape, of: record, type, in: network), isNew)
        }
    }

    /// - Returns: Whether there was one.
    /// - Throws: ``APIError`` if it is in use.
    func deleteChild(
        _ name: String, _ shape: NetworkShape, of id: ResourceID, of type: any NetworkType, if condition: NetworkPrecondition, by grant: Grant
    ) async throws -> Bool {
        let isThere = try await store.read { try NetworkReader(transaction: $0).record(id)?.children(shape.type).first(named: name) != nil }
        guard isThere else { return false }
        return try await write(id, of: type, if: condition, by: grant) { old in
            guard var record = old else { throw APIError.parentNotFound(id) }
            record.children[shape.type] = record.children(shape.type).filter { !$0.isNamed(name) }
            return record
        } answering: { old, _, _ in
            old?.children(shape.type).first(named: name) != nil
        }
    }

    // MARK: Writing

    /// Writes what `change` makes of a resource, after the caller's right to use what it newly names was found.
    ///
    /// - Parameters:
    ///   - change: Gets the resource as it is; is asked twice, as the permissions cannot be looked up within a transaction.
    ///   - answering: Gets the resource as it was and as it is then.
    private func write<R: Sendable>(
        _ id: ResourceID, of type: any NetworkType, if condition: NetworkPrecondition, by grant: Grant,
        _ change: @escaping @Sendable (_ old: NetworkRecord?) throws -> NetworkRecord,
        answering: @escaping @Sendable (_ old: NetworkRecord?, _ new: NetworkRecord, _ network: NetworkReader) throws -> R
    ) async throws -> R {
        let seen = try await store.read { try NetworkReader(transaction: $0).record(id) }
        let wanted = try Set(type.shape.references(of: change(seen)))
        let allowed = try wanted.subtracting(seen.map { try type.shape.references(of: $0) } ?? [])
        for reference in allowed.sorted(by: { $0.target.key < $1.target.key }) {
            try await authorizer.require(.management(reference.action), on: reference.target, linkedFrom: id, by: grant)
        }
        do {
            return try await store.write { transaction in
                let network = NetworkReader(transaction: transaction)
                let old = try network.record(id)
                try condition.check(old, id)
                var record = try change(old)
                let known = try old.map { try type.shape.references(of: $0) } ?? []
                guard try Set(type.shape.references(of: record)).subtracting(known).isSubset(of: allowed) else {
                    throw APIError.networkChangedMeanwhile(id)
                }
                try type.shape.followLinks(of: &record, in: network)
                try type.settle(&record, replacing: old, in: network)
                try transaction.write(&record, replacing: old, of: type)
                return try answering(old, record, network)
            }
        } catch StoreError.preconditionFailed {
            throw APIError.networkChangedMeanwhile(id)
        }
    }
}

extension NetworkRecord {
    static func newGUID() -> String { UUID().uuidString.lowercased() }
}

extension WriteTransaction {
    /// Writes a record, which gets a new ETag, and the claims that follow from it.
    func write(_ record: inout NetworkRecord, replacing old: NetworkRecord?, of type: any NetworkType) throws {
        try replace(old.map { try type.claims(of: $0) } ?? [], by: type.claims(of: record))
        record.etag = NetworkRecord.newGUID()
        try put(record, record.id.key, in: NetworkRecord.collection)
    }

    func remove(_ record: NetworkRecord, of type: any NetworkType) throws {
        try replace(type.claims(of: record), by: [])
        try remove(record.id.key, in: NetworkRecord.collection, if: .any)
    }
}
