import CofferModel
import CofferPlatform

/// Decides by a vault's access policies, for a vault that does not use role assignments.
struct AccessPolicyAuthorizer: Authorizer {
    let vault: VaultRecord
    /// Finer than the action, since policies tell get from list.
    let permission: any ObjectPermission
    /// Knows the caller's groups, which policies may name too.
    let directory: any Authorizer

    func allows(_ caller: Caller, _ action: Action, on scope: ResourceID) async throws -> Bool {
        guard vault.id.contains(scope), action == permission.action,
            caller.tenantID.lowercased() == vault.tenantID.lowercased()
        else { return false }
        if gives(to: caller.objectID, caller) { return true }
        return try await directory.groups(of: caller).contains { gives(to: $0, caller) }
    }

    /// Whether a policy gives the permission to the principal or group with this object id.
    private func gives(to objectID: String, _ caller: Caller) -> Bool {
        vault.accessPolicies.contains {
            $0.gives(permission.policyName, on: permission.kind, objectID: objectID, applicationID: caller.applicationID)
        }
    }
}
