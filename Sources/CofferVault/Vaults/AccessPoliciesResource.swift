import CofferModel

/// The body of `PUT …/accessPolicies/{operationKind}`, as sent.
struct AccessPoliciesBody: Decodable, Sendable {
    let properties: Properties

    struct Properties: Decodable, Sendable {
        let accessPolicies: [AccessPolicy]
    }
}

/// A vault's access policies as Azure Resource Manager shows them after a change.
struct AccessPoliciesResource: Encodable, Sendable {
    let id: String
    let type = "Microsoft.KeyVault/vaults/accessPolicies"
    let location: String
    let properties: Properties

    struct Properties: Encodable, Sendable {
        let accessPolicies: [AccessPolicy]
    }

    init(_ vault: VaultRecord) {
        id = "\(vault.id.text)/accessPolicies/"
        location = vault.location
        properties = Properties(accessPolicies: vault.accessPolicies)
    }
}
