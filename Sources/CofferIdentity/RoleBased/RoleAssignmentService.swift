package import CofferCore
package import CofferModel
package import CofferPlatform

/// Gives roles to principals and takes them back. Each change is told to those who follow keys, because it may make a key
/// usable or unusable for somebody.
package struct RoleAssignmentService: Sendable {
    /// What a client asks for.
    struct Draft: Sendable {
        let name: String
        let scope: ResourceID
        /// As sent: a resource id that ends with the GUID, or the GUID.
        let roleDefinitionID: String
        let principalID: String
        let principalType: String?
        let description: String?
    }

    private let store: any Store
    private let clock: any WallClock
    private let bell: EventBell
    private let settings: IdentitySettings
    private let authorizer: RoleAuthorizer

    package init(store: any Store, clock: any WallClock, bell: EventBell, settings: IdentitySettings) {
        self.store = store
        self.clock = clock
        self.bell = bell
        self.settings = settings
        authorizer = RoleAuthorizer(store: store)
    }

    /// Makes an assignment, or changes the description of the one that has the name.
    ///
    /// - Returns: the assignment, and whether it is new.
    /// - Throws: ``APIError``: the role or principal is unknown, the same assignment exists under another name, or the name
    ///   is used for another one.
    func put(_ draft: Draft, by grant: Grant) async throws -> (record: RoleAssignmentRecord, isNew: Bool) {
        guard GUID.isValid(draft.name) else { throw APIError.invalidRoleAssignmentID(draft.name) }
        let roleID = draft.roleDefinitionID.split(separator: "/").last.map { $0.lowercased() } ?? ""
        guard let role = try await store.read({ try $0.role(roleID) }) else { throw APIError.roleDefinitionDoesNotExist(draft.roleDefinitionID) }
        try await check(grant, mayAssign: role.id, at: draft.scope)
        let now = clock.now()
        let tenant = settings.tenantID
        let draftRecord = RoleAssignmentRecord(
            name: draft.name.lowercased(), scope: draft.scope, roleID: role.id, principalID: draft.principalID.lowercased(),
            description: draft.description, created: now, updated: now, createdBy: grant.caller.objectID,
            updatedBy: grant.caller.objectID
        )
        let result = try await store.write { transaction -> (record: RoleAssignmentRecord, isNew: Bool) in
            guard let type = try transaction.directoryObject(draftRecord.principalID)?.type else {
                throw APIError.principalNotFound(draft.principalID, tenant: tenant)
            }
            if let claimed = draft.principalType, claimed.lowercased() != type.rawValue.lowercased() {
                throw APIError.unmatchedPrincipalType(draft.principalID, is: type.rawValue, not: claimed)
            }
            // Read again, because a custom role may have changed or gone since.
            guard let role = try transaction.role(draftRecord.roleID) else {
                throw APIError.roleDefinitionDoesNotExist(draft.roleDefinitionID)
            }
            guard role.isAssignable(at: draft.scope) else { throw APIError.roleNotAssignable(role.id, at: draft.scope) }
            var fresh = draftRecord
            fresh.principalType = type
            if let known = try transaction.roleAssignment(named: fresh.name) {
                return (try transaction.update(known, to: fresh), false)
            }
            let double = try transaction.roleAssignments(of: fresh.principalID)
                .first { $0.scope == fresh.scope && $0.roleID == fresh.roleID }
            if let double { throw APIError.roleAssignmentExists(double.name) }
            try transaction.add(fresh)
            return (fresh, true)
        }
        if result.isNew { bell.ring() }
        return result
    }

    /// - Throws: ``APIError/roleAssignmentNotFound(_:)``.
    func get(_ name: String, at scope: ResourceID) async throws -> RoleAssignmentRecord {
        let known = try await store.read { try $0.roleAssignment(named: name) }
        guard let known, known.scope == scope else { throw APIError.roleAssignmentNotFound(name) }
        return known
    }

    /// Removes an assignment.
    ///
    /// - Returns: what was removed, or nil if there was nothing.
    /// - Throws: ``APIError/lastOwner(_:)``.
    func delete(_ name: String, at scope: ResourceID, by grant: Grant) async throws -> RoleAssignmentRecord? {
        guard let found = try await store.read({ try $0.roleAssignment(named: name) }), found.scope == scope else { return nil }
        try await check(grant, mayAssign: found.roleID, at: scope)
        let subscription = ResourceID(subscription: settings.subscriptionID)
        let removed = try await store.write { transaction -> RoleAssignmentRecord? in
            guard let known = try transaction.roleAssignment(named: name), known.scope == scope else { return nil }
            try transaction.remove(known)
            if known.isSignInOwner(of: subscription) { try transaction.checkOwnerRemains(of: subscription) }
            return known
        }
        if removed != nil { bell.ring() }
        return removed
    }

    func list(at scope: ResourceID, _ filter: RoleAssignmentFilter) async throws -> [RoleAssignmentRecord] {
        let all = try await store.read { transaction in
            guard let principalID = filter.principalID else { return try transaction.roleAssignments() }
            let groups = filter.includesGroups ? try transaction.groups(of: principalID) : []
            return try ([principalID] + groups).flatMap { try transaction.roleAssignments(of: $0) }
        }
        return all.filter { filter.takes($0, at: scope) }
    }

    /// Removes all assignments at or below `scope`, which was deleted.
    package func removeAll(below scope: ResourceID) async throws {
        let count = try await store.write { transaction in
            let gone = try transaction.roleAssignments().filter { scope.contains($0.scope) }
            for assignment in gone { try transaction.remove(assignment) }
            return gone.count
        }
        if count > 0 { bell.ring() }
    }

    /// What `caller` may do at `scope`.
    func roles(of caller: Caller, at scope: ResourceID) async throws -> [RoleDefinition] {
        try await authorizer.roles(of: caller, at: scope)
    }

    /// A grant is for the scope that it names and what lies below; some roles give some roles only.
    private func check(_ grant: Grant, mayAssign roleID: String, at scope: ResourceID) async throws {
        guard grant.covers(scope),
            try await authorizer.allowsAssigning(roleID, to: grant.caller, by: grant.action, on: scope)
        else { throw APIError.authorizationFailed(grant.caller.objectID, grant.action.name, scope) }
    }
}

extension WriteTransaction {
    /// Writes what may change of an assignment.
    /// - Throws: ``APIError/roleAssignmentUpdateNotPermitted()`` for anything else.
    fileprivate func update(_ known: RoleAssignmentRecord, to fresh: RoleAssignmentRecord) throws -> RoleAssignmentRecord {
        guard known.scope == fresh.scope, known.principalID == fresh.principalID, known.roleID == fresh.roleID else {
            throw APIError.roleAssignmentUpdateNotPermitted()
        }
        guard known.description != fresh.description else { return known }
        var changed = known
        changed.description = fresh.description
        changed.updated = fresh.updated
        changed.updatedBy = fresh.updatedBy
        try put(changed, changed.documentID, in: RoleAssignmentRecord.collection)
        return changed
    }
}
