import CofferModel
import CofferPlatform

/// Decides by a vault's access policies, for a vault that does not use role assignments.
struct AccessPolicyAuthorizer: Authorizer {
    let vault: VaultRecord
    /// Finer than the action, since policies tell get from list.
    let permission: any ObjectPermission

    func allows(_ caller: Caller, _ action: Action, on scope: ResourceID) async throws -> Bool {
        guard vault.id.contains(scope), action == permission.action,
            caller.tenantID.lowercased() == vault.tenantID.lowercased()
        else { return false }
        return vault.accessPolicies.contains {
            $0.gives(permission.policyName, on: permission.kind, objectID: caller.objectID, applicationID: caller.applicationID)
        }
    }
}
