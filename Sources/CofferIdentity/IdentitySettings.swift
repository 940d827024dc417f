/// What the token service says of itself, and to whom it gives tokens.
package struct IdentitySettings: Sendable {
    /// Scheme, host and port of the token service, without a trailing slash: `https://localhost:8443`.
    package let authority: String
    /// The one tenant, a GUID in lower case.
    package let tenantID: String
    /// The subscription, a GUID in lower case.
    package let subscriptionID: String
    /// The resources that tokens may be asked for, as application id URIs; a trailing slash makes no difference.
    package let resources: [String]

    package init(authority: String, tenantID: String, subscriptionID: String, resources: [String]) {
        self.authority = authority.hasSuffix("/") ? String(authority.dropLast()) : authority
        self.tenantID = tenantID.lowercased()
        self.subscriptionID = subscriptionID.lowercased()
        self.resources = resources
    }

    /// `iss` of every token: what Key Vault's clients and error messages expect (contract section 1.3).
    package var issuer: String { "https://sts.windows.net/\(tenantID)/" }

    /// `aud` values that Azure Resource Manager and the directory accept: the endpoint itself, and the two names that SDKs
    /// without cloud configuration ask for.
    package static func managementAudiences(authority: String) -> [String] {
        [authority, "https://management.azure.com", "https://management.core.windows.net"]
    }

    /// Every resource of a default installation.
    ///
    /// - Parameter vaultSuffix: Host and port below which vaults live, such as `vault.localhost:8443`.
    package static func defaultResources(authority: String, vaultSuffix: String) -> [String] {
        managementAudiences(authority: authority)
            + ["https://\(vaultSuffix)", "https://vault.azure.net", "https://graph.microsoft.com"]
    }
}

/// Names of resources in tokens and requests for them.
enum Audience {
    /// The form in which audiences are compared: lower case, without trailing slashes.
    static func canonical(_ text: String) -> String {
        var text = text.lowercased()
        while text.hasSuffix("/") { text.removeLast() }
        return text
    }

    /// Whether both name the same resource.
    static func same(_ left: String, _ right: String) -> Bool {
        canonical(left) == canonical(right)
    }
}
