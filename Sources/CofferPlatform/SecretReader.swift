package import CofferCore
package import CofferModel

/// Reads a vault's secret for a parameter of a deployment. Answered by CofferVault.
package protocol SecretReader: Sendable {
    /// The value of a secret, of its current version if none is named.
    ///
    /// - Throws: ``APIError`` if `caller` may not deploy from the vault (`Microsoft.KeyVault/vaults/deploy/action`), if the vault is not enabled for
    ///   template deployment, or if there is no such secret.
    func deploymentSecret(_ name: String, version: String?, in vault: ResourceID, for caller: Caller) async throws -> SecretBytes
}
