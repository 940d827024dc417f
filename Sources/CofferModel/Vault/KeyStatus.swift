package import CofferCore

/// What the disk platform must know of a key before it relies on it.
package struct KeyStatus: Equatable, Sendable {
    /// The versioned URL of the version asked for, or of the current one.
    package let url: KeyURL
    /// The key's current (newest) version.
    package let currentVersion: String
    package let isEnabled: Bool
    package let notBefore: Timestamp?
    package let expires: Timestamp?
    /// Such as `RSA` or `RSA-HSM`.
    package let keyType: String
    /// Bits of an RSA key.
    package let bits: Int
    /// The vault that holds it.
    package let vault: ResourceID
    /// The vault's region, such as `uksouth`.
    package let location: String
    package let hasPurgeProtection: Bool

    package init(
        url: KeyURL, currentVersion: String, isEnabled: Bool, notBefore: Timestamp?, expires: Timestamp?, keyType: String,
        bits: Int, vault: ResourceID, location: String, hasPurgeProtection: Bool
    ) {
        self.url = url
        self.currentVersion = currentVersion
        self.isEnabled = isEnabled
        self.notBefore = notBefore
        self.expires = expires
        self.keyType = keyType
        self.bits = bits
        self.vault = vault
        self.location = location
        self.hasPurgeProtection = hasPurgeProtection
    }
}
