import CofferModel
import CofferPlatform

/// What can be done with resource groups.
struct ResourceGroupsService: Sendable {
    private let store: any Store
    private let providers: [any ResourceProvider]

    init(store: any Store, providers: [any ResourceProvider]) {
        self.store = store
        self.providers = providers
    }

    func group(_ id: ResourceID) async throws -> ResourceGroupRecord {
        let found = try await store.read { try $0.value(ResourceGroupRecord.self, id.key, in: ResourceGroupRecord.collection) }
        guard let found else { throw APIError.resourceGroupNotFound(id.name) }
        return found.value
    }

    func groups(of subscription: ResourceID) async throws -> [ResourceGroupRecord] {
        try await store.read {
            try $0.values(ResourceGroupRecord.self, in: ResourceGroupRecord.collection, prefix: subscription.key + "/")
        }
    }

    /// Makes a group, or replaces the tags of one.
    /// - Throws: ``APIError`` if the name, the location or the tags are not allowed.
    func put(_ id: ResourceID, _ body: ResourceGroupBody, by grant: Grant) async throws -> (record: ResourceGroupRecord, isNew: Bool) {
        guard let location = body.location.map(Location.canonical), Regions.names.contains(location) else {
            throw APIError.locationNotAvailable(body.location ?? "")
        }
        try ResourceGroupName.check(id.name)
        let tags = try Tags.checked(body.tags ?? [:])
        return try await store.write { transaction in
            let collection = ResourceGroupRecord.collection
            if let old = try transaction.value(ResourceGroupRecord.self, id.key, in: collection) {
                guard old.value.location == location else {
                    throw APIError.groupLocationFixed(id.name, old.value.location)
                }
                var record = old.value
                record.tags = tags
                try transaction.put(record, id.key, in: collection)
                return (record, false)
            }
            let record = ResourceGroupRecord(id: id, location: location, tags: tags)
            try transaction.put(record, id.key, in: collection, if: .absent)
            return (record, true)
        }
    }

    func setTags(_ tags: [String: String], of id: ResourceID, by grant: Grant) async throws -> ResourceGroupRecord {
        let tags = try Tags.checked(tags)
        return try await store.write { transaction in
            guard var record = try transaction.value(ResourceGroupRecord.self, id.key, in: ResourceGroupRecord.collection)?.value
            else { throw APIError.resourceGroupNotFound(id.name) }
            record.tags = tags
            try transaction.put(record, id.key, in: ResourceGroupRecord.collection)
            return record
        }
    }

    /// Deletes a group and everything in it.
    ///
    /// Resources refuse to go while others use them (a set while it has disks), so deletion goes round until nothing more
    /// can be deleted; what is left is told with the reason.
    func delete(_ id: ResourceID, by grant: Grant) async throws {
        _ = try await group(id)
        var reasons: [String] = []
        while true {
            var deleted = 0
            reasons = []
            for provider in providers {
                for resource in try await provider.resources(in: grant.scope.subscription ?? "", group: id.name) {
                    do {
                        try await provider.delete(resource.id, by: grant)
                        deleted += 1
                    } catch let error as APIError {
                        reasons.append("\(resource.id.typeAndName): \(error.message)")
                    }
                }
            }
            if deleted == 0 { break }
        }
        guard reasons.isEmpty else { throw APIError.groupNotEmpty(id.name, reasons) }
        _ = try await store.write { try $0.remove(id.key, in: ResourceGroupRecord.collection, if: .any) }
    }
}

/// The rules for a group's name: 1 to 90 letters, digits, `-`, `_`, `(`, `)` and `.`, not ending in a period.
enum ResourceGroupName {
    static func check(_ name: String) throws {
        let allowed = name.allSatisfy { $0.isLetter || $0.isNumber || "-_().".contains($0) }
        guard (1...90).contains(name.count), allowed, name.last != "." else {
            throw APIError(
                status: 400, code: "InvalidResourceGroup",
                message: "The resource group name '\(name.prefix(100))' is not allowed: 1 to 90 letters, digits, '-', '_', '(', ')' "
                    + "and '.', not ending in '.'."
            )
        }
    }
}
