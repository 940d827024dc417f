import CofferCore

/// What the first start made, once and for all.
struct BootstrapRecord: Codable, Sendable {
    static let collection = "bootstrap"
    static let documentID = "installation"
    /// The realm and name under which the administrator's secret is sealed.
    static let realm = "tokens"
    static let secretName = "bootstrap administrator"

    let tenantID: String
    let subscriptionID: String
    let administratorObjectID: String
    let administratorApplicationID: String
    /// base64url. Kept so that a start after a crash, or a further replica, can tell the secret again.
    let sealedSecret: String
    let created: Timestamp
}
