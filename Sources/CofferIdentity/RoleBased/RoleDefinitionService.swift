package import CofferCore
import CofferModel
package import CofferPlatform

/// Defines roles besides the built-in ones, changes and removes them.
package struct RoleDefinitionService: Sendable {
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

    /// - Throws: ``APIError/roleDefinitionDoesNotExist(_:)``.
    func get(_ id: String) async throws -> RoleDefinition {
        guard let role = try await store.read({ try $0.role(id) }) else { throw APIError.roleDefinitionDoesNotExist(id) }
        return role
    }

    /// The roles that may be given at `scope`, with `isBelowToo` also those that may be given somewhere below it.
    func list(at scope: ResourceID, _ filter: RoleDefinitionFilter) async throws -> [RoleDefinition] {
        let custom = try await store.read { try $0.customRoles() }.map(\.definition)
        return (BuiltInRoles.all + custom).filter { filter.takes($0, at: scope) }
    }

    /// Makes a custom role, or changes the one that has the id.
    ///
    /// - Throws: ``APIError``: an id, a name or patterns that are not allowed, a name that is taken, a built-in role, or a scope at which the
    ///   caller may not define roles.
    func put(_ id: String, _ body: RoleDefinitionBody, by grant: Grant) async throws -> (role: RoleDefinition, isNew: Bool) {
        guard GUID.isValid(id) else { throw APIError.invalidRoleDefinitionID(id) }
        let id = id.lowercased()
        guard BuiltInRoles.role(id) == nil else { throw APIError.builtInRole(id) }
        let checked = try body.checked(subscription: ResourceID(subscription: settings.subscriptionID))
        guard !BuiltInRoles.all.contains(where: { $0.name.lowercased() == checked.name.lowercased() }) else {
            throw APIError.roleDefinitionNameTaken(checked.name)
        }
        let known = try await store.read { try $0.customRole(id) }
        // A role reaches into all its scopes, the old ones too, so whoever changes it must be allowed to in each of them.
        try await check(grant, in: checked.assignableScopes + (known?.assignableScopes ?? []))
        let now = clock.now()
        let result = try await store.write { transaction -> (role: RoleDefinition, isNew: Bool) in
            let old = try transaction.customRole(id)
            // What was checked above must be what is replaced here.
            guard old?.assignableScopes == known?.assignableScopes else { throw APIError.concurrentRoleUpdate(id) }
            if let holder = try transaction.customRole(named: checked.name), holder != id {
                throw APIError.roleDefinitionNameTaken(checked.name)
            }
            if old != nil {
                let outside = try transaction.roleAssignments().contains { assignment in
                    assignment.roleID == id && !checked.assignableScopes.contains { $0.contains(assignment.scope) }
                }
                if outside { throw APIError.roleDefinitionHasAssignments(id) }
            }
            let role = RoleDefinitionRecord(
                id: id, name: checked.name, description: checked.description, actions: checked.actions,
                notActions: checked.notActions, dataActions: checked.dataActions, notDataActions: checked.notDataActions,
                assignableScopes: checked.assignableScopes, created: old?.created ?? now, updated: now,
                createdBy: old?.createdBy ?? grant.caller.objectID, updatedBy: grant.caller.objectID
            )
            try transaction.put(role, replacing: old)
            return (role.definition, old == nil)
        }
        if !result.isNew { bell.ring() }
        return result
    }

    /// Removes a custom role.
    ///
    /// - Returns: what was removed, or nil if there was nothing.
    /// - Throws: ``APIError/roleDefinitionHasAssignments(_:)`` while somebody has it.
    func delete(_ id: String, by grant: Grant) async throws -> RoleDefinition? {
        guard BuiltInRoles.role(id) == nil else { throw APIError.builtInRole(id) }
        guard let known = try await store.read({ try $0.customRole(id) }) else { return nil }
        try await check(grant, in: known.assignableScopes)
        return try await store.write { transaction in
            guard let role = try transaction.customRole(id) else { return nil }
            guard role.assignableScopes == known.assignableScopes else { throw APIError.concurrentRoleUpdate(id) }
            if try transaction.roleAssignments().contains(where: { $0.roleID == role.id }) {
                throw APIError.roleDefinitionHasAssignments(role.id)
            }
            try transaction.remove(role)
            return role.definition
        }
    }

    private func check(_ grant: Grant, in scopes: [ResourceID]) async throws {
        for scope in scopes {
            guard try await authorizer.allows(grant.caller, grant.action, on: scope) else {
                throw APIError.linkedAuthorizationFailed(grant.caller.objectID, grant.action.name, scope)
            }
        }
    }
}
