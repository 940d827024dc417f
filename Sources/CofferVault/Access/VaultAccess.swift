import CofferModel
import CofferPlatform

/// Asks the permission model that a vault uses.
struct VaultAccess: Sendable {
    /// Answers for vaults that use role assignments, and tells the groups that access policies name.
    let authorizer: any Authorizer
    let settings: VaultSettings

    /// - Parameter object: The object acted on, or nil for what concerns the whole vault.
    /// - Throws: an ``APIError`` of status 403 that says how to get the permission.
    func grant(
        _ permission: any ObjectPermission, to caller: Caller, in vault: VaultRecord, object: ObjectName?
    ) async throws -> Grant {
        do {
            return try await ask(permission, caller, vault, object)
        } catch let refusal as Forbidden {
            // Whoever may read an asymmetric key has its public part and can do this alone; so may do it here.
            if vault.usesRBAC, permission.needsOnlyPublicKey {
                do {
                    return try await ask(KeyPermission.get, caller, vault, object)
                } catch is Forbidden {}
            }
            let groupCount = vault.usesRBAC ? 0 : try await authorizer.groups(of: caller).count
            throw APIError.forbidden(
                permission, caller, refusal.scope, in: vault, issuer: settings.issuer, groupCount: groupCount)
        }
    }

    /// The same, worded by the caller of this function.
    ///
    /// - Throws: `Forbidden`.
    func ask(
        _ permission: any ObjectPermission, _ caller: Caller, _ vault: VaultRecord, _ object: ObjectName?
    ) async throws -> Grant {
        let scope = object.flatMap { vault.id.child(permission.kind.rawValue, $0.text) } ?? vault.id
        guard vault.usesRBAC else {
            return try await AccessPolicyAuthorizer(vault: vault, permission: permission, directory: authorizer)
                .grant(permission.action, to: caller, on: scope)
        }
        return try await authorizer.grant(permission.action, to: caller, on: scope)
    }
}
