import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferIdentity

@Suite struct RoleAuthorizerTests {
    /// Role, action, plane, and whether the one gives the other.
    static let table: [(role: String, action: Action, isAllowed: Bool)] = [
        ("Owner", .management("Microsoft.KeyVault/vaults/write"), true),
        ("Owner", .management("Microsoft.Authorization/roleAssignments/write"), true),
        ("Owner", .data("Microsoft.KeyVault/vaults/secrets/getSecret/action"), false),
        ("Contributor", .management("Microsoft.Compute/disks/delete"), true),
        ("Contributor", .management("Microsoft.Authorization/roleAssignments/read"), true),
        ("Contributor", .management("Microsoft.Authorization/roleAssignments/write"), false),
        ("Contributor", .management("microsoft.authorization/ROLEASSIGNMENTS/delete"), false),
        ("Contributor", .management("Microsoft.Authorization/elevateAccess/action"), false),
        ("Contributor", .data("Microsoft.KeyVault/vaults/keys/read"), false),
        ("Contributor", .management("Microsoft.Authorization/locks/write"), false),
        ("Contributor", .management("Microsoft.Authorization/locks/delete"), false),
        ("Contributor", .management("Microsoft.Authorization/locks/read"), true),
        ("Contributor", .management("Microsoft.Authorization/directoryObjects/write"), false),
        ("Owner", .management("Microsoft.Authorization/locks/delete"), true),
        ("User Access Administrator", .management("Microsoft.Authorization/locks/write"), true),
        ("Role Based Access Control Administrator", .management("Microsoft.Authorization/locks/write"), false),
        ("Role Based Access Control Administrator", .management("Microsoft.Authorization/roleDefinitions/write"), false),
        ("Key Vault Contributor", .management("Microsoft.Authorization/locks/write"), false),
        ("Reader", .management("Microsoft.Compute/diskEncryptionSets/read"), true),
        ("Reader", .management("Microsoft.Compute/diskEncryptionSets/write"), false),
        ("User Access Administrator", .management("Microsoft.Authorization/roleAssignments/delete"), true),
        ("User Access Administrator", .management("Microsoft.KeyVault/vaults/write"), false),
        ("Key Vault Administrator", .data("Microsoft.KeyVault/vaults/keys/wrap/action"), true),
        ("Key Vault Administrator", .data("Microsoft.KeyVault/vaults/secrets/getSecret/action"), true),
        ("Key Vault Administrator", .management("Microsoft.KeyVault/vaults/write"), false),
        ("Key Vault Administrator", .management("Microsoft.KeyVault/vaults/keys/read"), true),
        ("Key Vault Contributor", .management("Microsoft.KeyVault/vaults/write"), true),
        ("Key Vault Contributor", .management("Microsoft.KeyVault/locations/deletedVaults/purge/action"), false),
        ("Key Vault Contributor", .data("Microsoft.KeyVault/vaults/keys/read"), false),
        ("Key Vault Purge Operator", .management("Microsoft.KeyVault/locations/deletedVaults/purge/action"), true),
        ("Key Vault Reader", .data("Microsoft.KeyVault/vaults/keys/read"), true),
        ("Key Vault Reader", .data("Microsoft.KeyVault/vaults/secrets/getSecret/action"), false),
        ("Key Vault Crypto Officer", .data("Microsoft.KeyVault/vaults/keys/create/action"), true),
        ("Key Vault Crypto Officer", .data("Microsoft.KeyVault/vaults/keyrotationpolicies/write"), true),
        ("Key Vault Crypto Officer", .data("Microsoft.KeyVault/vaults/secrets/getSecret/action"), false),
        ("Key Vault Crypto User", .data("Microsoft.KeyVault/vaults/keys/sign/action"), true),
        ("Key Vault Crypto User", .data("Microsoft.KeyVault/vaults/keys/delete"), false),
        ("Key Vault Crypto Service Encryption User", .data("Microsoft.KeyVault/vaults/keys/unwrap/action"), true),
        ("Key Vault Crypto Service Encryption User", .data("Microsoft.KeyVault/vaults/keys/decrypt/action"), false),
        ("Key Vault Crypto Service Encryption User", .management("Microsoft.KeyVault/vaults/read"), false),
        ("Key Vault Secrets User", .data("Microsoft.KeyVault/vaults/secrets/getSecret/action"), true),
        ("Key Vault Secrets User", .data("Microsoft.KeyVault/vaults/secrets/setSecret/action"), false),
        ("Key Vault Certificate User", .data("Microsoft.KeyVault/vaults/certificates/read"), true),
        ("Coffer Disk Recovery Operator", .data("Microsoft.Compute/disks/exportKey/action"), true),
        ("Owner", .data("Microsoft.Compute/disks/exportKey/action"), false),
        ("Virtual Machine Contributor", .management("Microsoft.Compute/virtualMachines/start/action"), true),
        ("Virtual Machine Contributor", .management("Microsoft.Compute/disks/beginGetAccess/action"), false),
        ("Disk Snapshot Contributor", .management("Microsoft.Compute/snapshots/beginGetAccess/action"), true),
        ("Disk Backup Reader", .management("Microsoft.Compute/disks/write"), false),
    ]

    @Test(arguments: table)
    func `a role gives what its table says`(role: String, action: Action, isAllowed: Bool) async throws {
        let fixture = try await Fixture()
        let caller = try await fixture.identities.systemAssigned(for: fixture.vault("caller"))
        try await fixture.assign(role, to: caller.objectID, at: fixture.subscription)
        #expect(try await fixture.authorizer.allows(caller, action, on: fixture.vault()) == isAllowed)
    }

    /// Where a role is given, where it is asked for, and whether it reaches that far.
    static let scopes: [(given: String, asked: String, reaches: Bool)] = [
        ("/", "/subscriptions/s1/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v", true),
        ("/subscriptions/s1", "/subscriptions/s1", true),
        ("/subscriptions/s1", "/subscriptions/s10", false),
        ("/subscriptions/s1", "/subscriptions/s10/resourceGroups/g", false),
        ("/subscriptions/s1", "/subscriptions/S1/RESOURCEGROUPS/g/providers/microsoft.keyvault/vaults/v", true),
        ("/subscriptions/s1/resourceGroups/g", "/subscriptions/s1", false),
        ("/subscriptions/s1/resourceGroups/g", "/subscriptions/s1/resourceGroups/g1", false),
        ("/subscriptions/s1/resourceGroups/g", "/subscriptions/s1/resourcegroups/G/providers/Microsoft.KeyVault/vaults/v", true),
        (
            "/subscriptions/s1/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v",
            "/subscriptions/s1/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v/keys/k", true
        ),
        (
            "/subscriptions/s1/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v",
            "/subscriptions/s1/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v2/keys/k", false
        ),
        (
            "/subscriptions/s1/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v/keys/k",
            "/subscriptions/s1/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v/keys/K", true
        ),
        (
            "/subscriptions/s1/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v/keys/k",
            "/subscriptions/s1/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v/keys/k2", false
        ),
        (
            "/subscriptions/s1/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v/keys/k",
            "/subscriptions/s1/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v", false
        ),
    ]

    @Test(arguments: scopes)
    func `a role reaches down from its scope and no further`(given: String, asked: String, reaches: Bool) async throws {
        let fixture = try await Fixture()
        let caller = try await fixture.identities.systemAssigned(for: fixture.vault("caller"))
        // The administrator may not assign at the root, so this one is entered as the first start would.
        let record = RoleAssignmentRecord(
            name: GUID.make(), scope: try #require(ResourceID(given)), roleID: "00482a5a-887f-4fb3-b363-3b7fe8e74483",
            principalID: caller.objectID, created: fixture.clock.now(), updated: fixture.clock.now(), createdBy: "", updatedBy: ""
        )
        try await fixture.store.write { try $0.add(record) }
        let action = Action.data("Microsoft.KeyVault/vaults/keys/wrap/action")
        #expect(try await fixture.authorizer.allows(caller, action, on: try #require(ResourceID(asked))) == reaches)
    }

    @Test func `roles add up, and one role's notActions take nothing from another`() async throws {
        let fixture = try await Fixture()
        let caller = try await fixture.identities.systemAssigned(for: fixture.vault("caller"))
        let write = Action.management("Microsoft.Authorization/roleAssignments/write")
        try await fixture.assign("Contributor", to: caller.objectID, at: fixture.subscription)
        #expect(try await !fixture.authorizer.allows(caller, write, on: fixture.vault()))
        try await fixture.assign("User Access Administrator", to: caller.objectID, at: fixture.vault())
        #expect(try await fixture.authorizer.allows(caller, write, on: fixture.vault()))
        #expect(try await !fixture.authorizer.allows(caller, write, on: fixture.subscription))
    }

    @Test func `nobody without a role may do anything`() async throws {
        let fixture = try await Fixture()
        for objectID in ["", "00000000-0000-0000-0000-000000000000", String(fixture.administrator.objectID.dropLast())] {
            let caller = Caller(objectID: objectID, applicationID: "", tenantID: "", address: "")
            #expect(try await !fixture.authorizer.allows(caller, .management("*/read"), on: fixture.subscription))
        }
    }

    @Test func `an identity that is removed loses its roles at once`() async throws {
        let fixture = try await Fixture()
        let resource = fixture.vault("des")
        let caller = try await fixture.identities.systemAssigned(for: resource)
        try await fixture.assign("Key Vault Crypto Service Encryption User", to: caller.objectID, at: fixture.vault())
        let wrap = Action.data("Microsoft.KeyVault/vaults/keys/wrap/action")
        #expect(try await fixture.authorizer.allows(caller, wrap, on: fixture.vault()))
        try await fixture.identities.removeSystemAssigned(of: resource)
        #expect(try await !fixture.authorizer.allows(caller, wrap, on: fixture.vault()))
        #expect(try await fixture.keyChanges().last == KeyChange(kind: .access, scope: fixture.vault(), key: nil, version: nil))
    }

    @Test func `every role of the table has an id and a name of its own`() {
        let roles = BuiltInRoles.all
        #expect(Set(roles.map(\.id)).count == roles.count)
        #expect(Set(roles.map { $0.name.lowercased() }).count == roles.count)
        #expect(roles.allSatisfy { GUID.isValid($0.id) && $0.id == $0.id.lowercased() && !$0.description.isEmpty })
        #expect(roles.flatMap { $0.assignableRoles ?? [] }.allSatisfy { BuiltInRoles.role($0) != nil })
    }
}
