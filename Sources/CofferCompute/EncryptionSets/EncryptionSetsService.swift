import CofferCore
import CofferModel
import CofferPlatform

/// What can be done with disk encryption sets.
struct EncryptionSetsService: Sendable {
    let store: any Store
    let identities: SetIdentities
    let keyCheck: SetKeyCheck
    let rotation: KeyRotation
    let rules: RuleBook
    let turns: Turns

    /// - Throws: ``APIError/resourceNotFound(_:)``.
    func set(_ id: ResourceID, by grant: Grant) async throws -> EncryptionSetRecord {
        try await existing(id)
    }

    /// All sets below a subscription or group.
    func sets(in scope: ResourceID) async throws -> [EncryptionSetRecord] {
        try await store.read {
            try $0.values(EncryptionSetRecord.self, in: EncryptionSetRecord.collection, prefix: scope.key + "/")
        }
    }

    /// The disks, snapshots and images that are encrypted through a set, by id.
    func associatedResources(of id: ResourceID, by grant: Grant) async throws -> [ResourceID] {
        _ = try await existing(id)
        return try await store.read { transaction in
            var seen: Set<ResourceID> = []
            return try transaction.disks(of: id).map(\.id.shown).filter { seen.insert($0).inserted }
        }
    }

    /// Makes a set, or changes one; what is left out stays as it is, but tags, which are replaced.
    func put(_ id: ResourceID, as wanted: EncryptionSetSpecification, by grant: Grant) async throws -> EncryptionSetRecord {
        try await turns.take(id.key) {
            if let old = try await store.read({ try $0.encryptionSet(id) }) {
                guard old.isBeingDeleted else {
                    guard let location = wanted.location else { throw APIError.locationNotAvailable("") }
                    guard location == old.location else {
                        throw APIError.resourceLocationFixed(id, old.location, asked: location)
                    }
                    return try await change(old, to: wanted, tags: wanted.tags ?? [:], by: grant)
                }
                try await finishDeletion(of: id)
            }
            return try await create(id, as: wanted, by: grant)
        }
    }

    /// Changes what `wanted` says something of.
    func patch(_ id: ResourceID, with wanted: EncryptionSetSpecification, by grant: Grant) async throws -> EncryptionSetRecord {
        try await turns.take(id.key) {
            let old = try await existing(id)
            guard !old.isBeingDeleted else { throw APIError.encryptionSetBeingDeleted(id) }
            return try await change(old, to: wanted, tags: wanted.tags ?? old.tags, isPatch: true, by: grant)
        }
    }

    /// Deletes a set that no disk uses, and its identity with all role assignments.
    ///
    /// - Returns: Whether there was one.
    /// - Throws: ``APIError`` with the code `OperationNotAllowed` naming the disks.
    func delete(_ id: ResourceID, by grant: Grant) async throws -> Bool {
        try await turns.take(id.key) {
            let rules = rules
            let isThere = try await store.write { transaction in
                guard var set = try transaction.encryptionSet(id) else { return false }
                let disks = Set(try transaction.disks(of: id).map(\.id.shown)).map { "\($0.segments.last?.type ?? "")/\($0.name)" }.sorted()
                let names = disks.prefix(10).joined(separator: ", ") + (disks.count > 10 ? ", …" : "")
                try rules.require(.setInUse, disks.isEmpty, ["set": id.name, "count": String(disks.count), "disks": names])
                set.isBeingDeleted = true
                try transaction.put(set)
                return true
            }
            if isThere { try await finishDeletion(of: id) }
            return isThere
        }
    }

    /// Ends the deletions that a crash interrupted.
    func finishDeletions() async throws {
        let sets = try await store.read { try $0.values(EncryptionSetRecord.self, in: EncryptionSetRecord.collection) }
        for set in sets where set.isBeingDeleted {
            try await turns.take(set.id.key) {
                if try await store.read({ try $0.encryptionSet(set.id)?.isBeingDeleted }) == true {
                    try await finishDeletion(of: set.id)
                }
            }
        }
    }

    private func finishDeletion(of id: ResourceID) async throws {
        try await identities.assigner.identities.removeSystemAssigned(of: id)
        _ = try await store.write { try $0.remove(id.key, in: EncryptionSetRecord.collection, if: .any) }
    }

    private func create(_ id: ResourceID, as wanted: EncryptionSetSpecification, by grant: Grant) async throws -> EncryptionSetRecord {
        guard let location = wanted.location, !location.isEmpty else { throw APIError.locationNotAvailable("") }
        guard let wantedKey = wanted.key else { throw APIError.activeKeyRequired }
        let count = try await sets(in: ResourceID(subscription: id.subscription ?? "")).count { $0.location == location }
        let facts = ["count": String(count), "region": location]
        try rules.require(.setLimit2021, count < 1000, facts)
        try rules.require(.setLimit, count < 5000, facts)
        let rotates = wanted.rotatesAutomatically ?? false
        let key = try await keyCheck.key(wantedKey, rotates: rotates, location: location, set: id)
        let wish = try wanted.identity ?? SetIdentities.wish(IdentityBody(type: nil, userAssignedIdentities: nil), rules: rules)
        let assigned = try await identities.assigned(wish, to: id, old: nil, isPatch: false, by: grant)
        let set = EncryptionSetRecord(
            id: id, location: location, tags: wanted.tags ?? [:], type: wanted.type ?? .customerKey, identity: assigned.acting,
            standby: assigned.standby, activeKey: key, rotatesAutomatically: rotates)
        do {
            return try await store.write { transaction in
                try transaction.put(set, id.key, in: EncryptionSetRecord.collection, if: .absent)
                return set
            }
        } catch StoreError.preconditionFailed {
            throw APIError(
                status: 409, code: "Conflict", message: "The disk encryption set '\(id.name)' was made by another request just now.")
        }
    }

    private func change(
        _ old: EncryptionSetRecord, to wanted: EncryptionSetSpecification, tags: [String: String], isPatch: Bool = false, by grant: Grant
    ) async throws -> EncryptionSetRecord {
        try rules.require(
            .setTypeFixed, wanted.type.map { $0 == old.type } ?? true, ["set": old.id.name, "type": old.type.rawValue])
        let rotates = wanted.rotatesAutomatically ?? old.rotatesAutomatically
        var key = old.activeKey
        // A key that stays as it is is not looked at again: tags can be changed while a vault is gone.
        if let asked = wanted.key, asked.url != key.url || asked.sourceVault.map({ $0 != key.vault }) == true || (rotates && !old.rotatesAutomatically) {
            key = try await keyCheck.key(asked, rotates: rotates, location: old.location, set: old.id)
        } else if let asked = wanted.key {
            key = SetKey(url: key.url, vault: key.vault, namesVault: asked.sourceVault != nil)
        }
        var assigned = AssignedIdentities(acting: old.identity, standby: old.standby ?? [])
        if let wish = wanted.identity { assigned = try await identities.assigned(wish, to: old.id, old: old, isPatch: isPatch, by: grant) }
        if key.url != old.activeKey.url || assigned.acting != old.identity {
            var next = old
            next.identity = assigned.acting
            try await rotation.rehearse(next, under: key)
        }
        let (now, then) = (key, assigned)
        try await store.write { transaction in
            guard var set = try transaction.encryptionSet(old.id) else { throw APIError.resourceNotFound(old.id) }
            set.tags = tags
            set.rotatesAutomatically = rotates
            if then.acting != set.identity || set.rotationError != nil {
                // Disks that stopped for the sake of the other identity may go on, and what kept a rotation back is looked at again.
                _ = try transaction.append(
                    JSON.encode(KeyChange(kind: .access, scope: now.vault, key: nil, version: nil)), to: KeyChange.stream)
            }
            (set.identity, set.standby) = (then.acting, then.standby)
            set.move(to: now)
            try transaction.put(set)
        }
        // Also what an interrupted change left behind.
        if ([then.acting] + then.standby).allSatisfy({ $0.resource != nil }) {
            try await identities.assigner.identities.removeSystemAssigned(of: old.id)
        }
        return try await rotation.converge(old.id)
    }

    private func existing(_ id: ResourceID) async throws -> EncryptionSetRecord {
        guard let set = try await store.read({ try $0.encryptionSet(id) }) else { throw APIError.resourceNotFound(id) }
        return set
    }
}
