package import CofferModel

/// What the disk platform must know of its installation.
package struct ComputeSettings: Sendable {
    package let ruleSet: RuleSet
    /// Such as `https://localhost:8443`, without a trailing slash: ARM and the token service.
    package let authority: String
    package let tenantID: String
    package let subscriptionID: String
    /// The region of the installation, such as `uksouth`.
    package let region: String
    /// What `aud` a token for Coffer's own disk operations may have.
    package let audiences: [String]
    /// Where the disk host keeps its disks.
    package let diskStore: DiskStoreLocation
    /// The directory of virtual machines' directories, without a trailing slash: `DATA/run/vm`.
    package let machinesPath: String
    /// The certificate that the installation's others are signed by, PEM.
    package let certificateAuthority: String
    /// `vault.localhost:8443`, for examples in messages.
    package let vaultSuffix: String
    /// Whether attached disks are held to the operations and bytes a second of their SKU, size and tier.
    package let enforcesPerformance: Bool

    package init(
        ruleSet: RuleSet = .year2021, authority: String, tenantID: String, subscriptionID: String, region: String, audiences: [String],
        diskStore: DiskStoreLocation, machinesPath: String, certificateAuthority: String, vaultSuffix: String, enforcesPerformance: Bool = false
    ) {
        self.ruleSet = ruleSet
        self.authority = authority
        self.tenantID = tenantID
        self.subscriptionID = subscriptionID
        self.region = region
        self.audiences = audiences
        self.diskStore = diskStore
        self.machinesPath = machinesPath
        self.certificateAuthority = certificateAuthority
        self.vaultSuffix = vaultSuffix
        self.enforcesPerformance = enforcesPerformance
    }
}
