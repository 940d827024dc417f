import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferIdentity

@Suite struct AuthorizationProviderTests {
    @Test func `a role assignment is made, shown, listed and removed`() async throws {
        let fixture = try await Fixture()
        let scope = fixture.vault()
        let principal = try await fixture.identities.systemAssigned(for: fixture.vault("des"))
        let name = "05C5A614-a7d6-4502-b150-c2fb455033ff"
        let before = try await fixture.keyChanges().count
        var rings = fixture.bell.rings().makeAsyncIterator()

        let body = fixture.assignment("Key Vault Crypto Service Encryption User", principal.objectID)
        let created = try await fixture.authorization(.put, "roleAssignments/\(name)", at: scope, body: body)
        #expect(created.status == 201)
        let id = "\(scope.text)/providers/Microsoft.Authorization/roleAssignments/\(name.lowercased())"
        #expect(created.json["id"] == .string(id))
        #expect(created.json["name"] == .string(name.lowercased()))
        #expect(created.json["type"] == "Microsoft.Authorization/roleAssignments")
        let properties = try #require(created.json["properties"])
        #expect(properties["principalId"] == .string(principal.objectID))
        #expect(properties["principalType"] == "ServicePrincipal")
        #expect(properties["scope"] == .string(scope.text))
        #expect(properties["roleDefinitionId"] == body["properties"]?["roleDefinitionId"])
        #expect(properties["createdBy"] == .string(fixture.administrator.objectID))
        #expect(properties["createdOn"] == "2026-01-01T00:00:00.000Z")
        #expect(await rings.next() != nil)
        #expect(try await fixture.keyChanges().dropFirst(before) == [KeyChange(kind: .access, scope: scope, key: nil, version: nil)])

        let again = try await fixture.authorization(.put, "roleAssignments/\(name)", at: scope, body: body)
        #expect(again.status == 200)
        #expect(again.json == created.json)
        let shown = try await fixture.authorization(.get, "roleAssignments/\(name)", at: scope)
        #expect(shown.json == created.json)
        let listed = try await fixture.authorization(.get, "roleAssignments", at: scope, filter: "atScope()")
        #expect(listed.json["value"]?.array?.contains(created.json) == true)
        #expect(listed.json["value"]?.array?.count == 2)

        let removed = try await fixture.authorization(.delete, "roleAssignments/\(name)", at: scope)
        #expect(removed.status == 200)
        #expect(removed.json == created.json)
        #expect(try await fixture.authorization(.delete, "roleAssignments/\(name)", at: scope).status == 204)
        await expect(404, "RoleAssignmentNotFound") { try await fixture.authorization(.get, "roleAssignments/\(name)", at: scope) }
        #expect(try await fixture.keyChanges().count == before + 2)
    }

    @Test func `what cannot be assigned is refused with its own code`() async throws {
        let fixture = try await Fixture()
        let scope = fixture.vault()
        let principal = try await fixture.identities.systemAssigned(for: fixture.vault("des")).objectID
        let name = try await fixture.assign("Key Vault Reader", to: principal, at: scope)
        func put(_ body: JSONValue, as name: String = GUID.make(), at place: ResourceID? = nil) async throws -> APIResponse {
            try await fixture.authorization(.put, "roleAssignments/\(name)", at: place ?? scope, body: body)
        }
        let same = fixture.assignment("Key Vault Reader", principal)
        await expect(409, "RoleAssignmentExists") { try await put(same) }
        await expect(400, "RoleAssignmentUpdateNotPermitted") { try await put(fixture.assignment("Reader", principal), as: name) }
        await expect(400, "RoleAssignmentUpdateNotPermitted") { try await put(same, as: name, at: fixture.subscription) }
        await expect(400, "InvalidRoleAssignmentId") { try await put(same, as: "not-a-guid") }
        await expect(400, "PrincipalNotFound") { try await put(fixture.assignment("Reader", GUID.make())) }
        await expect(404, "RoleDefinitionDoesNotExist") { try await put(fixture.assignment(GUID.make(), principal)) }
        await expect(400, "UnmatchedPrincipalType") { try await put(fixture.assignment("Reader", principal, type: "User")) }
        await expect(400, "InvalidRequestContent") { try await put(["properties": ["principalId": .string(principal)]]) }
        await expect(400, "RoleAssignmentConditionNotSupported") {
            try await put([
                "properties": [
                    "principalId": .string(principal), "condition": "true", "conditionVersion": "2.0",
                    "roleDefinitionId": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
                ]
            ])
        }
        await expect(405, "MethodNotAllowed") { try await fixture.authorization(.patch, "roleAssignments/\(name)", at: scope) }
        await expect(404, "InvalidResourceType") { try await fixture.authorization(.get, "locks", at: scope) }
    }

    @Test func `a principal type that is not sent or null does no harm`() async throws {
        let fixture = try await Fixture()
        let principal = try await fixture.identities.systemAssigned(for: fixture.vault("des")).objectID
        let body = fixture.assignment("Reader", principal, type: .null)
        #expect(try await fixture.authorization(.put, "roleAssignments/\(GUID.make())", at: fixture.vault(), body: body).status == 201)
    }

    @Test func `a description may change`() async throws {
        let fixture = try await Fixture()
        let principal = try await fixture.identities.systemAssigned(for: fixture.vault("des")).objectID
        let name = try await fixture.assign("Reader", to: principal, at: fixture.vault())
        fixture.clock.advance(by: .seconds(60))
        let body: JSONValue = [
            "properties": [
                "principalId": .string(principal), "description": "why",
                "roleDefinitionId": "acdd72a7-3385-48ef-bd42-f606fba81ae7",
            ]
        ]
        let changed = try await fixture.authorization(.put, "roleAssignments/\(name)", at: fixture.vault(), body: body)
        #expect(changed.status == 200)
        #expect(changed.json["properties"]?["description"] == "why")
        #expect(changed.json["properties"]?["updatedOn"] == "2026-01-01T00:01:00.000Z")
        #expect(changed.json["properties"]?["createdOn"] == "2026-01-01T00:00:00.000Z")
    }

    @Test func `a list takes the filters that az sends`() async throws {
        let fixture = try await Fixture()
        let principal = try await fixture.identities.systemAssigned(for: fixture.vault("des")).objectID
        let group = ResourceID(subscription: fixture.settings.subscriptionID, group: "rg1")
        let atVault = try await fixture.assign("Key Vault Reader", to: principal, at: fixture.vault())
        let atGroup = try await fixture.assign("Reader", to: principal, at: group)
        let elsewhere = try await fixture.assign("Reader", to: principal, at: ResourceID(subscription: fixture.settings.subscriptionID, group: "rg2"))
        func names(at scope: ResourceID, _ filter: String?) async throws -> Set<String> {
            let answer = try await fixture.authorization(.get, "roleAssignments", at: scope, filter: filter)
            return Set(answer.json["value"]?.array?.compactMap { $0["name"]?.string } ?? [])
        }
        let all = try await names(at: fixture.subscription, nil)
        #expect(all.count == 4 && all.isSuperset(of: [atVault, atGroup, elsewhere]))
        #expect(try await names(at: fixture.subscription, "atScope()").isDisjoint(with: [atVault, atGroup, elsewhere]))
        #expect(try await names(at: fixture.vault(), "atScope()").isSuperset(of: [atVault, atGroup]))
        #expect(try await names(at: fixture.vault(), "atScope()").contains(elsewhere) == false)
        #expect(try await names(at: fixture.subscription, "principalId eq '\(principal.uppercased())'") == [atVault, atGroup, elsewhere])
        #expect(try await names(at: group, "principalId eq '\(principal)'") == [atVault, atGroup])
        #expect(try await names(at: group, "atScope() and assignedTo('\(principal)')") == [atGroup])
        await expect(400, "UnsupportedQuery") { try await fixture.authorization(.get, "roleAssignments", at: group, filter: "x gt 5") }
    }

    @Test func `role definitions are found by name and by id`() async throws {
        let fixture = try await Fixture()
        let answer = try await fixture.authorization(
            .get, "roleDefinitions", at: fixture.vault(), filter: "roleName eq 'Key Vault Crypto Service Encryption User'"
        )
        let found = try #require(answer.json["value"]?.array)
        #expect(found.count == 1)
        let id = "e147488a-f6f5-4113-8e2d-b22465e65bf6"
        let base = "/subscriptions/\(fixture.settings.subscriptionID)/providers/Microsoft.Authorization/roleDefinitions/"
        #expect(found.first?["id"] == .string(base + id))
        #expect(found.first?["name"] == .string(id))
        let properties = try #require(found.first?["properties"])
        #expect(properties["roleName"] == "Key Vault Crypto Service Encryption User")
        #expect(properties["type"] == "BuiltInRole")
        #expect(properties["assignableScopes"] == ["/"])
        #expect(properties["permissions"]?.array?.first?["dataActions"]?.array?.count == 3)
        let shown = try await fixture.authorization(.get, "roleDefinitions/\(id.uppercased())", at: fixture.vault())
        #expect(shown.json == found.first)
        let all = try await fixture.authorization(.get, "roleDefinitions", at: fixture.subscription)
        #expect(all.json["value"]?.array?.count == BuiltInRoles.all.count)
        let custom = try await fixture.authorization(.get, "roleDefinitions", at: fixture.subscription, filter: "type eq 'CustomRole'")
        #expect(custom.json["value"] == [])
        await expect(404, "RoleDefinitionDoesNotExist") {
            try await fixture.authorization(.get, "roleDefinitions/\(GUID.make())", at: fixture.subscription)
        }
    }

    @Test func `the permissions of a caller are told`() async throws {
        let fixture = try await Fixture()
        let answer = try await fixture.authorization(.get, "permissions", at: fixture.vault())
        #expect(answer.json["value"] == [["actions": ["*"], "notActions": [], "dataActions": [], "notDataActions": []]])
        #expect(try await fixture.authorization(.get, "denyAssignments", at: fixture.vault()).json["value"] == [])
    }

    @Test func `who may assign some roles may assign no others`() async throws {
        let fixture = try await Fixture()
        let caller = try await fixture.identities.systemAssigned(for: fixture.vault("caller"))
        let other = try await fixture.identities.systemAssigned(for: fixture.vault("des")).objectID
        try await fixture.assign("Key Vault Data Access Administrator", to: caller.objectID, at: fixture.subscription)
        let ownersName = try await fixture.assign("Reader", to: other, at: fixture.vault())
        func put(_ role: String) async throws -> APIResponse {
            let body = fixture.assignment(role, other)
            return try await fixture.authorization(.put, "roleAssignments/\(GUID.make())", at: fixture.vault(), body: body, as: caller)
        }
        #expect(try await put("Key Vault Secrets User").status == 201)
        await expect(403, "AuthorizationFailed") { try await put("Owner") }
        await expect(403, "AuthorizationFailed") { try await put("Key Vault Data Access Administrator") }
        await expect(403, "AuthorizationFailed") {
            try await fixture.authorization(.delete, "roleAssignments/\(ownersName)", at: fixture.vault(), as: caller)
        }
        let definition = try await fixture.authorization(
            .get, "roleDefinitions/8b54135c-b56d-4d72-a534-26097cfdc8d8", at: fixture.subscription
        )
        #expect(definition.json["properties"]?["permissions"]?.array?.first?["conditionVersion"] == "2.0")
    }

    @Test func `the last owner stays`() async throws {
        let fixture = try await Fixture()
        let list = try await fixture.authorization(.get, "roleAssignments", at: fixture.subscription)
        let first = try #require(list.json["value"]?.array?.first?["name"]?.string)
        await expect(400, "CannotDeleteLastOwner") {
            try await fixture.authorization(.delete, "roleAssignments/\(first)", at: fixture.subscription)
        }
        #expect(try await fixture.authorization(.get, "roleAssignments/\(first)", at: fixture.subscription).status == 200)
        let other = try await fixture.addApplication(named: "second")
        try await fixture.assign("Owner", to: other.principal.objectID, at: fixture.subscription)
        #expect(try await fixture.authorization(.delete, "roleAssignments/\(first)", at: fixture.subscription).status == 200)
    }

    @Test func `a grant is not good for another scope than its own`() async throws {
        let fixture = try await Fixture()
        let caller = try await fixture.identities.systemAssigned(for: fixture.vault("caller"))
        try await fixture.assign("User Access Administrator", to: caller.objectID, at: fixture.vault())
        let action = Action.management("Microsoft.Authorization/roleAssignments/write")
        let grant = try await fixture.authorizer.grant(action, to: caller, on: fixture.vault())
        let provider = AuthorizationProvider(service: fixture.assignments, roles: fixture.roles)
        for path in [
            "/subscriptions/\(fixture.settings.subscriptionID)/providers/Microsoft.Authorization/roleAssignments/\(GUID.make())",
            "\(fixture.vault("kv2").text)/providers/Microsoft.Authorization/roleAssignments/\(GUID.make())",
        ] {
            let body = try String(decoding: JSON.encode(fixture.assignment("Owner", caller.objectID)), as: UTF8.self)
            let request = ARMRequest(
                http: fixture.request(.put, path, body: body), path: [], subscription: fixture.settings.subscriptionID,
                group: nil, grant: grant
            )
            await expect(403, "AuthorizationFailed") { try await provider.handle(request) }
        }
    }

    @Test func `assignments below a deleted scope go with it`() async throws {
        let fixture = try await Fixture()
        let principal = try await fixture.identities.systemAssigned(for: fixture.vault("des")).objectID
        let key = try #require(fixture.vault().child("keys", "k"))
        try await fixture.assign("Key Vault Reader", to: principal, at: key)
        let kept = try await fixture.assign("Key Vault Reader", to: principal, at: fixture.vault("kv10"))
        try await fixture.assignments.removeAll(below: fixture.vault())
        let left = try await fixture.authorization(.get, "roleAssignments", at: fixture.subscription, filter: "principalId eq '\(principal)'")
        #expect(left.json["value"]?.array?.map { $0["name"] } == [.string(kept)])
    }

    @Test(arguments: [
        "/providers/Microsoft.Authorization", "/a/b/providers/Microsoft.Authorization/roleAssignments",
        "/subscriptions/s/providers/Microsoft.Authorization/roleAssignments/x/y", "/subscriptions/s",
    ])
    func `a path without a scope and a type is refused`(path: String) {
        let parts = path.split(separator: "/").map(String.init)
        #expect { try AuthorizationPath(parts) } throws: { ($0 as? APIError)?.code == "InvalidScope" }
    }

    @Test func `a path is read from its last mention of the namespace`() throws {
        let path = try AuthorizationPath([
            "", "subscriptions", "s", "resourcegroups", "g", "providers", "Microsoft.KeyVault", "", "vaults", "v", "providers",
            "microsoft.authorization", "RoleAssignments", "n",
        ])
        #expect(path.scope.text == "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v")
        #expect(path.type == "roleassignments" && path.name == "n")
        #expect(throws: APIError.self) { try AuthorizationPath(["subscriptions", "s/x", "providers", "Microsoft.Authorization", "roleAssignments"]) }
        let root = try AuthorizationPath(["providers", "Microsoft.Authorization", "roleDefinitions"])
        #expect(root.scope.text == "/" && root.name == nil)
    }
}

/// Expects an ``APIError`` with this status and code.
func expect<R>(
    _ status: Int, _ code: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> R
) async {
    await #expect(sourceLocation: sourceLocation) { _ = try await body() } throws: { error in
        guard let error = error as? APIError else { return false }
        return error.status == status && error.code == code
    }
}
