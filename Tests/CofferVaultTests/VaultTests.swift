import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

@testable import CofferVault

@Suite struct VaultTests {
    let fixture = VaultFixture()

    @Test func aNewVaultHasTheDocumentedDefaults() async throws {
        let made = try await fixture.makeVault()
        #expect(made.status == 200)
        #expect(made.json["id"]?.string == "/subscriptions/\(VaultFixture.subscription)/resourceGroups/rg1/providers/Microsoft.KeyVault/vaults/kv1")
        #expect(made.json["type"] == "Microsoft.KeyVault/vaults")
        #expect(made.json["location"] == "uksouth")
        let properties = try #require(made.json["properties"])
        #expect(properties["vaultUri"] == "https://kv1.vault.localhost:8443/")
        #expect(properties["provisioningState"] == "Succeeded")
        #expect(properties["enableSoftDelete"] == true)
        #expect(properties["softDeleteRetentionInDays"] == 90)
        #expect(properties["enableRbacAuthorization"] == true)
        #expect(properties["enablePurgeProtection"] == nil)
        #expect(properties["publicNetworkAccess"] == "Enabled")
        #expect(properties["sku"] == ["family": "A", "name": "standard"])
        let shown = try await fixture.arm(.get, "vaults/kv1")
        #expect(shown.json == made.json)
    }

    @Test func whatTheRealClientSendsMakesAVault() async throws {
        let answer = try await fixture.arm(.put, "vaults/kv1", [
            "location": "westeurope",
            "properties": [
                "tenantId": .string(VaultFixture.tenant), "sku": ["name": "standard", "family": "A"], "accessPolicies": [],
                "enabledForDiskEncryption": true, "enableRbacAuthorization": true, "enableSoftDelete": true,
                "enablePurgeProtection": true, "softDeleteRetentionInDays": 90,
                "networkAcls": ["bypass": "AzureServices", "defaultAction": "Allow"],
            ],
        ])
        #expect(answer.status == 200)
        #expect(answer.json["properties"]?["enablePurgeProtection"] == true)
        #expect(answer.json["properties"]?["enabledForDiskEncryption"] == true)
        #expect(answer.json["properties"]?["networkAcls"]?["ipRules"] == [])
    }

    @Test func clientsMayPutBackWhatTheyGot() async throws {
        let made = try await fixture.makeVault("kv1", ["enablePurgeProtection": true, "softDeleteRetentionInDays": 7])
        let again = try await fixture.arm(.put, "vaults/kv1", made.json)
        #expect(again.status == 200)
        #expect(again.json == made.json)
    }

    @Test(arguments: [("2023-07-01", false), ("2025-05-01", false), ("2026-02-01", true), ("2026-03-01-preview", true)])
    func thePermissionModelOfANewVaultDependsOnTheAPIVersion(version: String, usesRBAC: Bool) async throws {
        let body: JSONValue = ["location": "uksouth", "properties": .object(VaultFixture.properties)]
        let made = try await fixture.arm(.put, "vaults/kv1", body, apiVersion: version)
        #expect(made.json["properties"]?["enableRbacAuthorization"] == .bool(usesRBAC))
        let other = usesRBAC ? "2023-07-01" : "2026-02-01"
        let again = try await fixture.arm(.put, "vaults/kv1", body, apiVersion: other)
        #expect(again.json["properties"]?["enableRbacAuthorization"] == .bool(usesRBAC), "an update does not flip it")
    }

    @Test(arguments: ["ab", "1abc", "a--b", "abc-", "a_b", "aaaaaaaaaaaaaaaaaaaaaaaaa", "kv.1", "käse", ""])
    func namesThatNoHostCanHaveAreRefused(name: String) async throws {
        #expect(VaultName(name) == nil)
        guard !name.isEmpty else { return }
        let answer = try await fixture.makeVault(name)
        #expect(answer.status == 400)
        #expect(answer.code == "VaultNameNotValid")
    }

    static let badProperties: [[String: JSONValue]] = [
        ["tenantId": "99999999-2222-3333-4444-555555555555"], ["tenantId": nil], ["sku": nil],
        ["sku": ["family": "B", "name": "standard"]], ["sku": ["family": "A", "name": "gold"]],
        ["sku": ["family": "A"]], ["softDeleteRetentionInDays": 6], ["softDeleteRetentionInDays": 91],
        ["softDeleteRetentionInDays": -9_223_372_036_854_775_808], ["enableSoftDelete": false],
        ["enablePurgeProtection": false], ["createMode": "other"], ["publicNetworkAccess": "maybe"],
        ["networkAcls": ["bypass": "All"]], ["networkAcls": ["defaultAction": "Drop"]],
        ["networkAcls": ["ipRules": [["value": "300.1.1.1"]]]], ["networkAcls": ["ipRules": [["value": "10.0.0.0/33"]]]],
        ["networkAcls": ["ipRules": [["value": "10.0.0.0/"]]]], ["networkAcls": ["ipRules": [["value": "::1"]]]],
        ["networkAcls": ["virtualNetworkRules": [["id": "subnet1"]]]],
        ["enableRbacAuthorization": false, "accessPolicies": nil],
        ["accessPolicies": [["tenantId": "other", "objectId": "o", "permissions": [:]]]],
        ["accessPolicies": [["tenantId": .string(VaultFixture.tenant), "objectId": "", "permissions": [:]]]],
        ["accessPolicies": [["tenantId": .string(VaultFixture.tenant), "objectId": "o", "permissions": ["keys": ["fly"]]]]],
    ]

    @Test(arguments: badProperties)
    func propertiesThatMakeNoSenseAreRefused(properties: [String: JSONValue]) async throws {
        let answer = try await fixture.makeVault("kv1", properties)
        #expect(answer.status == 400)
        #expect(answer.code == "BadRequest")
        #expect(try await fixture.arm(.get, "vaults/kv1").status == 404)
    }

    static let wrongTypes: [JSONValue] = [
        [], "text", 5, ["location": 5], ["location": "uksouth", "properties": []],
        ["location": "uksouth", "properties": ["tenantId": 5]], ["location": "uksouth", "tags": ["a": 1]],
        ["location": "uksouth", "properties": ["softDeleteRetentionInDays": "ninety"]],
        ["location": "uksouth", "properties": ["softDeleteRetentionInDays": .double(7.5)]],
        ["location": "uksouth", "properties": ["enablePurgeProtection": "true"]],
        ["location": "uksouth", "properties": ["accessPolicies": ["a": "b"]]],
        ["location": "uksouth", "properties": ["accessPolicies": [["objectId": "o"]]]],
    ]

    @Test(arguments: wrongTypes)
    func bodiesOfTheWrongShapeAreRefused(body: JSONValue) async throws {
        let answer = try await fixture.arm(.put, "vaults/kv1", body)
        #expect(answer.status == 400)
        #expect(answer.code == "InvalidRequestContent")
    }

    @Test func aVaultNeedsALocation() async throws {
        let body: JSONValue = ["properties": .object(VaultFixture.properties)]
        #expect(try await fixture.arm(.put, "vaults/kv1", body).code == "LocationRequired")
        let odd: JSONValue = ["location": "../etc", "properties": .object(VaultFixture.properties)]
        #expect(try await fixture.arm(.put, "vaults/kv1", odd).code == "BadRequest")
    }

    @Test func regionsAreTheSameWithSpacesAndCapitals() async throws {
        try await fixture.makeVault()
        let body: JSONValue = ["location": "UK South", "properties": .object(VaultFixture.properties)]
        #expect(try await fixture.arm(.put, "vaults/kv1", body).json["location"] == "uksouth")
    }

    @Test func aVaultCannotMoveToAnotherRegion() async throws {
        try await fixture.makeVault()
        let body: JSONValue = ["location": "westeurope", "properties": .object(VaultFixture.properties)]
        let put = try await fixture.arm(.put, "vaults/kv1", body)
        #expect(put.status == 409)
        #expect(put.code == "InvalidResourceLocation")
        #expect(try await fixture.arm(.patch, "vaults/kv1", ["location": "westeurope"]).code == "InvalidResourceLocation")
    }

    @Test func retentionIsChosenOnceAndPurgeProtectionStays() async throws {
        try await fixture.makeVault("kv1", ["softDeleteRetentionInDays": 30])
        #expect(try await fixture.makeVault("kv1", ["softDeleteRetentionInDays": 31]).code == "BadRequest")
        #expect(try await fixture.arm(.patch, "vaults/kv1", ["properties": ["softDeleteRetentionInDays": 7]]).code == "BadRequest")
        let protected = try await fixture.arm(.patch, "vaults/kv1", ["properties": ["enablePurgeProtection": true]])
        #expect(protected.json["properties"]?["enablePurgeProtection"] == true)
        let refused = try await fixture.arm(.patch, "vaults/kv1", ["properties": ["enablePurgeProtection": false]])
        #expect(refused.code == "BadRequest")
        #expect(refused.message.contains("irreversible"))
        #expect(try await fixture.makeVault().json["properties"]?["enablePurgeProtection"] == true, "a PUT without it keeps it")
    }

    @Test func patchChangesWhatItNamesAndNothingElse() async throws {
        try await fixture.makeVault("kv1", ["enabledForDeployment": true])
        let patched = try await fixture.arm(
            .patch, "vaults/kv1", ["tags": ["a": "b"], "properties": ["enabledForDiskEncryption": true, "sku": ["name": "Premium"]]])
        #expect(patched.status == 200)
        #expect(patched.json["tags"] == ["a": "b"])
        #expect(patched.json["properties"]?["enabledForDeployment"] == true)
        #expect(patched.json["properties"]?["enabledForDiskEncryption"] == true)
        #expect(patched.json["properties"]?["sku"] == ["family": "A", "name": "premium"])
        #expect(try await fixture.arm(.patch, "vaults/other", ["tags": [:]]).code == "ResourceNotFound")
    }

    @Test func namesAreUniqueOverGroupsAndSubscriptions() async throws {
        try await fixture.makeVault()
        let body: JSONValue = ["location": "uksouth", "properties": .object(VaultFixture.properties)]
        for name in ["kv1", "KV1"] {
            let group = try await fixture.arm(.put, "vaults/\(name)", body, group: "rg2")
            #expect(group.status == 409)
            #expect(group.code == "VaultAlreadyExists")
        }
        #expect(try await fixture.arm(.put, "vaults/kv1", body, subscription: "other").code == "VaultAlreadyExists")
        #expect(try await fixture.arm(.get, "vaults/kv1", group: "rg2").code == "ResourceNotFound")
        #expect(try await fixture.arm(.get, "vaults/KV1", group: "RG1").status == 200)
    }

    @Test func namesCanBeAskedForBeforehand() async throws {
        try await fixture.makeVault()
        func ask(_ name: String) async throws -> Answer {
            try await fixture.arm(
                .post, "checkNameAvailability", ["name": .string(name), "type": "Microsoft.KeyVault/vaults"], group: nil)
        }
        #expect(try await ask("kv2").json == ["nameAvailable": true])
        #expect(try await ask("KV1").json["reason"] == "AlreadyExists")
        #expect(try await ask("a--b").json["reason"] == "AccountNameInvalid")
        #expect(try await fixture.arm(.post, "checkNameAvailability", ["name": "kv2", "type": "x"], group: nil).status == 400)
    }

    @Test func listsAreByGroupAndSubscriptionAndCanBePaged() async throws {
        for name in ["kvb", "kva", "kvc"] { try await fixture.makeVault(name) }
        let body: JSONValue = ["location": "uksouth", "properties": .object(VaultFixture.properties)]
        _ = try await fixture.arm(.put, "vaults/kvd", body, group: "rg2")
        func names(_ answer: Answer) -> [String?] { answer.items.map { $0["name"]?.string } }
        let whole = try await fixture.arm(.get, "vaults", group: nil)
        #expect(names(whole) == ["kva", "kvb", "kvc", "kvd"])
        #expect(whole.json.object?.keys.contains("nextLink") == true)
        #expect(names(try await fixture.arm(.get, "vaults", group: "RG1")) == ["kva", "kvb", "kvc"])
        #expect(try await fixture.arm(.get, "vaults", group: nil, subscription: "other").items.isEmpty)
        let first = try await fixture.arm(.get, "vaults", group: nil, query: [("$top", "3")])
        #expect(names(first) == ["kva", "kvb", "kvc"])
        #expect(first.json["nextLink"]?.string?.hasSuffix("&$top=3&$skiptoken=kvc") == true)
        let second = try await fixture.arm(.get, "vaults", group: nil, query: [("$top", "3"), ("$skiptoken", "kvc")])
        #expect(names(second) == ["kvd"])
        #expect(second.json["nextLink"] == nil)
        #expect(try await fixture.arm(.get, "vaults", group: nil, query: [("$top", "x")]).status == 400)
        #expect(try await fixture.services.provider.resources(in: VaultFixture.subscription, group: "rg2").count == 1)
    }

    @Test func thereAreNoManagedHSMs() async throws {
        #expect(try await fixture.arm(.get, "managedHSMs", group: nil).json == ["value": [], "nextLink": .null])
        #expect(try await fixture.arm(.get, "deletedManagedHSMs", group: nil).items.isEmpty)
        #expect(try await fixture.arm(.get, "managedHSMs/h1").code == "ResourceNotFound")
        #expect(try await fixture.arm(.put, "managedHSMs/h1", [:]).code == "NotSupported")
    }

    @Test func unknownTypesAndVerbsAreRefused() async throws {
        try await fixture.makeVault()
        #expect(try await fixture.arm(.get, "hsmPools/p").code == "InvalidResourceType")
        #expect(try await fixture.arm(.post, "vaults/kv1").code == "MethodNotAllowed")
        #expect(try await fixture.arm(.put, "vaults/kv1/privateEndpointConnections/p", [:]).code == "NotSupported")
        #expect(try await fixture.arm(.get, "vaults/kv1", group: nil).code == "BadRequest")
    }

    @Test func everyOperationOnAVaultIsAudited() async throws {
        try await fixture.makeVault()
        _ = try await fixture.arm(.get, "vaults/kv1")
        _ = try await fixture.arm(.get, "vaults/none")
        _ = try await fixture.arm(.patch, "vaults/kv1", ["tags": [:]])
        _ = try await fixture.makeVault("kv1", ["softDeleteRetentionInDays": 7])
        _ = try await fixture.arm(.put, "vaults/kv1", [])
        _ = try await fixture.arm(.patch, "vaults/kv1", 5)
        _ = try await fixture.makeVault("a--b")
        _ = try await fixture.arm(.delete, "vaults/kv1")
        let events = fixture.audit.events
        #expect(
            events.map(\.operation) == [
                "VaultPut", "VaultGet", "VaultGet", "VaultPatch", "VaultPut", "VaultPut", "VaultPatch", "VaultPut", "VaultDelete",
            ])
        #expect(events.map(\.status) == [200, 200, 404, 200, 400, 400, 400, 400, 200])
        #expect(events.allSatisfy { $0.callerObjectID == "admin" && $0.clientInfo == "tests" && $0.callerAddress == "127.0.0.1" })
        #expect(events[4].resultDescription?.contains("softDeleteRetentionInDays") == true)
    }
}
