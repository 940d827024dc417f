import Foundation

/// What a client must know of an installation. `coffer serve` writes it to `installation.json` in the data directory at
/// each start; it holds no secret.
package struct InstallationCard: Codable, Equatable, Sendable {
    /// Such as `https://localhost:8443`.
    package let authority: String
    /// Such as `vault.localhost:8443`.
    package let vaultSuffix: String
    package let tenantID: String
    package let subscriptionID: String
    package let region: String
    /// The bootstrap administrator's application id and object id.
    package let administratorClientID: String
    package let administratorObjectID: String

    package init(
        authority: String, vaultSuffix: String, tenantID: String, subscriptionID: String, region: String,
        administratorClientID: String, administratorObjectID: String
    ) {
        self.authority = authority
        self.vaultSuffix = vaultSuffix
        self.tenantID = tenantID
        self.subscriptionID = subscriptionID
        self.region = region
        self.administratorClientID = administratorClientID
        self.administratorObjectID = administratorObjectID
    }
}
