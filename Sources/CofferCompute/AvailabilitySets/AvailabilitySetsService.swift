import CofferModel
import CofferPlatform

/// What Azure Resource Manager can do with availability sets.
struct AvailabilitySetsService: Sendable {
    let store: any Store

    /// A set with its machines.
    struct Shown: Sendable {
        let record: AvailabilitySetRecord
        let members: [ResourceID]
    }

    /// - Throws: ``APIError/resourceNotFound(_:)``.
    func set(_ id: ResourceID, by grant: Grant) async throws -> Shown {
        let shown = try await store.read { transaction in
            try transaction.availabilitySet(id).map { Shown(record: $0, members: try transaction.members(of: id).map(\.id)) }
        }
        guard let shown else { throw APIError.resourceNotFound(id) }
        return shown
    }

    /// All sets below a subscription or group.
    func sets(in scope: ResourceID) async throws -> [Shown] {
        try await store.read { transaction in
            let machines = try transaction.machines(in: ResourceID(subscription: scope.subscription ?? ""))
            let members = Dictionary(grouping: machines, by: \.availabilitySet)
            return try transaction.availabilitySets(in: scope).map { Shown(record: $0, members: members[$0.id, default: []].map(\.id)) }
        }
    }

    /// Makes a set, or changes the tags of one.
    func put(_ wanted: AvailabilitySetRecord, by grant: Grant) async throws -> Shown {
        try await store.write { transaction in
            if let old = try transaction.availabilitySet(wanted.id) {
                guard old.location == wanted.location else { throw APIError.resourceLocationFixed(wanted.id, old.location, asked: wanted.location) }
                guard old.faultDomainCount == wanted.faultDomainCount else { throw APIError.machinePropertyFixed("platformFaultDomainCount") }
                guard old.updateDomainCount == wanted.updateDomainCount else { throw APIError.machinePropertyFixed("platformUpdateDomainCount") }
                guard old.sku == wanted.sku else { throw APIError.machinePropertyFixed("sku.name") }
            }
            try transaction.put(wanted, wanted.id.key, in: AvailabilitySetRecord.collection)
        }
        return try await set(wanted.id, by: grant)
    }

    /// Replaces a set's tags, if any are given.
    func patch(_ id: ResourceID, tags: [String: String]?, by grant: Grant) async throws -> Shown {
        try await store.write { transaction in
            guard var record = try transaction.availabilitySet(id) else { throw APIError.resourceNotFound(id) }
            record.tags = tags ?? record.tags
            try transaction.put(record, id.key, in: AvailabilitySetRecord.collection)
        }
        return try await set(id, by: grant)
    }

    /// Deletes a set that has no machines.
    ///
    /// - Returns: Whether there was one.
    func delete(_ id: ResourceID, by grant: Grant) async throws -> Bool {
        try await store.write { transaction in
            guard try transaction.availabilitySet(id) != nil else { return false }
            guard try transaction.members(of: id).isEmpty else { throw APIError.availabilitySetInUse(id) }
            return try transaction.remove(id.key, in: AvailabilitySetRecord.collection, if: .any)
        }
    }

    /// Checks that a new machine may name a set.
    ///
    /// - Throws: ``APIError``.
    func requireJoin(_ id: ResourceID, location: String, zones: [String]?) async throws {
        guard zones?.isEmpty != false else {
            throw APIError.invalidParameter("A virtual machine is in an availability set or in a zone, not in both.", target: "availabilitySet")
        }
        guard let set = try await store.read({ try $0.availabilitySet(id) }) else { throw APIError.resourceNotFound(id) }
        guard set.location == location else { throw APIError.resourceLocationFixed(id, set.location, asked: location) }
    }
}

extension APIError {
    /// 409: machines name it.
    fileprivate static func availabilitySetInUse(_ id: ResourceID) -> APIError {
        APIError(
            status: 409, code: "OperationNotAllowed",
            message: "Availability Set '\(id.name)' cannot be deleted. Before deleting an Availability Set please ensure that it does not contain any VM.")
    }
}
