import CofferModel
import CofferPlatform

/// Asks the permission model that a vault uses.
struct VaultAccess: Sendable {
    /// Answers for vaults that use role assignments.
    let authorizer: any Authorizer

    /// - Parameter key: The key acted on, or nil for what concerns the whole vault.
    /// - Throws: `Forbidden`.
    func grant(
        _ permission: KeyPermission, to caller: Caller, in vault: VaultRecord, key: KeyName?
    ) async throws -> Grant {
        let scope = key.flatMap { vault.id.child("keys", $0.text) } ?? vault.id
        guard vault.usesRBAC else {
            return try await AccessPolicyAuthorizer(vault: vault, permission: permission)
                .grant(permission.action, to: caller, on: scope)
        }
        return try await authorizer.grant(permission.action, to: caller, on: scope)
    }
}
