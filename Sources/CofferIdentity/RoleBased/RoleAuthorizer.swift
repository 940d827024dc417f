package import CofferModel
package import CofferPlatform

/// Decides by role assignments (contract section 3.3): whoever has a role at a scope, or above it, may do what the role's
/// actions say and its notActions do not take back; several assignments add up.
///
/// Each decision rests on the store's state when it was asked for, so that a change takes effect at once on every replica: one document with
/// the caller's groups, then one range for the caller and for each of its groups. There are no deny assignments.
package struct RoleAuthorizer: Authorizer {
    private let store: any Store

    package init(store: any Store) {
        self.store = store
    }

    package func allows(_ caller: Caller, _ action: Action, on scope: ResourceID) async throws -> Bool {
        let objectID = caller.objectID
        return try await store.read(answering: StoreQuestion("allows", objectID, action.name, action.plane == .data ? "data" : "management", scope.key)) {
            try $0.roles(of: objectID, at: scope).contains { $0.allows(action) }
        }
    }

    package func groups(of caller: Caller) async throws -> [String] {
        let objectID = caller.objectID
        return try await store.read(answering: StoreQuestion("groups", objectID)) { try $0.groups(of: objectID) }
    }

    /// Whether `caller` may write or delete assignments of the role `roleID`: some role of theirs that allows `action` is
    /// not limited to other roles.
    func allowsAssigning(_ roleID: String, to caller: Caller, by action: Action, on scope: ResourceID) async throws -> Bool {
        try await roles(of: caller, at: scope).contains {
            $0.allows(action) && $0.assignableRoles?.contains(roleID) != false
        }
    }

    /// The roles that `caller` has at `scope` or above.
    func roles(of caller: Caller, at scope: ResourceID) async throws -> [RoleDefinition] {
        let objectID = caller.objectID
        return try await store.read { try $0.roles(of: objectID, at: scope) }
    }
}

extension ReadTransaction {
    /// The roles that a principal has at `scope` or above, by itself or through its groups, each once.
    fileprivate func roles(of objectID: String, at scope: ResourceID) throws -> [RoleDefinition] {
        var roleIDs: [String] = []
        for holder in [objectID] + (try groups(of: objectID)) {
            for assignment in try roleAssignments(of: holder)
            where assignment.scope.contains(scope) && !roleIDs.contains(assignment.roleID) {
                roleIDs.append(assignment.roleID)
            }
        }
        return try roleIDs.compactMap { try role($0) }
    }
}
