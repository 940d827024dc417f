import CofferModel
import Testing

@testable import CofferIdentity

/// The roles of Key Vault as contract section 3.1 lists them, written down a second time so that a slip in the table shows.
@Suite struct BuiltInRoleTests {
    private static let reading = [
        "Microsoft.Authorization/*/read", "Microsoft.Insights/alertRules/*", "Microsoft.Resources/deployments/*",
        "Microsoft.Resources/subscriptions/resourceGroups/read", "Microsoft.Support/*", "Microsoft.KeyVault/checkNameAvailability/read",
        "Microsoft.KeyVault/deletedVaults/read", "Microsoft.KeyVault/locations/*/read", "Microsoft.KeyVault/vaults/*/read",
        "Microsoft.KeyVault/operations/read",
    ]

    static let table: [(id: String, name: String, actions: [String], dataActions: [String])] = [
        ("00482a5a-887f-4fb3-b363-3b7fe8e74483", "Key Vault Administrator", reading, ["*"]),
        ("21090545-7ca7-4776-b22c-e363652d74d2", "Key Vault Reader", reading, ["*/read", "secrets/readMetadata/action"]),
        (
            "a4417e6f-fecd-4de8-b567-7b0420556985", "Key Vault Certificates Officer", reading,
            ["certificatecas/*", "certificates/*", "certificatecontacts/write"]
        ),
        (
            "db79e9a7-68ee-4b58-9aeb-b90e7c24fcba", "Key Vault Certificate User", [],
            ["certificates/read", "secrets/getSecret/action", "secrets/readMetadata/action", "keys/read"]
        ),
        ("14b46e9e-c2b7-41b4-b07b-48a6ebf60603", "Key Vault Crypto Officer", reading, ["keys/*", "keyrotationpolicies/*"]),
        (
            "e147488a-f6f5-4113-8e2d-b22465e65bf6", "Key Vault Crypto Service Encryption User",
            ["write", "read", "delete"].map { "Microsoft.EventGrid/eventSubscriptions/\($0)" },
            ["keys/read", "keys/wrap/action", "keys/unwrap/action"]
        ),
        (
            "12338af0-0e69-4776-bea7-57ae8d297424", "Key Vault Crypto User", [],
            ["keys/read"] + ["update", "backup", "encrypt", "decrypt", "wrap", "unwrap", "sign", "verify"].map { "keys/\($0)/action" }
        ),
        ("08bbd89e-9f13-488c-ac41-acfcb10c90ab", "Key Vault Crypto Service Release User", [], ["keys/release/action"]),
        ("b86a8fe4-44ce-4948-aee5-eccb2c155cd7", "Key Vault Secrets Officer", reading, ["secrets/*"]),
        (
            "4633458b-17de-408a-b874-0445c86b69e6", "Key Vault Secrets User", [],
            ["secrets/getSecret/action", "secrets/readMetadata/action"]
        ),
    ]

    @Test(arguments: table)
    func `a role of the data plane is Azure's to the letter`(id: String, name: String, actions: [String], dataActions: [String]) throws {
        let role = try #require(BuiltInRoles.role(id.uppercased()))
        #expect(role.name == name)
        #expect(role.actions.map(\.text) == actions)
        #expect(role.notActions.isEmpty && role.notDataActions.isEmpty)
        #expect(Set(role.dataActions.map(\.text)) == Set(dataActions.map { "Microsoft.KeyVault/vaults/" + $0 }))
        #expect(role.isAssignable(at: try #require(.init("/subscriptions/s"))))
    }

    @Test func `the roles of the management plane give no data`() throws {
        let contributor = try #require(BuiltInRoles.role("f25e0fa2-a7c8-4377-a976-54943a77a395"))
        #expect(contributor.notActions.map(\.text) == [
            "Microsoft.KeyVault/locations/deletedVaults/purge/action", "Microsoft.KeyVault/hsmPools/*", "Microsoft.KeyVault/managedHsms/*",
        ])
        for id in [
            "f25e0fa2-a7c8-4377-a976-54943a77a395", "8b54135c-b56d-4d72-a534-26097cfdc8d8", "a68e7c17-0ab2-4c09-9a58-125dae29748c",
            "8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "b24988ac-6180-42a0-ab88-20f7382dd24c", "acdd72a7-3385-48ef-bd42-f606fba81ae7",
            "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
        ] {
            #expect(try #require(BuiltInRoles.role(id)).dataActions.isEmpty, "\(id)")
        }
    }

    @Test func `who gives access to data may give eight roles and no other`() throws {
        let role = try #require(BuiltInRoles.role("8b54135c-b56d-4d72-a534-26097cfdc8d8"))
        let given = Set(role.assignableRoles?.compactMap { BuiltInRoles.role($0)?.name } ?? [])
        #expect(given == [
            "Key Vault Administrator", "Key Vault Certificates Officer", "Key Vault Crypto Officer",
            "Key Vault Crypto Service Encryption User", "Key Vault Crypto User", "Key Vault Reader", "Key Vault Secrets Officer",
            "Key Vault Secrets User",
        ])
    }

    @Test func `ids and names are each used once`() {
        #expect(Set(BuiltInRoles.all.map(\.id)).count == BuiltInRoles.all.count)
        #expect(Set(BuiltInRoles.all.map { $0.name.lowercased() }).count == BuiltInRoles.all.count)
    }
}
