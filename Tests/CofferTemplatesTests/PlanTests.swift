import CofferModel
import CofferTemplates
import Testing

/// From a template to resources in their order.
@Suite struct PlanTests {
    private static let things = "type: 'Test.Things/things', apiVersion: '2020-01-01'"

    private func ids(_ plan: DeploymentPlan) -> [String] { plan.resources.map { $0.id.segments.map(\.name).joined(separator: "/") } }

    private func dependencies(_ plan: DeploymentPlan) -> [Set<Int>] { plan.resources.map(\.dependencies) }

    @Test func aBodyHasWhatIsForTheResourceAlone() throws {
        let plan = try Samples.plan("""
            parameters: { n: { type: 'string' } }, variables: { l: '[toUpper(parameters(''n''))]' },
            resources: [{ \(Self.things), name: '[parameters("n")]', comments: 'x', condition: true, dependsOn: [], location: '[[literal]', tags: { '[variables("l")]': '[variables("l")]' },
              properties: { list: [1, '[length(parameters("n"))]'] } }]
            """.replacing("\"", with: "\\'").replacing("''", with: "\\'"), ["n": "ab"])
        #expect(try plan.body(of: 0, runtime: nil) == ["location": "[literal]", "tags": ["AB": "AB"], "properties": ["list": [1, 2]]])
        #expect(plan.resources[0].id.text == "\(Samples.group.text)/providers/Test.Things/things/ab")
    }

    @Test func loopsMakeResourcesPropertiesVariablesAndOutputs() throws {
        let plan = try Samples.plan("""
            variables: { copy: [{ name: 'v', count: 2, input: "[concat('v', copyIndex('v'))]" }], nested: { copy: [{ name: 'w', count: 2, input: { i: "[copyIndex('w', 1)]" } }], other: 1 } },
            resources: [{ \(Self.things), name: "[concat('t', copyIndex(1))]", copy: { name: 'loop', count: 3 },
              properties: { own: "[copyIndex('loop')]", copy: [{ name: 'inner', count: 2, input: "[add(mul(copyIndex('loop'), 10), copyIndex('inner'))]" }] } }],
            outputs: { o: { type: 'array', copy: { count: 2, input: "[concat(variables('v')[copyIndex()], string(variables('nested').w[copyIndex()].i))]" } } }
            """)
        #expect(ids(plan) == ["t1", "t2", "t3"])
        #expect(try plan.body(of: 2, runtime: nil) == ["properties": ["own": 2, "inner": [20, 21]]])
        #expect(try plan.outputs(runtime: NoRuntime()).first?.value == ["v01", "v12"])
    }

    @Test func serialLoopsGoBatchByBatch() throws {
        let plan = try Samples.plan("resources: [{ \(Self.things), name: \"[concat('t', copyIndex())]\", copy: { name: 'l', count: 5, mode: 'serial', batchSize: 2 } }]")
        #expect(dependencies(plan) == [[], [], [0, 1], [0, 1], [2, 3]])
    }

    @Test func childrenAreSpelledInEveryWay() throws {
        let plan = try Samples.plan("""
            resources: [
              { \(Self.things), name: 'p', resources: [
                { type: 'parts', apiVersion: '2020-01-01', name: 'inside', resources: [{ type: 'bits', apiVersion: '2020-01-01', name: 'deep' }] },
                { type: 'Test.Things/things/parts', apiVersion: '2020-01-01', name: 'full' } ] },
              { type: 'Test.Things/things/parts', apiVersion: '2020-01-01', name: 'p/outside', dependsOn: ['p'] },
              { type: 'Test.Things/things/providers/locks', apiVersion: '2020-01-01', name: 'p/Microsoft.Authorization/old', dependsOn: ["[resourceId('Test.Things/things', 'p')]"] },
              { type: 'Microsoft.Authorization/locks', apiVersion: '2020-01-01', name: 'new', scope: 'Test.Things/things/p', dependsOn: ['Test.Things/things/p'] } ]
            """)
        let base = "\(Samples.group.text)/providers/Test.Things/things/p"
        #expect(plan.resources.map(\.id.text) == [
            base, "\(base)/parts/inside", "\(base)/parts/inside/bits/deep", "\(base)/parts/full", "\(base)/parts/outside",
            "\(base)/providers/Microsoft.Authorization/locks/old", "\(base)/providers/Microsoft.Authorization/locks/new",
        ])
        #expect(dependencies(plan) == [[], [0], [1], [0], [0], [0], [0]])
    }

    @Test func referencesAreDependencies() throws {
        let plan = try Samples.plan("""
            resources: [
              { \(Self.things), name: 'a', properties: { x: "[reference('b').y]", copy: [{ name: 'each', count: 2, input: "[reference(concat('c', copyIndex('each'))).z]" }] } },
              { \(Self.things), name: 'b' }, { \(Self.things), name: 'c0' }, { \(Self.things), name: 'c1', tags: { t: "[if(true(), 'x', listKeys(resourceId('Test.Things/things', 'b'), '2020-01-01').k)]" } } ]
            """)
        #expect(dependencies(plan) == [[1, 2, 3], [], [], [1]])
    }

    @Test func symbolicNamesWork() throws {
        let plan = try Samples.plan("""
            languageVersion: '2.0', resources: {
              old: { existing: true, \(Self.things), name: 'old' },
              many: { \(Self.things), name: "[concat('m', copyIndex())]", copy: { name: 'many', count: 2 }, dependsOn: ['old'] },
              last: { \(Self.things), name: 'last', dependsOn: ["[format('many[{0}]', 1)]"], properties: { all: "[map(references('many'), lambda('m', lambdaVariables('m').asked))]" } },
              next: { \(Self.things), name: 'next', properties: { of: "[reference('old', '2020-01-01', 'full').asked]" } } }
            """)
        #expect(ids(plan) == ["last", "m0", "m1", "next", "old"])
        #expect(dependencies(plan) == [[1, 2], [4], [4], [4], []])
        #expect(plan.resources[4].isExisting)
        #expect(try plan.body(of: 3, runtime: NoRuntime()) == ["properties": ["of": "old"]])
        #expect(plan.index(of: "many[1]") == 2)
    }

    @Test func whatExistsElsewhereIsReferredTo() throws {
        let plan = try Samples.plan("""
            languageVersion: '2.0', resources: { there: { existing: true, \(Self.things), name: 'x', resourceGroup: 'rg2' }, locked: { existing: true, type: 'Microsoft.Authorization/locks', apiVersion: '2020-01-01', name: 'l', scope: '/' } }
            """)
        #expect(plan.resources.map(\.id.text) == [
            "/providers/Microsoft.Authorization/locks/l", "/subscriptions/\(Samples.subscription)/resourceGroups/rg2/providers/Test.Things/things/x",
        ])
    }

    @Test func conditionsLeaveResourcesAndOutputsOut() throws {
        let plan = try Samples.plan("""
            resources: [{ \(Self.things), name: 'no', condition: "[equals(1, 2)]", resources: [{ type: 'parts', apiVersion: '2020-01-01', name: 'c' }] }, { \(Self.things), name: 'no' }],
            outputs: { a: { type: 'string', condition: false, value: 'x' }, b: { type: 'int', value: 1 } }
            """)
        #expect(plan.resources.map(\.isWanted) == [false, false, true])
        #expect(try plan.outputs(runtime: NoRuntime()).map(\.name) == ["b"])
    }

    @Test func functionsOfATemplateSeeTheirParametersAlone() throws {
        let sections = """
            functions: [{ namespace: 'my', members: { twice: { parameters: [{ name: 'x', type: 'string' }], output: { type: 'string', value: "[concat(parameters('x'), parameters('x'))]" } },
              sees: { parameters: [], output: { type: 'string', value: "[variables('v')]" } } } }], variables: { v: 'v' }, resources: []
            """
        #expect(try Samples.value("my.twice('ab')", sections) == "abab")
        #expect(Samples.failure { _ = try Samples.value("my.sees()", sections) }?.message.contains("sees no variables") == true)
        #expect(Samples.failure { _ = try Samples.value("my.twice(1)", sections) }?.message.contains("of the type 'string'") == true)
    }

    @Test func parametersAreHeldToTheirTypes() throws {
        let sections = """
            definitions: { sku: { type: 'object', properties: { name: { type: 'string', allowedValues: ['S', 'P'] }, size: { type: 'int', nullable: true } }, additionalProperties: false } },
            parameters: { sku: { $ref: '#/definitions/sku' }, n: { type: 'int', minValue: 1, maxValue: 3, defaultValue: 2 }, many: { type: 'array', items: { type: 'string', maxLength: 2 }, defaultValue: [] },
              maybe: { type: 'string', nullable: true }, s: { type: 'securestring', minLength: 8, defaultValue: 'long enough' }, e: { type: 'string', allowedValues: ['Yes', 'No'], defaultValue: 'yes' } }, resources: []
            """
        let sku: JSONValue = ["name": "S"]
        #expect(try Samples.plan(sections, ["sku": sku]).parameterValues()["maybe"] == .null)
        for (given, part): ([String: JSONValue], String) in [
            ([:], "is not provided"), (["sku": ["name": "X"]], "at name, the value is not one of the allowed ones: S, P"), (["sku": ["name": "S", "x": 1]], "'x' is not one"),
            (["sku": [:]], "'name' is missing"), (["sku": sku, "n": 4], "more than 3"), (["sku": sku, "n": "2"], "type 'int' and is a string"), (["sku": sku, "many": ["abc"]], "at [0], it is more than 2 characters"),
            (["sku": sku, "s": "hunter2"], "less than 8 characters"), (["sku": sku, "other": 1], "not declared"), (["sku": sku, "e": "maybe"], "Yes, No"),
        ] {
            let failure = Samples.failure { _ = try Samples.plan(sections, given) }
            #expect(failure?.message.contains(part) == true, "\(failure?.message ?? "no failure")")
            #expect(failure?.message.contains("hunter2") != true)
        }
    }

    @Test(arguments: [
        ("resources: [{ \(things), name: 'a', dependsOn: ['b'] }, { \(things), name: 'b', properties: { x: \"[reference('a').x]\" } }]", "Circular dependency"),
        ("resources: [{ \(things), name: 'a', dependsOn: ['zzz'] }]", "'zzz' is not defined"), ("resources: [{ \(things), name: 'a' }, { \(things), name: 'A' }]", "multiple times"),
        ("resources: [{ \(things), name: 'a/b' }]", "incorrect segment lengths"), ("resources: [{ \(things) }]", "name of a resource"), ("resources: [{ type: 'Test.Things/things', name: 'a' }]", "apiVersion"),
        ("resources: [{ \(things), name: \"[reference('x').y]\" }]", "not expected at this location"), ("resources: [{ \(things), name: 'a', condition: \"[reference('x').y]\" }]", "not expected"),
        ("variables: { v: \"[reference('x')]\" }, resources: [{ \(things), name: \"[variables('v')]\" }]", "not expected"), ("variables: { a: \"[variables('b')]\", b: \"[variables('a')]\" }, resources: [{ \(things), name: \"[variables('a')]\" }]", "needs itself"),
        ("parameters: { a: { type: 'string', defaultValue: \"[parameters('a')]\" } }, resources: []", "needs itself"), ("resources: [{ \(things), name: \"[concat('a', copyIndex())]\", copy: { name: 'l', count: 801 } }]", "from 0 to 800"),
        ("resources: [{ \(things), name: \"[concat('a', copyIndex())]\", copy: { name: 'l', count: 800 } }, { \(things), name: 'x' }]", "801 resources"), ("resources: { a: {} }", "no array"),
        ("languageVersion: '2.0', resources: []", "no object"), ("languageVersion: '3.0', resources: []", "not supported"), ("extensions: {}, resources: []", "'extensions' of the template is not supported"),
        ("resources: [{ \(things), name: 'a', properties: { deep: ['[unknownThing()]'] } }]", "'unknownThing' is not known"), ("outputs: { o: { type: 'string' } }, resources: []", "neither 'value' nor 'copy'"),
        ("parameters: { p: { type: 'text', defaultValue: 'x' } }, resources: []", "'text' is not known"), ("parameters: { p: 5 }, resources: []", "not an object"), ("parameters: { p: { $ref: '#/definitions/no' , defaultValue: 1 } }, resources: []", "is not defined"),
        ("definitions: { a: { $ref: '#/definitions/b' }, b: { $ref: '#/definitions/a' } }, parameters: { p: { $ref: '#/definitions/a', defaultValue: 1 } }, resources: []", "needs itself"),
        ("resources: [{ \(things), name: 'a', extension: 'kubernetes' }]", "'extension' of a resource is not supported"), ("resources: [{ type: 'Microsoft.Resources/resourceGroups', apiVersion: '2020-01-01', name: 'g' }]", "scope of a subscription"),
        ("resources: [{ \(things), name: 'a', resources: [{ type: 'parts', apiVersion: 'x', name: 'c', copy: { name: 'l', count: 2 } }] }]", "top level"),
        ("resources: [{ \(things), name: 'a', copy: { name: 'l', count: 2, mode: 'serial', batchSize: 0 } }]", "batch size"),
    ])
    func whatCannotBeDeployedIsToldClearly(_ sections: String, _ part: String) {
        let failure = Samples.failure { _ = try Samples.plan(sections) }
        #expect(failure?.message.contains(part) == true, "\(failure?.message ?? "no failure")")
    }

    @Test func whatAFailureNamesIsWhereItStands() {
        let failure = Samples.failure { _ = try Samples.plan("resources: [{ \(Self.things), name: 'a', properties: { list: [{ x: \"[toLower(5)]\" }] } }]").body(of: 0, runtime: nil) }
        #expect(failure?.place == "resources.Test.Things/things/a.properties.list[0].x")
    }

    @Test func aGroupIsMadeAtASubscription() throws {
        let plan = try Samples.plan("""
            resources: [{ type: 'Microsoft.Resources/resourceGroups', apiVersion: '2021-04-01', name: 'new', location: 'uksouth' },
              { type: 'Microsoft.Resources/deployments', apiVersion: '2021-04-01', name: 'in', resourceGroup: 'new', dependsOn: ["[resourceId('Microsoft.Resources/resourceGroups', 'new')]"],
                properties: { mode: 'Incremental', template: { $schema: 'x' } } }]
            """, scope: ResourceID(subscription: Samples.subscription))
        #expect(plan.resources.map(\.id.text) == [
            "/subscriptions/\(Samples.subscription)/resourceGroups/new", "/subscriptions/\(Samples.subscription)/resourceGroups/new/providers/Microsoft.Resources/deployments/in",
        ])
        #expect(dependencies(plan) == [[], [0]])
    }

    @Test func aPlanOfWhatWouldBeHasNoSecrets() throws {
        let plan = try Samples.plan("""
            parameters: { s: { type: 'securestring' } }, resources: [{ \(Self.things), name: 'a', properties: { x: "[concat('user:', parameters('s'))]", y: "[reference('gone').z.z]" } }]
            """, ["s": "hunter2"], masksSecrets: true)
        #expect(try plan.body(of: 0, runtime: NoRuntime(), keepsUnknown: true) == ["properties": ["x": "user:*******", "y": "[reference('gone').z.z]"]])
    }
}
