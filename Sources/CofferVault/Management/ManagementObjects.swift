import CofferModel
import CofferPlatform

extension ManagementAudit {
    /// Runs `body` with a vault that is in use, and records how it ended.
    ///
    /// - Throws: ``APIError/resourceNotFound(_:)``.
    func recording(
        _ operation: String, in vault: ResourceID, _ request: ARMRequest, _ vaults: VaultsService,
        _ body: (VaultRecord) async throws -> VaultAnswer
    ) async throws -> APIResponse {
        try await recording(operation, on: vault, request) { try await body(try await vaults.vault(vault, by: request.grant)) }.response
    }

    /// Runs `body` with a vault and the name of one of its objects, and records how it ended.
    ///
    /// - Throws: ``APIError/resourceNotFound(_:)`` for the vault or the object, in the words of Azure Resource Manager.
    func recording(
        _ operation: String, _ kind: ObjectKind, _ name: String, in vault: ResourceID, _ request: ARMRequest, _ vaults: VaultsService,
        _ body: (VaultRecord, ObjectName) async throws -> VaultAnswer
    ) async throws -> APIResponse {
        try await recording(operation, in: vault, request, vaults) { record in
            do {
                return try await body(record, try ObjectName(name))
            } catch let refusal as APIError where refusal.code == "\(kind.title)NotFound" {
                throw APIError.resourceNotFound(vault.child(kind.rawValue, name) ?? vault)
            }
        }
    }
}

extension APIError {
    /// 400: a secret is made with a value.
    static let secretValueMissing = badVaultRequest("The property \"value\" is missing. Give the secret's text; it is never shown here again.")
}
