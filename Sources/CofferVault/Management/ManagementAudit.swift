import CofferCore
import CofferModel
import CofferPlatform

/// Records what Azure Resource Manager did with vaults.
struct ManagementAudit: Sendable {
    let trail: VaultAudit
    let clock: any WallClock

    func recording<Answer: Audited>(
        _ operation: String, on vault: ResourceID, _ request: ARMRequest, _ body: () async throws -> Answer
    ) async throws -> Answer {
        let origin = AuditOrigin(request.http, started: clock.now())
        return try await trail.recording(operation, on: vault, by: request.grant.caller, from: origin, object: nil, body)
    }

    /// The same for a change, with a second event if it changed permissions: who watches for those need not know every way to change them.
    func recordingChange(
        _ operation: String, on vault: ResourceID, _ request: ARMRequest, _ body: () async throws -> ChangedVault
    ) async throws -> VaultRecord {
        let changed = try await recording(operation, on: vault, request, body)
        if changed.changesPermissions {
            _ = try await recording("VaultAccessPolicyChangedEventGridNotification", on: vault, request) { changed }
        }
        return changed.vault
    }
}

extension ChangedVault: Audited {
    var status: Int { 200 }
    var object: String? { nil }
}
