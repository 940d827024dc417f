import CofferCore
import CofferModel
import CofferPlatform

/// Puts locks on subscriptions, groups and resources, and refuses what they forbid.
///
/// All locks of a subscription are read for each write or delete: there are few, and one read of one range is all that it costs.
struct LocksService: Sendable {
    private let store: any Store
    private let clock: any WallClock

    init(store: any Store, clock: any WallClock) {
        self.store = store
        self.clock = clock
    }

    /// Makes a lock, or changes level and notes of the one that has the name. The locked scope exists.
    ///
    /// - Throws: ``APIError``: a name, a level or notes that are not allowed.
    func put(_ name: String, at scope: ResourceID, _ body: LockBody, by grant: Grant) async throws -> (record: LockRecord, isNew: Bool) {
        try Self.checkName(name)
        guard let level = LockLevel(anyCase: body.properties.level) else { throw APIError.invalidLockLevel(body.properties.level) }
        let notes = body.properties.notes
        guard (notes?.count ?? 0) <= 512 else { throw APIError.lockNotesTooLong() }
        let owners = body.properties.owners?.compactMap(\.applicationId) ?? []
        let now = clock.now()
        return try await store.write { transaction in
            let id = LockRecord.documentID(name, at: scope)
            if var lock = try transaction.value(LockRecord.self, id, in: LockRecord.collection)?.value {
                lock.level = level
                lock.notes = notes
                lock.owners = owners
                lock.updated = now
                lock.updatedBy = grant.caller.objectID
                try transaction.put(lock, id, in: LockRecord.collection)
                return (lock, false)
            }
            let lock = LockRecord(
                name: name, scope: scope, level: level, notes: notes, owners: owners, created: now, updated: now,
                createdBy: grant.caller.objectID, updatedBy: grant.caller.objectID
            )
            try transaction.put(lock, id, in: LockRecord.collection, if: .absent)
            return (lock, true)
        }
    }

    /// - Throws: ``APIError/lockNotFound(_:_:)``.
    func get(_ name: String, at scope: ResourceID) async throws -> LockRecord {
        let id = LockRecord.documentID(name, at: scope)
        let lock = try await store.read { try $0.value(LockRecord.self, id, in: LockRecord.collection)?.value }
        guard let lock else { throw APIError.lockNotFound(name, scope) }
        return lock
    }

    /// - Returns: whether there was one.
    func delete(_ name: String, at scope: ResourceID, by grant: Grant) async throws -> Bool {
        let id = LockRecord.documentID(name, at: scope)
        return try await store.write { try $0.remove(id, in: LockRecord.collection, if: .any) }
    }

    /// The locks at `scope` and, unless only those are asked for, below it, in order of their ids.
    func list(at scope: ResourceID, isAtScopeOnly: Bool) async throws -> [LockRecord] {
        try await locks(of: scope).filter { isAtScopeOnly ? $0.scope == scope : scope.contains($0.scope) }
    }

    /// Refuses what a lock forbids: a delete if anything at, above or below `scope` is locked, a write if a lock at or above
    /// it is read-only.
    ///
    /// - Parameter action: Its last word tells a read, a delete, and everything else, which is a write.
    /// - Throws: ``APIError/scopeLocked(_:_:by:)`` naming the scopes that are locked.
    func check(_ action: Action, on scope: ResourceID) async throws {
        let verb = action.name.split(separator: "/").last?.lowercased() ?? ""
        guard verb != "read" else { return }
        let isDelete = verb == "delete"
        let locked = try await locks(of: scope).filter { lock in
            lock.scope.contains(scope) && (isDelete || lock.level == .readOnly) || isDelete && scope.contains(lock.scope)
        }.map(\.scope)
        guard locked.isEmpty else {
            var distinct: [ResourceID] = []
            for each in locked where !distinct.contains(each) { distinct.append(each) }
            throw APIError.scopeLocked(scope, isDelete ? "delete" : "write", by: distinct)
        }
    }

    /// Removes all locks at or below `scope`, which was deleted: one that was put there meanwhile would lock nothing.
    func removeAll(below scope: ResourceID) async throws {
        guard try await !list(at: scope, isAtScopeOnly: false).isEmpty else { return }
        try await store.write { transaction in
            let prefix = Self.prefix(of: scope)
            let locks = try transaction.values(LockRecord.self, in: LockRecord.collection, prefix: prefix)
            for lock in locks where scope.contains(lock.scope) {
                try transaction.remove(lock.documentID, in: LockRecord.collection, if: .any)
            }
        }
    }

    private func locks(of scope: ResourceID) async throws -> [LockRecord] {
        let prefix = Self.prefix(of: scope)
        return try await store.read { try $0.values(LockRecord.self, in: LockRecord.collection, prefix: prefix) }
    }

    private static func prefix(of scope: ResourceID) -> String {
        scope.subscription.map { "/subscriptions/\($0)/".lowercased() } ?? "/"
    }

    private static func checkName(_ name: String) throws {
        let isAllowed = name.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7F && !"<>%&:\\?/#".unicodeScalars.contains($0) }
        guard (1...260).contains(name.count), isAllowed else { throw APIError.invalidLockName() }
    }
}
