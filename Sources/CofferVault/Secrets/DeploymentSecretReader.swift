package import CofferCore
package import CofferModel
package import CofferPlatform
import Foundation

/// Reads secrets for parameters of deployments. Who deploys needs no permission on the secret itself but `deploy` on the vault, which has to be enabled for
/// it; the vault's audit log has each reading.
package struct DeploymentSecretReader: SecretReader {
    static let action = Action.management("Microsoft.KeyVault/vaults/deploy/action")

    let secrets: SecretsService
    let authorizer: any Authorizer
    let audit: VaultAudit
    let clock: any WallClock
    let settings: VaultSettings

    package func deploymentSecret(_ name: String, version: String?, in id: ResourceID, for caller: Caller) async throws -> SecretBytes {
        let started = clock.now()
        let found = try await secrets.store.read { transaction -> VaultRecord? in
            guard let name = VaultName(id.name) else { return nil }
            return try transaction.vault(named: name, at: started)
        }
        guard let vault = found, vault.id == id, vault.deletion == nil else { throw APIError.deploymentVaultNotFound(id) }
        let object = "https://\(settings.host(of: vault))/secrets/\(name)" + (version.map { "/\($0)" } ?? "")
        let origin = AuditOrigin(
            started: started, address: caller.address, correlationID: UUID().uuidString.lowercased(), clientInfo: "Coffer-Deployments", uri: object)
        let secret = try await audit.recording("SecretGet", on: vault.id, by: caller, from: origin, object: object) {
            let grant: Grant
            do {
                grant = try await authorizer.grant(Self.action, to: caller, on: vault.id)
            } catch is Forbidden {
                throw APIError.deploymentVaultForbidden(vault, caller)
            }
            guard vault.enabledForTemplateDeployment else { throw APIError.vaultNotEnabledForDeployment(vault) }
            do {
                return DeploymentSecret(opened: try await secrets.opened(version, of: try ObjectName(name), in: vault, by: grant), object: object)
            } catch let refusal as APIError {
                throw APIError.deploymentSecretNotReadable(object, refusal)
            }
        }
        return secret.value.clone()
    }
}

/// A secret that was read, as the audit log has it.
private final class DeploymentSecret: Audited {
    let value: SecretBytes
    let object: String?
    var status: Int { 200 }

    init(opened: consuming OpenedSecret, object: String) {
        self.object = object
        value = opened.value.clone()
    }
}

/// Refusals of a secret for a deployment.
extension APIError {
    /// 400: no such vault.
    static func deploymentVaultNotFound(_ id: ResourceID) -> APIError {
        APIError(
            status: 400, code: "KeyVaultParameterReferenceNotFound",
            message: "The vault '\(id.text.prefix(400))' that a parameter refers to could not be found.", target: id.text)
    }

    /// 403: the vault is not the caller's to deploy from.
    static func deploymentVaultForbidden(_ vault: VaultRecord, _ caller: Caller) -> APIError {
        APIError(
            status: 403, code: "KeyVaultParameterReferenceAuthorizationFailed",
            message: "The client '\(caller.applicationID)' with object id '\(caller.objectID)' does not have permission to perform action "
                + "'\(DeploymentSecretReader.action.name)' on the vault '\(vault.name)' that a parameter refers to. The role Key Vault Contributor has it.",
            target: vault.id.text)
    }

    /// 403: the vault gives nothing to deployments.
    static func vaultNotEnabledForDeployment(_ vault: VaultRecord) -> APIError {
        APIError(
            status: 403, code: "KeyVaultParameterReferenceSecretRetrieveFailed",
            message: "The vault '\(vault.name)' that a parameter refers to is not enabled for template deployment. Enable it with: az keyvault update --name "
                + "\(vault.name) --enabled-for-template-deployment true", target: vault.id.text)
    }

    /// 400: the secret cannot be read.
    static func deploymentSecretNotReadable(_ object: String, _ refusal: APIError) -> APIError {
        APIError(
            status: 400, code: "KeyVaultParameterReferenceSecretRetrieveFailed",
            message: "The secret '\(object.prefix(300))' that a parameter refers to cannot be read: \(refusal.message)")
    }
}
