/// Where the vaults of one Coffer are found and whose tokens they take.
package struct VaultSettings: Sendable {
    /// What follows a vault's name in its host, with the port: `vault.localhost:8443`.
    package let suffix: String
    /// The token service's origin without a trailing slash, such as `https://localhost:8443`. It has no path, because
    /// clients take the tenant from the first segment of the challenge's `authorization`.
    package let authority: String
    /// The one tenant whose tokens are taken.
    package let tenantID: String
    /// A region to name in advice, such as `uksouth`.
    package let region: String
    /// Whether vaults refuse what exceeds the limits that Azure publishes.
    package let isThrottled: Bool
    /// The resource that a challenge names. It has the port, because clients check that the vault's host with its port
    /// ends in it.
    let resource: String
    /// What the `aud` of a token may be: the challenge's resource, the same without a port, and the resource that clients
    /// ask for when they never look at a challenge.
    let audiences: [String]
    /// What follows a vault's name in its host, without a port: `.vault.localhost`.
    private let domain: String

    package init(suffix: String, authority: String, tenantID: String, region: String, isThrottled: Bool = false) {
        self.suffix = suffix.lowercased()
        self.authority = authority
        self.tenantID = tenantID
        self.region = region
        self.isThrottled = isThrottled
        let host = Self.withoutPort(self.suffix)
        resource = "https://\(self.suffix)"
        audiences = [resource, "https://\(host)", "https://vault.azure.net"]
        domain = ".\(host)"
    }

    /// The `iss` of tokens, as refusals name it.
    var issuer: String { "https://sts.windows.net/\(tenantID)/" }

    /// Host with port of a vault.
    func host(of vault: VaultRecord) -> String { "\(vault.name.lowercased()).\(suffix)" }

    /// The name of the vault whose host this is, or nil if it is not of the form `NAME.SUFFIX`. Ports are not compared: a disk's
    /// header keeps the key's URL, and the installation may since have moved to another port.
    func vault(host: String) -> VaultName? {
        let host = Self.withoutPort(host.lowercased())
        let length = host.utf8.count - domain.utf8.count
        guard length >= 0, host.utf8.dropFirst(length).elementsEqual(domain.utf8) else { return nil }
        return VaultName(String(decoding: host.utf8.prefix(length), as: UTF8.self))
    }

    private static func withoutPort(_ host: String) -> String {
        guard let colon = host.utf8.firstIndex(of: UInt8(ascii: ":")) else { return host }
        return String(host[..<colon])
    }
}
