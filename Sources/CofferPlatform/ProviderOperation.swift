/// Something that a role can allow, as a provider lists it to those who write roles.
package struct ProviderOperation: Encodable, Sendable {
    /// Such as `Microsoft.KeyVault/vaults/keys/sign/action`.
    package let name: String
    package let isDataAction: Bool
    package let display: Display

    package struct Display: Encodable, Sendable {
        package let provider: String
        package let resource: String
        package let operation: String
        package let description: String
    }

    /// - Parameters:
    ///   - provider: Its name for people, such as `Microsoft Key Vault`.
    ///   - resource: What the action is done to, such as `Key`.
    ///   - sentence: What it does, without a full stop.
    package init(_ action: Action, provider: String, resource: String, _ sentence: String) {
        name = action.name
        isDataAction = action.plane == .data
        display = Display(provider: provider, resource: resource, operation: sentence, description: sentence)
    }
}
