import CofferModel
import CofferTemplates
import CofferTesting
import Testing

/// Templates that are broken, or ask for too much, end in an error that says so, within the limits of depth, calls and memory.
@Suite struct BrokenTemplateTests {
    private static let sound = """
        { "$schema": "s", "contentVersion": "1.0.0.0", "languageVersion": "1.10", "parameters": { "name": { "type": "string", "defaultValue": "n" }, "count": { "type": "int", "defaultValue": 2 } },
          "variables": { "a": "[concat(parameters('name'), '-', uniqueString(resourceGroup().id))]", "b": { "list": "[range(0, parameters('count'))]", "copy": [{ "name": "c", "count": 2, "input": "[copyIndex('c')]" }] } },
          "functions": [{ "namespace": "f", "members": { "g": { "parameters": [{ "name": "x", "type": "int" }], "output": { "type": "int", "value": "[add(parameters('x'), 1)]" } } } }],
          "resources": [
            { "type": "A.B/c", "apiVersion": "2020-01-01", "name": "[variables('a')]", "location": "uksouth", "properties": { "x": "[f.g(3)]", "y": "[map(variables('b').list, lambda('i', mul(lambdaVariables('i'), 2)))]" } },
            { "type": "A.B/c/d", "apiVersion": "2020-01-01", "name": "[format('{0}/{1}', variables('a'), copyIndex())]", "copy": { "name": "loop", "count": "[parameters('count')]" }, "dependsOn": ["[resourceId('A.B/c', variables('a'))]"] },
            { "type": "Microsoft.Resources/deployments", "apiVersion": "2020-01-01", "name": "n", "properties": { "mode": "Incremental", "template": { "$schema": "s", "contentVersion": "1", "resources": [] } } } ],
          "outputs": { "o": { "type": "string", "value": "[reference(variables('a')).asked]" }, "p": { "type": "array", "copy": { "count": 2, "input": "[copyIndex()]" } } } }
        """

    /// Everything that is done with a template before and while it runs.
    private func exercise(_ source: JSONValue) throws {
        let plan = try DeploymentPlan(template: try Template(source), given: [:], facts: Samples.facts())
        for index in plan.resources.indices { _ = try plan.body(of: index, runtime: NoRuntime()) }
        _ = try plan.outputs(runtime: NoRuntime())
    }

    @Test func theSoundOneIsSound() throws { try exercise(try Samples.json(Self.sound)) }

    /// 1,500 templates that differ from a sound one: values of another type, members gone, texts cut, expressions and names in each other's places.
    @Test func aThousandBrokenOnesEndInClearErrors() throws {
        let sound = try Samples.json(Self.sound)
        let places = Self.places(in: sound)
        var random = SeededRandom(seed: 2026)
        var refused = 0
        for _ in 0..<1500 {
            var broken = sound
            for _ in 0..<(1 + Int(random.next() % 2)) {
                broken = Self.changed(broken, at: places[Int(random.next() % UInt64(places.count))][...], &random)
            }
            do {
                try exercise(broken)
            } catch let failure as TemplateFailure {
                refused += 1
                #expect(failure.message.count > 10)
            }
        }
        #expect(refused > 1000)
    }

    /// Text that is cut, or has a byte changed, is read or refused, and never more than that.
    @Test func changedTextIsReadOrRefused() throws {
        var random = SeededRandom(seed: 7)
        let bytes = Array(Self.sound.utf8)
        for round in 0..<1500 {
            var text = bytes
            if round % 3 == 0 { text.removeLast(Int(random.next() % UInt64(text.count))) } else { text[Int(random.next() % UInt64(text.count))] = UInt8(truncatingIfNeeded: random.next()) }
            do {
                try exercise(try TemplateReader.read(text))
            } catch is TemplateFailure {}
        }
    }

    @Test func whatGrowsWithoutEndIsStopped() {
        let doubling = (1...200).map { "v\($0): \"[concat(variables('v\($0 - 1)'), variables('v\($0 - 1)'))]\"" }.joined(separator: ", ")
        let arrays = (1...200).map { "v\($0): [\"[variables('v\($0 - 1)')]\", \"[variables('v\($0 - 1)')]\"]" }.joined(separator: ", ")
        let chain = (1...255).map { "v\($0): \"[concat('x', concat('y', concat('z', variables('v\($0 - 1)'))))]\"" }.joined(separator: ", ")
        let use = { (name: String) in "resources: [{ type: 'A.B/c', apiVersion: '2020-01-01', name: \"[string(length(variables('\(name)')))]\" }]" }
        let cases = [
            ("resources: [{ type: 'A.B/c', apiVersion: '2020-01-01', name: \"[concat('a', copyIndex())]\", copy: { name: 'l', count: 800 }, properties: { copy: [{ name: 'x', count: 800, input: { copy: [{ name: 'y', count: 800, input: 1 }] } }] } }]", "allowed"),
            ("variables: { v: \"[reduce(range(0, 10000), createArray(), lambda('a', 'x', createArray(lambdaVariables('a'))))]\" }, \(use("v"))", "100 deep"),
            ("variables: { v: \"[reduce(range(0, 10000), 'xx', lambda('a', 'x', concat(lambdaVariables('a'), lambdaVariables('a'))))]\" }, \(use("v"))", "1 MiB"),
            ("variables: { m: \"[reduce(range(0, 18), 'x', lambda('a', 'x', concat(lambdaVariables('a'), lambdaVariables('a'))))]\", v: \"[replace(variables('m'), 'x', variables('m'))]\" }, \(use("v"))", "1 MiB"),
            ("variables: { m: \"[reduce(range(0, 18), 'x', lambda('a', 'x', concat(lambdaVariables('a'), lambdaVariables('a'))))]\", v: \"[join(range(0, 9999), variables('m'))]\" }, \(use("v"))", "1 MiB"),
            ("variables: { m: \"[reduce(range(0, 18), 'x', lambda('a', 'x', concat(lambdaVariables('a'), lambdaVariables('a'))))]\", v: \"[format('\(String(repeating: "{0}", count: 2000))', variables('m'))]\" }, \(use("v"))", "1 MiB"),
            ("variables: { v0: 'xxxxxxxx', \(doubling) }, \(use("v100"))", "1 MiB"), ("variables: { v0: ['x'], \(arrays) }, \(use("v100"))", "32 MiB"),
            ("variables: { v0: 'x', \(chain) }, \(use("v255"))", "500 deep"),
            ("variables: { v: \"[map(range(0, 10000), lambda('a', map(range(0, 10000), lambda('b', 1))))]\" }, \(use("v"))", "allowed"),
            ("functions: [{ namespace: 'f', members: { g: { parameters: [], output: { type: 'int', value: '[f.g()]' } } } }], variables: { v: '[f.g()]' }, \(use("v"))", "500 deep"),
            ("variables: { v: \"\(String(repeating: "[", count: 1))\(String(repeating: "concat(", count: 101))'x'\(String(repeating: ")", count: 101))]\" }, \(use("v"))", "100 deep"),
            ("variables: { v: \"[concat('\(String(repeating: "x", count: 25_000))')]\" }, \(use("v"))", "24576 are allowed"),
            ("variables: { \((0...256).map { "v\($0): 1" }.joined(separator: ", ")) }, resources: []", "257 variables"),
            ("parameters: { \((0...256).map { "v\($0): { type: 'int', defaultValue: 1 }" }.joined(separator: ", ")) }, resources: []", "257 parameters"),
            ("outputs: { \((0...64).map { "v\($0): { type: 'int', value: 1 }" }.joined(separator: ", ")) }, resources: []", "65 outputs"),
        ]
        for (sections, part) in cases {
            let failure = Samples.failure { try exercise(try Samples.source(sections)) }
            #expect(failure?.message.contains(part) == true, "\(failure?.message ?? "no failure for \(sections.prefix(80))")")
        }
    }

    // MARK: - Breaking

    /// The ways to all values of a document.
    private static func places(in value: JSONValue) -> [[String]] {
        var places: [[String]] = [[]]
        if case .object(let members) = value { for (name, inner) in members.sorted(by: { $0.key < $1.key }) { places += self.places(in: inner).map { [name] + $0 } } }
        if case .array(let elements) = value { for (index, inner) in elements.enumerated() { places += self.places(in: inner).map { [String(index)] + $0 } } }
        return places
    }

    private static let replacements: [JSONValue] = [
        .null, true, -1, 900, 1e300.json, "", "[", "[]", "[concat(]", "[nothing()]", "[parameters('none')]", "[variables('a')]", "[variables('b')]", "[copyIndex()]", "[reference('x')]",
        "[json('[1')]", "[createObject('a')]", "[resourceGroup().nothing]", "[range(0, 100000)]", [], [:], ["x"], ["$ref": "#/definitions/a"], ["name": "a", "count": -1, "input": 1], [["a"]],
        "[f.g('x')]", "[map(1, 2)]", "[string(range(0, 9999))]", "[first(5)]", "[newGuid()]", "[add(9223372036854775807, 1)]", .string(String(repeating: "/", count: 2000)),
    ]

    private static func changed(_ value: JSONValue, at place: ArraySlice<String>, _ random: inout SeededRandom) -> JSONValue {
        guard let step = place.first else {
            if case .string(let text) = value, random.next() % 3 == 0 { return .string(String(text.prefix(Int(random.next() % UInt64(text.count + 1))))) }
            return replacements[Int(random.next() % UInt64(replacements.count))]
        }
        switch value {
        case .object(var members):
            guard let inner = members[step] else { return value }
            if place.count == 1, random.next() % 4 == 0 {
                members[step] = Optional<JSONValue>.none
                if random.next() % 2 == 0 { members[step + "x"] = inner }
            } else {
                members[step] = changed(inner, at: place.dropFirst(), &random)
            }
            return .object(members)
        case .array(var elements):
            guard let index = Int(step), elements.indices.contains(index) else { return value }
            elements[index] = changed(elements[index], at: place.dropFirst(), &random)
            return .array(elements)
        default: return value
        }
    }
}

extension Double {
    fileprivate var json: JSONValue { .double(self) }
}
