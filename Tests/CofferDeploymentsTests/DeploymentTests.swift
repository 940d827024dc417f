import CofferCore
import CofferModel
import CofferPlatform
import CofferTesting
import Testing

/// Deployments through Azure Resource Manager.
@Suite(.timeLimit(.minutes(2))) struct DeploymentTests {
    private static let things = "type: 'Test.Things/things', apiVersion: '2020-01-01'"

    private func thing(_ name: String, _ more: String = "properties: {}") -> String { "{ \(Self.things), name: '\(name)', \(more) }" }

    private func properties(_ deployment: JSONValue) -> JSONValue { deployment["properties"] ?? [:] }

    private func details(_ deployment: JSONValue) -> [String] {
        (properties(deployment)["error"]?["details"]?.array ?? []).map { "\($0["code"]?.string ?? ""): \($0["message"]?.string ?? "")" }
    }

    @Test func resourcesAreDeployedInOrderWithWhatIsKnownOfEachOther() async throws {
        let world = try await World()
        let done = try await world.deploy("""
            parameters: { n: { type: 'int', defaultValue: 3 }, word: { type: 'string' } },
            resources: [
              \(thing("last", "dependsOn: ['loop'], properties: { all: \"[reference('first').seen]\", key: \"[listKeys('first', '2020-01-01').secret]\" }")),
              { \(Self.things), name: "[concat('t', copyIndex())]", copy: { name: 'loop', count: "[parameters('n')]" }, dependsOn: ['first'], properties: { of: "[reference('first', '2020-01-01', 'Full').name]" } },
              \(thing("first", "tags: { w: \"[parameters('word')]\" }, properties: { slow: 2 }")) ],
            outputs: { seen: { type: 'string', value: "[reference('last').all]" } }
            """, parameters: "{\"word\": {\"value\": \"w\"}}")
        #expect(properties(done)["provisioningState"] == "Succeeded")
        #expect(properties(done)["outputs"] == ["seen": ["type": "String", "value": "seen first"]])
        #expect(world.things.puts.first == "first" && world.things.puts.last == "last" && world.things.puts.count == 5)
        #expect(world.things.thing("t2")?["properties"]?["of"] == "first")
        #expect(world.things.thing("last")?["properties"]?["key"] == "of first")
        #expect(world.things.thing("first")?["tags"] == ["w": "w"])
        #expect(world.things.callers == ["o"])
        #expect(properties(done)["parameters"] == ["n": ["type": "Int", "value": 3], "word": ["type": "String", "value": "w"]])
        #expect(try await world.operations(of: "d").count == 5)
    }

    @Test func aFailedResourceLeavesTheOthersAndIsNamed() async throws {
        let world = try await World()
        let done = try await world.deploy("""
            resources: [\(thing("good")), \(thing("bad", "properties: { fail: 'no room left' }")), \(thing("after", "dependsOn: ['bad']")), \(thing("doomed", "properties: { slow: 1, doomed: true }")), \(thing("ill", "properties: { x: \"[reference('good').nothing]\" }"))]
            """)
        #expect(properties(done)["provisioningState"] == "Failed")
        #expect(world.things.names.contains("good"))
        #expect(!world.things.puts.contains("after"))
        let details = details(done)
        #expect(details.count == 3)
        #expect(details.contains("ThingConflict: no room left"))
        #expect(details.contains { $0.contains("doomed") && $0.contains("'Failed'") })
        #expect(details.contains { $0.contains("'nothing' does not exist") })
        #expect(properties(done)["error"]?["message"]?.string?.contains("Test.Things/things/after") == true)
        let failed = try await world.operations(of: "d").filter { $0["properties"]?["provisioningState"] == "Failed" }
        #expect(failed.contains { $0["properties"]?["statusCode"] == "Conflict" && $0["properties"]?["targetResource"]?["resourceName"] == "bad" })
    }

    @Test func manyReferencesAreFetchedTogether() async throws {
        let world = try await World()
        let done = try await world.deploy("""
            resources: [{ \(Self.things), name: "[concat('t', copyIndex())]", copy: { name: 'l', count: 60 } },
              \(thing("user", "properties: { x: { copy: [{ name: 'all', count: 60, input: \"[reference(concat('t', copyIndex('all'))).seen]\" }] } }"))],
            outputs: { o: { type: 'array', copy: { count: 60, input: "[reference(concat('t', copyIndex())).seen]" } }, p: { type: 'int', value: "[length(reference('user').x.all)]" } }
            """)
        #expect(properties(done)["outputs"]?["p"]?["value"] == 60, "\(details(done))")
        #expect(properties(done)["outputs"]?["o"]?["value"]?.array?.last == "seen t59")
        #expect(world.things.thing("user")?["properties"]?["x"]?["all"]?.array?.count == 60)
    }

    @Test func requestsOfADeploymentAreBounded() async throws {
        let world = try await World()
        world.things.hold(true)
        _ = try await world.ask("PUT", World.path("d"), World.body("resources: [{ \(Self.things), name: \"[concat('t', copyIndex())]\", copy: { name: 'l', count: 30 }, properties: { held: true } }]"))
        while world.things.mostBusy < 8 { try await Task.sleep(for: .milliseconds(5)) }
        #expect(try await world.refusal("PUT", World.path("d"), World.body("resources: []"))?.code == "DeploymentActive")
        #expect(try await world.refusal("DELETE", World.path("d"))?.code == "DeploymentActive")
        world.things.hold(false)
        #expect(properties(try await world.end(of: "d"))["provisioningState"] == "Succeeded")
        #expect(world.things.mostBusy == 8)
        #expect(world.things.names.count == 30)
    }

    @Test func whatTheCallerMayNotDoTheDeploymentMayNot() async throws {
        let world = try await World(authorizer: NoThings())
        let done = try await world.deploy("resources: [\(thing("a"))]")
        #expect(details(done).first?.hasPrefix("AuthorizationFailed") == true)
        #expect(world.things.names.isEmpty)
    }

    @Test func aLockHoldsAgainstADeployment() async throws {
        let world = try await World()
        let lock = "\(World.group)/providers/Test.Things/things/a/providers/Microsoft.Authorization/locks/l"
        _ = try await world.deploy("resources: [\(thing("a"))]")
        _ = try await world.ask("PUT", lock, "{\"properties\": {\"level\": \"ReadOnly\"}}")
        #expect(details(try await world.deploy("resources: [\(thing("a"))]")).first?.hasPrefix("ScopeLocked") == true)
    }

    @Test func completeModeDeletesTheRest() async throws {
        let world = try await World()
        _ = try await world.deploy("resources: [\(thing("a")), \(thing("b")), \(thing("c"))]")
        let done = try await world.deploy("resources: [\(thing("b")), \(thing("no", "condition: false"))]", mode: "Complete")
        #expect(properties(done)["provisioningState"] == "Succeeded")
        #expect(world.things.names == ["b"])
        #expect(try await world.operations(of: "d").filter { $0["properties"]?["provisioningOperation"] == "Delete" }.count == 2)
        _ = try await world.deploy("resources: [\(thing("kept", "properties: { kept: true }"))]")
        let stuck = try await world.deploy("resources: []", mode: "Complete")
        #expect(details(stuck) == ["ThingInUse: It is in use."])
        #expect(world.things.names == ["kept"])
        _ = try await world.deploy("resources: [\(thing("bad", "properties: { fail: 'x' }"))]", mode: "Complete")
        #expect(world.things.names == ["kept"])
    }

    @Test func secretsAreUsedAndNeverShown() async throws {
        let store = InMemoryStore()
        let world = try await World(store: store)
        let vault = "\(World.group)/providers/Microsoft.KeyVault/vaults/v"
        let done = try await world.deploy("""
            parameters: { given: { type: 'securestring' }, fetched: { type: 'securestring' }, object: { type: 'secureObject', defaultValue: { k: 'swordfish-3' } } },
            resources: [\(thing("a", "properties: { x: \"[concat(parameters('given'), parameters('fetched'), parameters('object').k)]\" }"))],
            outputs: { o: { type: 'securestring', value: "[parameters('given')]" } }
            """, parameters: "{\"given\": {\"value\": \"open-sesame\"}, \"fetched\": {\"reference\": {\"keyVault\": {\"id\": \"\(vault)\"}, \"secretName\": \"known\"}}}")
        #expect(world.things.thing("a")?["properties"]?["x"] == "open-sesamehunter2-hunter2swordfish-3")
        #expect(properties(done)["parameters"] == ["given": ["type": "SecureString"], "fetched": ["type": "SecureString"], "object": ["type": "SecureObject"]])
        #expect(properties(done)["outputs"] == ["o": ["type": "SecureString"]])
        for collection in ["deployments", "deployment-operations"] {
            for document in try await store.read({ try $0.documents(in: collection, prefix: "", after: nil, limit: 100) }) {
                let text = String(decoding: document.body, as: UTF8.self)
                for secret in ["open-sesame", "hunter2", "swordfish"] { #expect(!text.contains(secret), "\(collection) has \(secret)") }
            }
        }
    }

    @Test func aRefusalThatQuotesASecretIsWrittenDownWithoutIt() async throws {
        let world = try await World()
        let done = try await world.deploy("""
            parameters: { s: { type: 'securestring' } },
            resources: [\(thing("a", "properties: { fail: \"[concat('bad value ', parameters('s'), '!')]\" }")), \(thing("b", "properties: { x: \"[reference(parameters('s')).y]\" }"))]
            """, parameters: "{\"s\": {\"value\": \"open-sesame\"}}")
        #expect(details(done).contains("ThingConflict: bad value *******!"))
        let whole = String(decoding: try JSON.encode([done] + (try await world.operations(of: "d"))), as: UTF8.self)
        #expect(!whole.contains("open-sesame"))
    }

    @Test func otherScopesAreRefused() async throws {
        let world = try await World()
        for path in ["/providers/Microsoft.Resources/deployments/d", "\(World.group)/providers/Test.Things/things/a/providers/Microsoft.Resources/deployments/d"] {
            #expect(try await world.refusal("PUT", path, World.body("resources: []"))?.code == "InvalidDeploymentScope")
        }
    }

    @Test func secretsOfVaultsAreForSecretParameters() async throws {
        let world = try await World()
        let reference = { (name: String) in "{\"p\": {\"reference\": {\"keyVault\": {\"id\": \"\(World.group)/providers/Microsoft.KeyVault/vaults/v\"}, \"secretName\": \"\(name)\"}}}" }
        let plain = World.body("parameters: { p: { type: 'string' } }, resources: []", parameters: reference("known"))
        #expect(try await world.refusal("PUT", World.path("d"), plain)?.message.contains("securestring") == true)
        let unknown = World.body("parameters: { p: { type: 'securestring' } }, resources: []", parameters: reference("unknown"))
        #expect(try await world.refusal("PUT", World.path("d"), unknown)?.code == "NoSecret")
    }

    @Test func nestedDeploymentsRunAndHandTheirOutputsOn() async throws {
        let world = try await World()
        let nested = """
            { type: 'Microsoft.Resources/deployments', apiVersion: '2021-04-01', name: 'inner', properties: { mode: 'Incremental', expressionEvaluationOptions: { scope: 'inner' },
              parameters: { n: { value: 'deep' } }, template: { $schema: 's', contentVersion: '1', parameters: { n: { type: 'string' } },
                resources: [{ \(Self.things), name: "[parameters('n')]", properties: {} }], outputs: { seen: { type: 'string', value: "[reference(parameters('n')).seen]" } } } } }
            """
        let done = try await world.deploy("resources: [\(nested), \(thing("user", "properties: { x: \"[reference('inner').outputs.seen.value]\" }"))]", mode: "Complete")
        #expect(properties(done)["provisioningState"] == "Succeeded", "\(details(done))")
        #expect(world.things.thing("user")?["properties"]?["x"] == "seen deep")
        #expect(world.things.names == ["deep", "user"])
        let failing = try await world.deploy("resources: [\(nested.replacing("properties: {} }]", with: "properties: { fail: 'no luck' } }]"))]")
        #expect(details(failing).first?.contains("no luck") == true)
    }

    @Test func aGroupIsMadeAndFilledAtASubscription() async throws {
        let world = try await World()
        let scope = "/subscriptions/\(World.subscription)"
        let sections = """
            resources: [ { type: 'Microsoft.Resources/resourceGroups', apiVersion: '2021-04-01', name: 'new', location: "[deployment().location]" },
              { type: 'Microsoft.Resources/deployments', apiVersion: '2021-04-01', name: 'fill', resourceGroup: 'new', dependsOn: ["[subscriptionResourceId('Microsoft.Resources/resourceGroups', 'new')]"],
                properties: { mode: 'Incremental', template: { $schema: 's', contentVersion: '1', resources: [{ \(Self.things), name: 'a', properties: { g: "[subscription().displayName]" } }] } } } ]
            """
        let done = try await world.deploy(sections, scope: scope, location: "ukwest")
        #expect(properties(done)["provisioningState"] == "Succeeded", "\(details(done))")
        #expect(try await world.ask("GET", "\(scope)/resourceGroups/new").json["location"] == "ukwest")
        #expect(world.things.thing("a")?["id"]?.string?.contains("/resourceGroups/new/") == true)
        #expect(try await world.refusal("PUT", World.path("e", scope), World.body(sections))?.code == "LocationRequired")
        #expect(try await world.refusal("PUT", World.path("e", scope), World.body(sections, mode: "Complete", location: "ukwest"))?.code == "InvalidDeploymentMode")
        #expect(try await world.refusal("PUT", World.path("d", scope), World.body(sections, location: "uksouth"))?.code == "InvalidDeploymentLocation")
    }

    @Test func cancellationEndsADeploymentAndFinishesWhatIsOnItsWay() async throws {
        let world = try await World()
        world.things.hold(true)
        _ = try await world.ask("PUT", World.path("d"), World.body("resources: [\(thing("a", "properties: { held: true }")), \(thing("b", "dependsOn: ['a']"))]"))
        while world.things.puts.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        #expect(try await world.ask("POST", "\(World.path("d"))/cancel").status == 204)
        #expect(properties(try await world.end(of: "d"))["provisioningState"] == "Canceled")
        world.things.hold(false)
        while try await world.operations(of: "d").first?["properties"]?["provisioningState"] != "Succeeded" { try await Task.sleep(for: .milliseconds(5)) }
        // Time enough for the next one, had it not been canceled.
        try await Task.sleep(for: .milliseconds(100))
        #expect(world.things.names == ["a"])
        #expect(try await world.refusal("POST", "\(World.path("d"))/cancel")?.code == "DeploymentCannotBeCancelled")
        #expect(properties(try await world.ask("GET", World.path("d")).json)["provisioningState"] == "Canceled")
        #expect(!world.things.puts.contains("b"))
    }

    @Test func aDeploymentWhoseProcessDiedEndsAsFailed() async throws {
        let store = InMemoryStore()
        let dead = try await World(store: store)
        dead.things.hold(true)
        _ = try await dead.ask("PUT", World.path("d"), World.body("resources: [\(thing("a", "properties: { held: true }"))]"))
        while dead.things.puts.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        // Another process over the same store, which knows nothing of the first one's tasks.
        let next = try await World(store: store)
        #expect(properties(try await next.ask("GET", World.path("d")).json)["provisioningState"] == "Running")
        next.clock.advance(by: .seconds(60))
        let ended = try await next.ask("GET", World.path("d")).json
        #expect(properties(ended)["provisioningState"] == "Failed")
        #expect(properties(ended)["error"]?["code"] == "DeploymentInterrupted")
        dead.things.hold(false)
        while dead.things.names.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
        #expect(properties(try await next.ask("GET", World.path("d")).json)["error"]?["code"] == "DeploymentInterrupted")
    }

    @Test func deploymentsAreListedShownExportedAndForgotten() async throws {
        let world = try await World()
        _ = try await world.deploy("resources: [\(thing("a"))]", as: "one")
        world.clock.advance(by: .seconds(1))
        _ = try await world.deploy("resources: [\(thing("b", "properties: { fail: 'x' }"))]", as: "two")
        let names = { (list: JSONValue) in (list["value"]?.array ?? []).compactMap { $0["name"]?.string } }
        let base = "\(World.group)/providers/Microsoft.Resources/deployments"
        #expect(names(try await world.ask("GET", base).json) == ["two", "one"])
        #expect(names(try await world.ask("GET", "\(base)?$filter=provisioningState%20eq%20'Failed'").json) == ["two"])
        #expect(names(try await world.ask("GET", "\(base)?$top=1").json) == ["two"])
        #expect(try await world.refusal("GET", "\(base)?$filter=name%20eq%20'x'")?.code == "InvalidFilterInQueryString")
        #expect(try await world.ask("POST", "\(base)/one/exportTemplate").json["template"]?["contentVersion"] == "1.0.0.0")
        #expect(try await world.ask("HEAD", "\(base)/one").status == 204)
        let operation = try #require(try await world.operations(of: "one").first?["operationId"]?.string)
        #expect(try await world.ask("GET", "\(base)/one/operations/\(operation)").json["properties"]?["provisioningState"] == "Succeeded")
        #expect(try await world.refusal("GET", "\(base)/one/operations/0")?.code == "DeploymentOperationNotFound")
        #expect(try await world.ask("DELETE", "\(base)/one").status == 204)
        #expect(try await world.refusal("GET", "\(base)/one")?.code == "DeploymentNotFound")
        #expect(world.things.names == ["a"])
        _ = try await world.ask("DELETE", World.group)
        _ = try await world.ask("PUT", World.group, "{\"location\": \"uksouth\"}")
        #expect(names(try await world.ask("GET", base).json) == [])
    }

    @Test func theOldestDeploymentGoesForOneThatIsTooMany() async throws {
        let world = try await World(history: 3)
        for number in 0...4 {
            world.clock.advance(by: .seconds(1))
            _ = try await world.deploy("resources: []", as: "d\(number)")
            _ = try await world.deploy("resources: []", as: "d\(number)")
        }
        for number in 0...1 { #expect(try await world.refusal("GET", World.path("d\(number)"))?.code == "DeploymentNotFound") }
        for number in 2...4 { #expect(try await world.ask("GET", World.path("d\(number)")).status == 200) }
    }

    @Test(arguments: [
        ("{", "InvalidRequestContent", "ends"), ("{\"properties\": {\"mode\": \"Incremental\"}}", "InvalidRequestContent", "template"), ("{\"properties\": {\"templateLink\": {\"uri\": \"https://x\"}}}", "InvalidTemplateDeployment", "fetches nothing"),
        ("{\"properties\": {\"mode\": \"Sometimes\", \"template\": {}}}", "InvalidRequestContent", "Incremental or Complete"), (World.body("resources: [{ type: 'Microsoft.Storage/storageAccounts', apiVersion: '2020-01-01', name: 'a' }]"), "InvalidResourceNamespace", "Microsoft.Authorization, Microsoft.Resources, Test.Things"),
        (World.body("resources: [{ type: 'Test.Things/others', apiVersion: '2020-01-01', name: 'a' }]"), "InvalidResourceType", "things"), (World.body("resources: [{ type: 'Test.Things/things', apiVersion: '2019-01-01', name: 'a' }]"), "NoRegisteredProviderFound", "2020-01-01"),
        (World.body("resources: [{ type: 'Test.Things/things', apiVersion: '2020-01-01', name: '[nope()]' }]"), "InvalidTemplate", "'nope' is not known"), (World.body("resources: []", parameters: "{\"x\": {\"value\": 1}}"), "InvalidTemplate", "not declared"),
        (World.body("parameters: { p: { type: 'int' } }, resources: []"), "InvalidTemplate", "not provided"), ("{\"properties\": {\"template\": {}, \"onErrorDeployment\": {\"type\": \"LastSuccessful\"}}}", "InvalidTemplateDeployment", "deploy the earlier template"),
        ("{\"properties\": {\"template\": {}, \"extensionConfigs\": {\"a\": 1}}}", "InvalidTemplateDeployment", "extensionConfigs"), (World.body("resources: []", parameters: "{\"x\": 1}"), "InvalidRequestContent", "neither 'value'"),
    ])
    func whatCannotBeDeployedIsRefusedBeforeAnythingIs(_ body: String, _ code: String, _ part: String) async throws {
        let world = try await World()
        for path in ["PUT \(World.path("d"))", "POST \(World.path("d"))/validate", "POST \(World.path("d"))/whatIf"] {
            let words = path.split(separator: " ").map(String.init)
            let error = try await world.refusal(words[0], words[1], body)
            #expect(error?.code == code && error?.message.contains(part) == true, "\(error?.code ?? "none"): \(error?.message ?? "")")
            #expect(error?.status == 400)
        }
        #expect(world.things.puts.isEmpty)
    }

    @Test func namesAreChecked() async throws {
        let world = try await World()
        for name in ["a%20b", String(repeating: "x", count: 65), "a&b"] {
            #expect(try await world.refusal("PUT", World.path(name), World.body("resources: []"))?.code == "InvalidDeploymentName")
        }
    }

    @Test func validationLooksIntoNestedTemplates() async throws {
        let world = try await World()
        let nested = { (name: String) in World.body("resources: [{ type: 'Microsoft.Resources/deployments', apiVersion: '2021-04-01', name: 'in', properties: { mode: 'Incremental', template: { $schema: 's', contentVersion: '1', resources: [{ type: 'Test.Things/\(name)', apiVersion: '2020-01-01', name: 'a' }] } } }]") }
        #expect(try await world.refusal("POST", "\(World.path("d"))/validate", nested("others"))?.message.contains("nested deployment 'in'") == true)
        let valid = try await world.ask("POST", "\(World.path("d"))/validate", nested("things")).json
        #expect(valid["properties"]?["validatedResources"]?.array?.count == 1)
        #expect(world.things.puts.isEmpty)
    }
}
