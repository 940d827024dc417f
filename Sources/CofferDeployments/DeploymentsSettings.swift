/// What deployments must know of their installation.
package struct DeploymentsSettings: Sendable {
    /// Such as `https://localhost:8443`, without a trailing slash.
    package let authority: String
    package let tenantID: String

    package init(authority: String, tenantID: String) {
        self.authority = authority
        self.tenantID = tenantID
    }
}
