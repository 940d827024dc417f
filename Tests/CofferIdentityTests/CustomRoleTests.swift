import CofferModel
import CofferPlatform
import Testing

@testable import CofferIdentity

@Suite struct CustomRoleTests {
    /// The body that `az role definition create` sends.
    private func role(
        _ fixture: Fixture, _ name: String = "Signer", dataActions: [JSONValue] = ["Microsoft.KeyVault/vaults/keys/*"],
        notDataActions: [JSONValue] = ["Microsoft.KeyVault/vaults/keys/delete"], scopes: [JSONValue]? = nil
    ) -> JSONValue {
        [
            "properties": [
                "roleName": .string(name), "description": "signs", "type": "CustomRole",
                "assignableScopes": .array(scopes ?? [.string(fixture.subscription.text)]),
                "permissions": [["actions": ["*/read"], "notActions": [], "dataActions": .array(dataActions), "notDataActions": .array(notDataActions)]],
            ]
        ]
    }

    @Test func `a custom role is defined, given, changed and removed`() async throws {
        let fixture = try await Fixture()
        let id = GUID.make()
        let made = try await fixture.authorization(.put, "roleDefinitions/\(id)", at: fixture.subscription, body: role(fixture))
        #expect(made.status == 201)
        #expect(made.json["name"] == .string(id))
        #expect(made.json["properties"]?["type"] == "CustomRole")
        #expect(made.json["properties"]?["assignableScopes"] == [.string(fixture.subscription.text)])
        let found = try await fixture.authorization(.get, "roleDefinitions", at: fixture.vault(), filter: "roleName eq 'signer'")
        #expect(found.json["value"]?.array?.count == 1)
        let custom = try await fixture.authorization(.get, "roleDefinitions", at: fixture.vault(), filter: "type eq 'CustomRole'")
        #expect(custom.json["value"]?.array?.map { $0["name"] } == [.string(id)])

        let principal = try await fixture.addApplication(named: "app").principal.objectID
        let name = try await fixture.assign(id, to: principal, at: fixture.vault())
        #expect(try await fixture.allows(principal, "keys/sign/action"))
        #expect(try await !fixture.allows(principal, "keys/delete"))
        await expect(400, "RoleDefinitionHasAssignments") {
            try await fixture.authorization(.delete, "roleDefinitions/\(id)", at: fixture.subscription)
        }
        let narrower = role(fixture, "Signer", dataActions: ["Microsoft.KeyVault/vaults/keys/read"], notDataActions: [])
        let before = try await fixture.keyChanges().count
        #expect(try await fixture.authorization(.put, "roleDefinitions/\(id)", at: fixture.subscription, body: narrower).status == 201)
        #expect(try await !fixture.allows(principal, "keys/sign/action"))
        #expect(try await fixture.allows(principal, "keys/read"))
        #expect(try await fixture.keyChanges().dropFirst(before).map(\.scope) == [fixture.subscription])

        _ = try await fixture.authorization(.delete, "roleAssignments/\(name)", at: fixture.vault())
        #expect(try await fixture.authorization(.delete, "roleDefinitions/\(id)", at: fixture.subscription).status == 200)
        #expect(try await fixture.authorization(.delete, "roleDefinitions/\(id)", at: fixture.subscription).status == 204)
        await expect(404, "RoleDefinitionDoesNotExist") { try await fixture.authorization(.get, "roleDefinitions/\(id)", at: fixture.subscription) }
        await expect(404, "RoleDefinitionDoesNotExist") { try await fixture.assign(id, to: principal, at: fixture.vault()) }
    }

    @Test func `what a custom role cannot be is refused with its own code`() async throws {
        let fixture = try await Fixture()
        let id = GUID.make()
        func put(_ body: JSONValue, as id: String = GUID.make()) async throws -> APIResponse {
            try await fixture.authorization(.put, "roleDefinitions/\(id)", at: fixture.subscription, body: body)
        }
        _ = try await put(role(fixture), as: id)
        await expect(409, "RoleDefinitionWithSameNameExists") { try await put(role(fixture, "SIGNER")) }
        await expect(409, "RoleDefinitionWithSameNameExists") { try await put(role(fixture, "owner")) }
        #expect(try await put(role(fixture, "Signer 2"), as: id).status == 201)
        #expect(try await put(role(fixture)).status == 201)
        await expect(400, "InvalidRoleDefinitionId") { try await put(role(fixture, "x"), as: "x") }
        await expect(400, "BuiltInRoleNotEditable") { try await put(role(fixture, "x"), as: BuiltInRoles.owner.id) }
        await expect(400, "BuiltInRoleNotEditable") {
            try await fixture.authorization(.delete, "roleDefinitions/\(BuiltInRoles.owner.id)", at: fixture.subscription)
        }
        for name in ["", "   ", String(repeating: "a", count: 513), "a\u{7}"] {
            await expect(400, "InvalidRoleDefinition") { try await put(role(fixture, name)) }
        }
        for action: JSONValue in ["", "read", "Microsoft.KeyVault/", "/x", "Microsoft.KeyVault/vaults read", "a//b", "é/read"] {
            await expect(400, "InvalidActionOrNotAction") { try await put(role(fixture, "x", dataActions: [action])) }
        }
        for scope: JSONValue in ["/", "", "x", "/subscriptions/other", "/subscriptions", "/providers/Microsoft.Management/managementGroups/m"] {
            await expect(400, "InvalidAssignableScope") { try await put(role(fixture, "x", scopes: [scope])) }
        }
        await expect(400, "InvalidRoleDefinition") { try await put(role(fixture, "x", scopes: [])) }
        await expect(400, "InvalidRequestContent") { try await put(["properties": ["roleName": 5]]) }
        await expect(400, "InvalidRoleDefinition") { try await put(["properties": ["roleName": "x"]]) }
    }

    @Test func `a custom role is given within its scopes only`() async throws {
        let fixture = try await Fixture()
        let id = GUID.make()
        let group = ResourceID(subscription: fixture.settings.subscriptionID, group: "rg1")
        let body = role(fixture, scopes: [.string(group.text)])
        _ = try await fixture.authorization(.put, "roleDefinitions/\(id)", at: group, body: body)
        let principal = try await fixture.addApplication(named: "app").principal.objectID
        await expect(400, "RoleAssignmentScopeNotAssignableToRoleDefinition") {
            try await fixture.assign(id, to: principal, at: fixture.subscription)
        }
        try await fixture.assign(id, to: principal, at: fixture.vault())
        func names(_ filter: String) async throws -> Int? {
            try await fixture.authorization(.get, "roleDefinitions", at: fixture.subscription, filter: filter).json["value"]?.array?.count
        }
        #expect(try await names("type eq 'CustomRole'") == 0)
        #expect(try await names("type eq 'CustomRole' and atScopeAndBelow()") == 1)
        let moved = role(fixture, scopes: [.string(group.text + "x")])
        await expect(400, "RoleDefinitionHasAssignments") {
            try await fixture.authorization(.put, "roleDefinitions/\(id)", at: fixture.subscription, body: moved)
        }
    }

    @Test func `who defines a role must be allowed to in all of its scopes`() async throws {
        let fixture = try await Fixture()
        let caller = try await fixture.identities.systemAssigned(for: fixture.vault("caller"))
        let group = ResourceID(subscription: fixture.settings.subscriptionID, group: "rg1")
        try await fixture.assign("User Access Administrator", to: caller.objectID, at: group)
        func put(_ id: String, _ scopes: [JSONValue], name: String = "Signer") async throws -> APIResponse {
            try await fixture.authorization(.put, "roleDefinitions/\(id)", at: group, body: role(fixture, name, scopes: scopes), as: caller)
        }
        let id = GUID.make()
        #expect(try await put(id, [.string(group.text)]).status == 201)
        await expect(403, "LinkedAuthorizationFailed") { try await put(GUID.make(), [.string(fixture.subscription.text)], name: "wide") }
        await expect(403, "LinkedAuthorizationFailed") { try await put(id, [.string(group.text), .string(group.text + "2")]) }
        _ = try await fixture.authorization(
            .put, "roleDefinitions/\(id)", at: fixture.subscription, body: role(fixture, scopes: [.string(group.text), .string(group.text + "2")]))
        await expect(403, "LinkedAuthorizationFailed") { try await put(id, [.string(group.text)]) }
        await expect(403, "LinkedAuthorizationFailed") {
            try await fixture.authorization(.delete, "roleDefinitions/\(id)", at: group, as: caller)
        }
    }
}
