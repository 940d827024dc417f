/// Who asks: a principal whose token was validated, or a part of Coffer that acts as a managed identity.
package struct Caller: Hashable, Sendable {
    /// The principal's object id (`oid`), which role assignments name.
    package let objectID: String
    /// The application's id (`appid`).
    package let applicationID: String
    package let tenantID: String
    /// Where the request came from; empty for Coffer's own.
    package let address: String
    /// Of a person who signed in: the name that the token has.
    package let userPrincipalName: String?

    package init(objectID: String, applicationID: String, tenantID: String, address: String, userPrincipalName: String? = nil) {
        self.objectID = objectID
        self.applicationID = applicationID
        self.tenantID = tenantID
        self.address = address
        self.userPrincipalName = userPrincipalName
    }
}

extension Caller {
    /// Coffer itself, where it looks at something on nobody's behalf: the state of a key before a disk encryption set's identity has
    /// been given any permission. A key service lets it ask for a key's status and nothing else.
    package static let platform = Caller(
        objectID: "00000000-0000-0000-0000-000000000001", applicationID: "00000000-0000-0000-0000-000000000001",
        tenantID: "00000000-0000-0000-0000-000000000000", address: "")
}
