/// Azure's features that a subscription must be registered for. Answered by CofferResources.
package protocol SubscriptionFeatures: Sendable {
    /// Whether a feature is registered, such as `EncryptionAtHost` of `Microsoft.Compute`.
    func isRegistered(_ feature: String, of namespace: String, in subscription: String) async throws -> Bool
}
