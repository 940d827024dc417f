/// What the resource manager must know of its installation.
package struct ResourcesSettings: Sendable {
    /// Such as `https://localhost:8443`, without a trailing slash: ARM and the token service.
    package let authority: String
    package let tenantID: String
    package let subscriptionID: String
    /// Shown as the subscription's name.
    package let subscriptionName: String
    /// The region of this installation, such as `uksouth`, listed first.
    package let region: String
    /// `vault.localhost:8443`.
    package let vaultSuffix: String

    package init(
        authority: String, tenantID: String, subscriptionID: String, subscriptionName: String, region: String, vaultSuffix: String
    ) {
        self.authority = authority
        self.tenantID = tenantID
        self.subscriptionID = subscriptionID
        self.subscriptionName = subscriptionName
        self.region = region
        self.vaultSuffix = vaultSuffix
    }

    /// What `aud` a token for Azure Resource Manager may have.
    package var audiences: [String] {
        [authority, "https://management.azure.com", "https://management.core.windows.net"]
    }
}
