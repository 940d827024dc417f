package import CofferModel

/// A deployment before it runs: its resources with all their copies, and what each has to wait for.
///
/// Belongs to one task, as its ``Evaluator`` does.
package final class DeploymentPlan {
    package let template: Template
    package let evaluator: Evaluator
    package private(set) var resources: [PlannedResource]
    private let index: ResourceIndex

    /// - Parameters:
    ///   - given: The values of parameters by name in lower case.
    ///   - masksSecrets: Whether expressions see asterisks in the place of secret parameters.
    /// - Throws: ``TemplateFailure`` for what cannot be deployed: a name that needs a running deployment, resources that wait for each other,
    ///   too many of them.
    package init(template: Template, given: [String: JSONValue], facts: DeploymentFacts, masksSecrets: Bool = false) throws {
        self.template = template
        evaluator = Evaluator(template: template, given: given, facts: facts, masksSecrets: masksSecrets)
        try Self.checkNames(given, template)
        for declaration in template.parameters.values.sorted(by: { $0.name < $1.name }) { _ = try evaluator.parameter(declaration.name) }
        var expansion = ResourceExpansion(evaluator: evaluator)
        for (position, resource) in template.resources.enumerated() {
            try TemplateFailure.at(resource.symbol.map { "resources.\($0)" } ?? "resources[\(position)]") {
                try expansion.expand(resource.body, symbol: resource.symbol)
            }
        }
        resources = expansion.resources
        index = try ResourceIndex(resources)
        for position in resources.indices { resources[position].add(try dependencies(of: position, batches: expansion.batches)) }
        try checkCycles()
    }

    /// The values of all parameters by name in lower case, so that another plan of the same deployment is the same.
    package func parameterValues() throws -> [String: JSONValue] {
        try template.parameters.mapValues { try evaluator.parameter($0.name) }
    }

    private static func checkNames(_ given: [String: JSONValue], _ template: Template) throws {
        if let unknown = given.keys.sorted().first(where: { template.parameters[$0] == nil }) {
            let known = template.parameters.values.map(\.name).sorted().joined(separator: ", ")
            throw TemplateFailure(
                "The parameter '\(unknown.prefix(100))' is not valid: it is not declared in the template, which declares: \(known.isEmpty ? "none" : known)")
        }
    }

    // MARK: - What runs

    /// The request's body for a resource that is deployed.
    ///
    /// - Parameter keepsUnknown: Whether an expression that cannot be evaluated stands for itself.
    /// - Throws: ``TemplateFailure``, or ``RuntimeNeeded`` with all that has to be fetched first.
    package func body(of index: Int, runtime: (any RuntimeReader)?, keepsUnknown: Bool = false) throws -> JSONValue {
        let resource = resources[index]
        var context = EvaluationContext(.resource, turn: resource.turn, runtime: runtime)
        context.keepsUnknown = keepsUnknown
        return try answered(by: runtime) {
            try TemplateFailure.at("resources.\(resource.id.typeAndName)") {
                guard resource.isDeployment else { return try evaluator.evaluate(resource.body, in: context) }
                return try NestedTemplate(resource.body).body(evaluator, context)
            }
        }
    }

    /// What `body` gives if all that it asked was known.
    private func answered<R>(by runtime: (any RuntimeReader)?, _ body: () throws -> R) throws -> R {
        let result = Result { try body() }
        let questions = runtime?.takeQuestions() ?? []
        switch result {
        case .success where !questions.isEmpty: throw RuntimeNeeded(questions: questions)
        case .failure(is RuntimeUnknown): throw RuntimeNeeded(questions: questions)
        default: return try result.get()
        }
    }

    /// The resource that an expression means by an id, a name, a symbolic name or `symbol[index]`; nil if the template has none.
    package func index(of target: String) -> Int? { index.matches(target).first }

    /// The resources of a loop by its symbolic name, in order.
    package func indices(ofLoop symbol: String) -> [Int] { index.resources(ofSymbol: symbol) }

    /// The outputs, by name.
    ///
    /// - Returns: Of a secret output no value.
    /// - Throws: ``TemplateFailure``, or ``RuntimeNeeded`` with all that has to be fetched first.
    package func outputs(runtime: any RuntimeReader) throws -> [(name: String, type: String, value: JSONValue?)] {
        try answered(by: runtime) {
            var outputs: [(name: String, type: String, value: JSONValue?)] = []
            for declaration in template.outputs {
                try TemplateFailure.at("outputs.\(declaration.name)") {
                    guard let (type, value) = try evaluator.unlessUnknown({ try output(declaration, runtime) }) ?? nil else { return }
                    outputs.append((declaration.name, type, template.types.isSecure(declaration.schema) ? .none : .some(value)))
                }
            }
            return outputs
        }
    }

    private func output(_ declaration: OutputDeclaration, _ runtime: any RuntimeReader) throws -> (type: String, value: JSONValue)? {
        var context = EvaluationContext(.output, runtime: runtime)
        if let condition = declaration.condition {
            guard case .bool(let isWanted) = try evaluator.evaluate(condition, in: context) else { throw TemplateFailure("The condition is not a boolean") }
            if !isWanted { return nil }
        }
        var value: JSONValue
        if let loop = declaration.loop {
            guard let count = loop.member("count"), let input = loop.member("input") else { throw TemplateFailure("The copy loop has no count or no input") }
            var elements: [JSONValue] = []
            for index in 0..<(try evaluator.count(count, in: context)) {
                context.turn = .init(name: declaration.name, index: index)
                elements.append(try evaluator.unlessUnknown { try evaluator.evaluate(input, in: context) } ?? .null)
            }
            value = .array(elements)
        } else {
            value = try evaluator.evaluate(declaration.value ?? .null, in: context)
        }
        if runtime.isWaiting { return nil }
        value = try template.types.checked(value, declaration.schema, "output '\(declaration.name)'")
        return (template.types.typeName(of: declaration.schema), value)
    }

    // MARK: - Order

    private func dependencies(of position: Int, batches: [ClosedRange<Int>: ClosedRange<Int>]) throws -> Set<Int> {
        let resource = resources[position]
        var found: Set<Int> = []
        if let parent = resource.parent { found.insert(parent) }
        for (batch, previous) in batches where batch.contains(position) { found.formUnion(previous) }
        for target in resource.dependsOn {
            let matches = index.matches(target)
            guard !matches.isEmpty else {
                throw TemplateFailure("The resource '\(target.prefix(300))' is not defined in the template, and '\(resource.id.typeAndName)' depends on it")
            }
            found.formUnion(matches)
        }
        found.formUnion(ReferenceScan(evaluator: evaluator, turn: resource.turn).targets(in: resource).flatMap { index.matches($0) })
        found.remove(position)
        return found
    }

    private func checkCycles() throws {
        var waiting = resources.map(\.dependencies.count)
        var dependents = [[Int]](repeating: [], count: resources.count)
        for (index, resource) in resources.enumerated() { for dependency in resource.dependencies { dependents[dependency].append(index) } }
        var ready = waiting.indices.filter { waiting[$0] == 0 }
        var done = 0
        while let index = ready.popLast() {
            done += 1
            for dependent in dependents[index] {
                waiting[dependent] -= 1
                if waiting[dependent] == 0 { ready.append(dependent) }
            }
        }
        guard done == resources.count else {
            let names = waiting.indices.filter { waiting[$0] > 0 }.prefix(10).map { "'\(resources[$0].id.typeAndName)'" }.joined(separator: ", ")
            throw TemplateFailure("Circular dependency detected on resources: \(names)")
        }
    }
}
