import CofferModel
import CofferTemplates
import Testing

/// What a deployment would change, told without changing it.
@Suite struct WhatIfTests {
    private static let things = "type: 'Test.Things/things', apiVersion: '2020-01-01'"

    private func changes(_ world: World, _ body: String) async throws -> [String: JSONValue] {
        let answer = try await world.ask("POST", "\(World.path("d"))/whatIf", body).json
        let listed = answer["properties"]?["changes"]?.array ?? []
        return Dictionary(uniqueKeysWithValues: listed.map { ((ResourceID($0["resourceId"]?.string ?? "/")?.name ?? ""), $0) })
    }

    @Test func eachKindOfChangeIsTold() async throws {
        let world = try await World()
        _ = try await world.deploy("""
            resources: [{ \(Self.things), name: 'same', location: 'uksouth', properties: { x: 1 } }, { \(Self.things), name: 'other', properties: {} },
              { \(Self.things), name: 'new tags', tags: { a: '1', b: '2' }, properties: { x: 1, list: [1, 2], deep: { y: 1 } } }]
            """.replacing("new tags", with: "changed"))
        let template = """
            parameters: { s: { type: 'securestring' } }, resources: [{ \(Self.things), name: 'same', location: 'UK South', properties: { x: 1 } }, { \(Self.things), name: 'made', properties: { secret: "[concat('is ', parameters('s'))]" } },
              { \(Self.things), name: 'changed', tags: { a: '1', c: '3' }, properties: { x: 2, list: [1, 3, 4], deep: { z: true } } },
              { \(Self.things), name: 'unknown', properties: { y: "[reference('made').z]" } }]
            """
        let parameters = "{\"s\": {\"value\": \"hunter2\"}}"
        let found = try await changes(world, World.body(template, parameters: parameters))
        #expect(found.mapValues { $0["changeType"] ?? .null } == ["same": "NoChange", "other": "Ignore", "made": "Create", "changed": "Modify", "unknown": "Create"])
        #expect(found["made"]?["after"]?["properties"] == ["secret": "is *******"])
        #expect(found["unknown"]?["after"]?["properties"] == ["y": "[reference('made').z]"])
        let delta = found["changed"]?["delta"]?.array ?? []
        #expect(delta.map { "\($0["propertyChangeType"]?.string ?? "") \($0["path"]?.string ?? "")" } == [
            "Create properties.deep.z", "Array properties.list", "Modify properties.x", "Create tags.c", "Delete tags.b",
        ])
        #expect(delta[1]["children"] == [
            ["path": "1", "propertyChangeType": "Modify", "before": 2, "after": 3], ["path": "2", "propertyChangeType": "Create", "after": 4],
        ])
        #expect(try await changes(world, World.body(template, mode: "Complete", parameters: parameters))["other"]?["changeType"] == "Delete")
        #expect(world.things.names == ["same", "other", "changed"])
    }

    @Test func idsAloneAreToldWhereTheyAreWanted() async throws {
        let world = try await World()
        _ = try await world.deploy("resources: [{ \(Self.things), name: 'a', properties: { x: 1 } }]")
        let body = World.body("resources: [{ \(Self.things), name: 'a', properties: { x: 2 } }, { \(Self.things), name: 'b', properties: {} }]")
        let found = try await changes(world, body.replacing("\"mode\"", with: "\"whatIfSettings\": {\"resultFormat\": \"ResourceIdOnly\"}, \"mode\""))
        #expect(found["a"]?["changeType"] == "Deploy" && found["b"]?["changeType"] == "Create")
        #expect(found["a"]?["after"] == nil && found["b"]?["after"] == nil)
    }

    @Test func nestedDeploymentsAreLookedInto() async throws {
        let world = try await World()
        let nested = { (value: String) in
            """
            { type: 'Microsoft.Resources/deployments', apiVersion: '2021-04-01', name: 'in', properties: { mode: 'Incremental', expressionEvaluationOptions: { scope: 'inner' }, parameters: { n: { value: \(value) } },
              template: { $schema: 's', contentVersion: '1', parameters: { n: { type: 'string', maxLength: 9 } }, resources: [{ \(Self.things), name: "[parameters('n')]", properties: {} }] } } }
            """
        }
        #expect(try await changes(world, World.body("resources: [\(nested("'deep'"))]"))["deep"]?["changeType"] == "Create")
        let unknown = try await changes(world, World.body("resources: [\(nested("\"[reference(resourceId('Test.Things/things', 'gone'), '2020-01-01').x]\""))]"))
        #expect(unknown["in"]?["changeType"] == "Unsupported")
        #expect(unknown["in"]?["unsupportedReason"]?.string?.contains("not known yet") == true)
    }
}
