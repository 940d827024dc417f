import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import CofferResources
import Testing


/// Azure Resource Manager's own answers, asked in process.
@Suite struct ARMHandlerTests {
    private let cloud = Cloud()

    @Test func theMetadataDocumentNeedsNoTokenAndHasWhatAzReads() async throws {
        let document = try await cloud.ask("GET", "/metadata/endpoints?api-version=2022-09-01", token: nil).json
        #expect(document["name"]?.string == "Coffer")
        #expect(document["authentication"]?["audiences"]?.array?.first == "https://localhost:8443/")
        #expect(document["suffixes"]?["keyVaultDns"]?.string == "vault.localhost:8443")
        let list = try await cloud.ask("GET", "/metadata/endpoints?api-version=2019-05-01", token: nil).json
        #expect(list.array?.count == 1)
    }

    @Test(arguments: [
        ("", "MissingApiVersionParameter"), ("?api-version=", "MissingApiVersionParameter"),
        ("?api-version=latest", "InvalidApiVersionParameter"), ("?api-version=2024-13-01", "InvalidApiVersionParameter"),
        ("?api-version=2001-01-01", "InvalidApiVersionParameter"),
    ])
    func anApiVersionIsADateAndRequired(query: String, code: String) async throws {
        await #expect(throws: Refused(400, code)) {
            try await cloud.refusal("GET", "/subscriptions/\(Cloud.subscription)/resourcegroups\(query)")
        }
    }

    @Test func aProvidersOperationsAreListedForThoseWhoWriteRoles() async throws {
        let list = try await cloud.ask("GET", "/providers/test.things/operations?api-version=2021-01-01").json
        #expect(list["value"]?.array?.first?["name"]?.string == "Test.Things/things/look/action")
        #expect(list["value"]?.array?.first?["isDataAction"] == true)
        await #expect(throws: Refused(400, "MissingApiVersionParameter")) { try await cloud.refusal("GET", "/providers/Test.Things/operations") }
        // Nobody lists the operations of roles, and nobody knows a provider of this name.
        for namespace in ["Microsoft.Authorization", "No.Such"] {
            await #expect(throws: Refused(404, "InvalidResourceNamespace")) {
                try await cloud.refusal("GET", "/providers/\(namespace)/operations?api-version=2021-01-01")
            }
        }
        await #expect(throws: APIError.self) {
            _ = try await cloud.ask("GET", "/providers/Test.Things/operations?api-version=2021-01-01", token: nil)
        }
    }

    @Test(arguments: ["%00", "a%0Db", "%7F"])
    func whatCannotBeANameIsRefusedBeforeAnybodyStoresIt(segment: String) async throws {
        for path in ["\(Cloud.group(segment))", "\(Cloud.group("rg1"))/providers/Test.Things/things/\(segment)"] {
            await #expect(throws: Refused(400, "InvalidParameter")) {
                try await cloud.refusal("PUT", path + "?api-version=2024-11-01", #"{"location":"uksouth"}"#)
            }
        }
    }

    @Test func aVersionBelowATypesFloorIsRefusedAndANewerOneIsNot() async throws {
        let path = "/subscriptions/\(Cloud.subscription)/providers/Test.Things/things?api-version="
        await #expect(throws: Refused(400, "NoRegisteredProviderFound")) { try await cloud.refusal("GET", path + "2019-01-01") }
        #expect(try await cloud.ask("GET", path + "2031-01-01-preview").status == 200)
    }

    @Test(arguments: ["%00", "a%0Ab", "%7F"])
    func controlCharactersInAPathAreRefused(name: String) async throws {
        let path = "/subscriptions/\(Cloud.subscription)/resourceGroups/g/providers/Test.Things/things/\(name)?api-version=2021-01-01"
        await #expect(throws: Refused(400, "InvalidParameter")) { try await cloud.refusal("PUT", path) }
    }

    @Test func withoutATokenTheAnswerSaysWhereToGetOne() async throws {
        do {
            _ = try await cloud.ask("GET", "/subscriptions?api-version=2022-12-01", token: nil)
            Issue.record("no token was needed")
        } catch let error as APIError {
            #expect(error.status == 401)
            #expect(error.headers["www-authenticate"]?.hasPrefix("Bearer authorization_uri=\"https://localhost:8443/") == true)
        }
    }

    @Test func aGroupLivesAndDies() async throws {
        let path = "\(Cloud.group("rg1"))?api-version=2024-11-01"
        await #expect(throws: Refused(404, "ResourceGroupNotFound")) { try await cloud.refusal("GET", path) }
        let made = try await cloud.ask("PUT", path, #"{"location":"UK South","tags":{"a":"b"}}"#)
        #expect(made.status == 201)
        #expect(made.json["location"]?.string == "uksouth")
        #expect(try await cloud.ask("PUT", path, #"{"location":"uksouth"}"#).status == 200)
        #expect(try await cloud.ask("HEAD", path.replacing("rg1", with: "RG1")).status == 204)
        let list = try await cloud.ask("GET", "/subscriptions/\(Cloud.subscription)/resourcegroups?api-version=2024-11-01").json
        #expect(list["value"]?.array?.count == 1)
        #expect(try await cloud.ask("DELETE", path).status == 200)
        await #expect(throws: Refused(404, "ResourceGroupNotFound")) { try await cloud.refusal("HEAD", path) }
    }

    @Test(arguments: ["", "mars"]) func aGroupNeedsARegionThatThereIs(location: String) async throws {
        await #expect(throws: Refused(400, "LocationNotAvailableForResourceType")) {
            try await cloud.refusal("PUT", "\(Cloud.group("rg1"))?api-version=2024-11-01", #"{"location":"\#(location)"}"#)
        }
    }

    @Test func aGroupDoesNotMove() async throws {
        let path = "\(Cloud.group("rg1"))?api-version=2024-11-01"
        _ = try await cloud.ask("PUT", path, #"{"location":"uksouth"}"#)
        await #expect(throws: Refused(409, "InvalidResourceGroupLocation")) {
            try await cloud.refusal("PUT", path, #"{"location":"ukwest"}"#)
        }
    }

    @Test(arguments: [#"{"location":5}"#, #"["uksouth"]"#, "{", "", #"{"location":"uksouth","tags":{"a":1}}"#])
    func aBodyOfTheWrongTypeIsRefusedAndNamesTheProperty(body: String) async throws {
        await #expect(throws: Refused(400, "InvalidRequestContent")) {
            try await cloud.refusal("PUT", "\(Cloud.group("rg1"))?api-version=2024-11-01", body)
        }
    }

    @Test func aResourceIsReachedInAnySpelling() async throws {
        _ = try await cloud.ask("PUT", "\(Cloud.group("rg1"))?api-version=2024-11-01", #"{"location":"uksouth"}"#)
        for path in [
            "\(Cloud.group("rg1"))/providers/Test.Things/things/t1", "\(Cloud.group("RG1"))/providers/test.things//THINGS/t1/",
        ] {
            #expect(try await cloud.ask("GET", path + "?api-version=2024-01-01").status == 200, "\(path)")
        }
        #expect(cloud.provider.seen.last == ["THINGS", "t1"])
    }

    @Test func aResourceInAGroupThatIsNotThereIsNotFound() async throws {
        await #expect(throws: Refused(404, "ResourceGroupNotFound")) {
            try await cloud.refusal("PUT", "\(Cloud.group("none"))/providers/Test.Things/things/t1?api-version=2024-01-01", "{}")
        }
    }

    @Test func unknownNamespacesTypesAndSubscriptionsSayWhatThereIs() async throws {
        _ = try await cloud.ask("PUT", "\(Cloud.group("rg1"))?api-version=2024-11-01", #"{"location":"uksouth"}"#)
        await #expect(throws: Refused(404, "InvalidResourceNamespace")) {
            try await cloud.refusal("GET", "\(Cloud.group("rg1"))/providers/Other/x/y?api-version=2024-01-01")
        }
        await #expect(throws: Refused(404, "InvalidResourceType")) {
            try await cloud.refusal("GET", "\(Cloud.group("rg1"))/providers/Test.Things/widgets/y?api-version=2024-01-01")
        }
        await #expect(throws: Refused(404, "SubscriptionNotFound")) {
            try await cloud.refusal("GET", "/subscriptions/other/resourcegroups?api-version=2024-01-01")
        }
    }

    @Test func withoutARoleEverythingIsForbidden() async throws {
        let cloud = Cloud(authorizer: DenyEverything())
        for (method, path) in [
            ("PUT", "\(Cloud.group("rg1"))"), ("GET", "/subscriptions/\(Cloud.subscription)"),
            ("GET", "/subscriptions/\(Cloud.subscription)/resources"), ("GET", "\(Cloud.group("rg1"))/providers/Test.Things/things/t1"),
        ] {
            await #expect(throws: Refused(403, "AuthorizationFailed")) {
                try await cloud.refusal(method, path + "?api-version=2024-01-01", #"{"location":"uksouth"}"#)
            }
        }
    }

    @Test func tagsAreMergedReplacedAndDeletedByThemselves() async throws {
        _ = try await cloud.ask("PUT", "\(Cloud.group("rg1"))?api-version=2024-11-01", #"{"location":"uksouth","tags":{"a":"1"}}"#)
        let path = "\(Cloud.group("rg1"))/providers/Microsoft.Resources/tags/default?api-version=2024-11-01"
        let merged = try await cloud.ask("PATCH", path, #"{"operation":"Merge","properties":{"tags":{"b":"2"}}}"#).json
        #expect(merged["properties"]?["tags"] == ["a": "1", "b": "2"])
        let deleted = try await cloud.ask("PATCH", path, #"{"operation":"Delete","properties":{"tags":{"a":"1"}}}"#).json
        #expect(deleted["properties"]?["tags"] == ["b": "2"])
        await #expect(throws: Refused(400, "InvalidParameter")) {
            try await cloud.refusal("PATCH", path, #"{"operation":"Shuffle","properties":{"tags":{}}}"#)
        }
    }

    @Test func resourcesAreListedThroughAFilter() async throws {
        let path = "/subscriptions/\(Cloud.subscription)/resources?api-version=2015-11-01&$filter="
        let found = try await cloud.ask("GET", path + "resourceType eq 'Test.Things/things' and name eq 'T1'").json
        #expect(found["value"]?.array?.count == 1)
        #expect(try await cloud.ask("GET", path + "resourceType eq 'Test.Things/others'").json["value"]?.array?.isEmpty == true)
        await #expect(throws: Refused(400, "InvalidFilterInQueryString")) {
            try await cloud.refusal("GET", path + "substringof('x', name)")
        }
    }

    @Test func aVerbNeedsItsOwnPermission() throws {
        let purge = try #require(ProviderPath(
            ["subscriptions", "s", "providers", "Microsoft.KeyVault", "locations", "uksouth", "deletedVaults", "v", "purge"], method: .post
        ))
        #expect(purge.action == .management("Microsoft.KeyVault/locations/deletedVaults/purge/action"))
        let assignment = try #require(ProviderPath(
            ["subscriptions", "s", "resourceGroups", "g", "providers", "Microsoft.KeyVault", "vaults", "v", "providers",
             "Microsoft.Authorization", "roleAssignments", "a"], method: .put
        ))
        #expect(assignment.action == .management("Microsoft.Authorization/roleAssignments/write"))
        #expect(assignment.scope?.extendedScope?.name == "v")
    }
}
