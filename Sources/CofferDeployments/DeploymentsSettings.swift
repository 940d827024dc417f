/// What deployments must know of their installation.
package struct DeploymentsSettings: Sendable {
    /// Such as `https://localhost:8443`, without a trailing slash.
    package let authority: String
    package let tenantID: String
    /// How many deployments of a scope are kept; the oldest goes for a new one.
    package let history: Int

    /// - Parameter history: Azure's number if left out.
    package init(authority: String, tenantID: String, history: Int = 800) {
        self.authority = authority
        self.tenantID = tenantID
        self.history = history
    }
}
