import CofferModel
import CofferTemplates
import Testing

/// Deployments as resources of others.
@Suite struct NestedTemplateTests {
    private func body(_ properties: String, _ more: String = "") throws -> JSONValue {
        let plan = try Samples.plan("""
            parameters: { p: { type: 'string', defaultValue: 'out' } }, variables: { v: { list: ['[[x]', "it's"] } },
            resources: [{ type: 'Microsoft.Resources/deployments', apiVersion: '2021-04-01', name: "[concat('n', copyIndex())]", copy: { name: 'outer', count: 2 }, \(more) properties: { \(properties) } }]
            """)
        return try plan.body(of: 1, runtime: NoRuntime())
    }

    @Test func innerExpressionsAreLeftAlone() throws {
        let body = try body("""
            mode: 'Incremental', expressionEvaluationOptions: { scope: 'inner' }, parameters: { q: { value: "[parameters('p')]" } },
            template: { $schema: 's', resources: [{ name: "[parameters('q')]" }] }
            """)
        #expect(body == (try Samples.json("""
            { properties: { mode: 'Incremental', parameters: { q: { value: 'out' } }, template: { $schema: 's', resources: [{ name: "[parameters('q')]" }] } } }
            """)))
    }

    @Test func outerExpressionsBecomeValues() throws {
        let body = try body("""
            mode: 'Incremental', template: { $schema: 's', parameters: { p: { type: 'string' } }, variables: { p: 'in' },
              resources: [{ name: "[concat(parameters('p'), copyIndex())]", text: "[variables('v').list]", plain: '[[kept]' }] }
            """)
        #expect(body["properties"]?["template"] == (try Samples.json("""
            { $schema: 's', resources: [{ name: 'out1', text: ['[[x]', "it's"], plain: '[[kept]' }] }
            """)))
    }

    @Test func loopsOfANestedTemplateStayItsOwn() throws {
        let body = try body("""
            template: { $schema: 's', resources: [{ copy: { name: 'inner', count: 3 }, name: "[concat(parameters('p'), copyIndex('outer'), '-', string(copyIndex()), variables('v').list[1])]" }] }
            """)
        #expect(body["properties"]?["template"] == (try Samples.json("""
            { $schema: 's', resources: [{ copy: { name: 'inner', count: 3 }, name: "[concat('out', 1, '-', string(copyIndex()), 'it''s')]" }] }
            """)))
    }

    @Test func linksAreRefused() {
        let failure = Samples.failure { _ = try body("templateLink: { uri: 'https://example.com/t.json' }") }
        #expect(failure?.message.contains("fetches nothing from elsewhere") == true)
        #expect(Samples.failure { _ = try body("mode: 'Incremental'") }?.message.contains("no template") == true)
    }
}
