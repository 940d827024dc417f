package import CofferModel

/// Evaluates the expressions of one template: knows its parameters, variables and functions, and bounds the work.
///
/// Belongs to one task.
package final class Evaluator {
    package let facts: DeploymentFacts
    let template: Template
    /// What was given, by name in lower case.
    private let given: [String: JSONValue]
    private let masksSecrets: Bool
    private var parameterValues: [String: JSONValue] = [:]
    private var variableValues: [String: JSONValue] = [:]
    /// The parameters and variables that are being evaluated, to find those that need themselves.
    private var pending: Set<String> = []
    private var parsed: [String: Expression] = [:]
    private var depth = 0
    private var calls = 0
    private var work = 0
    private var effort = 0

    /// - Parameters:
    ///   - given: The values of parameters, checked against nothing yet, by name in lower case.
    ///   - masksSecrets: Whether expressions see asterisks in the place of secret parameters, for what is shown and not deployed.
    package init(template: Template, given: [String: JSONValue], facts: DeploymentFacts, masksSecrets: Bool = false) {
        self.masksSecrets = masksSecrets
        self.template = template
        self.given = given
        self.facts = facts
    }

    private static let mask = "*******"

    // MARK: - Documents

    /// `json` with every expression in it evaluated, names of members too, and loops over properties carried out.
    package func evaluate(_ json: JSONValue, in context: EvaluationContext) throws -> JSONValue {
        switch json {
        case .string(let text): return try evaluate(text: text, in: context)
        case .array(let elements):
            return try nested {
                .array(try elements.enumerated().map { index, element in
                    try TemplateFailure.at("[\(index)]") { try unlessUnknown { try evaluate(element, in: context) } ?? .null }
                })
            }
        case .object(let members): return try nested { try evaluate(members, in: context) }
        default: return json
        }
    }

    private func evaluate(_ members: [String: JSONValue], in context: EvaluationContext) throws -> JSONValue {
        var result: [String: JSONValue] = [:]
        result.reserveCapacity(members.count)
        for (name, value) in members {
            if name.lowercased() == "copy", let loops = try PropertyLoop.loops(in: value) {
                for loop in loops { try unlessUnknown { result[loop.name] = try elements(of: loop, in: context) } }
                continue
            }
            try TemplateFailure.at(name) {
                try unlessUnknown { result[try evaluate(name: name, in: context)] = try evaluate(value, in: context) }
            }
        }
        return .object(result)
    }

    /// Goes on where a value is not known yet, so that one pass finds all that has to be fetched; what it gives is thrown away then.
    func unlessUnknown<R>(_ body: () throws -> R) throws -> R? {
        do {
            return try body()
        } catch is RuntimeUnknown {
            return nil
        }
    }

    private func evaluate(name: String, in context: EvaluationContext) throws -> String {
        guard case .expression = TemplateString(name) else {
            if case .text(let text) = TemplateString(name) { return text }
            return name
        }
        guard case .string(let text) = try evaluate(text: name, in: context) else {
            throw TemplateFailure("The expression of a member's name does not give a string")
        }
        return text
    }

    private func elements(of loop: PropertyLoop, in context: EvaluationContext) throws -> JSONValue {
        try TemplateFailure.at("copy.\(loop.name)") {
            let count = try self.count(loop.count, in: context)
            var elements: [JSONValue] = []
            for index in 0..<count {
                var inner = context
                inner.innerTurns.append(.init(name: loop.name, index: index))
                let element = try unlessUnknown { try evaluate(loop.input, in: inner) } ?? .null
                try spend(PropertyLoop.effort)
                try charge(element)
                elements.append(element)
            }
            return .array(elements)
        }
    }

    /// How often a loop turns.
    func count(_ json: JSONValue, in context: EvaluationContext) throws -> Int64 {
        guard let count = try evaluate(json, in: context).int else { throw TemplateFailure("The count of a copy loop is not an integer") }
        guard (0...Int64(TemplateLimits.resources)).contains(count) else {
            throw TemplateFailure("The count \(count) of a copy loop is not from 0 to \(TemplateLimits.resources)")
        }
        return count
    }

    /// The value of a string of the template.
    package func evaluate(text: String, in context: EvaluationContext) throws -> JSONValue {
        switch TemplateString(text) {
        case .text(let plain): return .string(plain)
        case .expression(let inner):
            do {
                let value = try evaluate(try expression(inner), in: context)
                try charge(value)
                return value
            } catch is TemplateFailure where context.keepsUnknown {
                return .string(text)
            }
        }
    }

    /// The string that a member of the template gives, such as a resource's name.
    func string(_ json: JSONValue?, _ what: String, in context: EvaluationContext) throws -> String {
        guard let json, json != .null else { throw TemplateFailure("The \(what) is missing") }
        guard case .string(let text) = try evaluate(json, in: context) else { throw TemplateFailure("The \(what) is not a string") }
        return text
    }

    func expression(_ text: String) throws -> Expression {
        if let known = parsed[text] { return known }
        let expression = try ExpressionParser.parse(text)
        parsed[text] = expression
        return expression
    }

    // MARK: - Expressions

    func evaluate(_ expression: Expression, in context: EvaluationContext) throws -> JSONValue {
        switch expression {
        case .literal(let value): return value
        case .call(let call): return try nested { try self.call(call, in: context) }
        case .member(let value, let name): return try nested { try member(name, of: try evaluate(value, in: context)) }
        case .element(let value, let index):
            return try nested { try element(try evaluate(index, in: context), of: try evaluate(value, in: context)) }
        }
    }

    private func call(_ call: Expression.Call, in context: EvaluationContext) throws -> JSONValue {
        calls += 1
        guard calls <= TemplateLimits.calls else { throw TemplateFailure.tooMuchWork }
        if call.namespace != nil { return try callUserFunction(call, in: context) }
        guard let function = FunctionTable.function(call.name) else { throw TemplateFailure.unknownFunction(call.fullName) }
        guard function.arity.contains(call.arguments.count) else {
            throw TemplateFailure.arity(call.name, call.arguments.count, function.arity)
        }
        switch function.body {
        case .values(let body):
            let values = try call.arguments.map { try evaluate($0, in: context) }
            try spend(values.reduce(0) { $0 + $1.breadth })
            let value = try body(FunctionArguments(name: call.name, values: values))
            try charge(value)
            return value
        case .context(let body):
            let values = try call.arguments.map { try evaluate($0, in: context) }
            return try body(FunctionArguments(name: call.name, values: values), self, context)
        case .lazy(let body): return try body(call, self, context)
        }
    }

    private func callUserFunction(_ call: Expression.Call, in context: EvaluationContext) throws -> JSONValue {
        let name = call.fullName
        guard let function = template.functions[name.lowercased()] else { throw TemplateFailure.unknownFunction(name) }
        guard call.arguments.count == function.parameters.count else {
            throw TemplateFailure.arity(name, call.arguments.count, function.parameters.count...function.parameters.count)
        }
        var inner = EvaluationContext(context.place)
        var values: [String: JSONValue] = [:]
        for (parameter, argument) in zip(function.parameters, call.arguments) {
            values[parameter.name.lowercased()] = try template.types.checked(
                try evaluate(argument, in: context), parameter.schema, "parameter '\(parameter.name)' of '\(name)'")
        }
        inner.functionParameters = values
        return try template.types.checked(try evaluate(function.output, in: inner), function.outputSchema, "output of '\(name)'")
    }

    private func member(_ name: String, of value: JSONValue) throws -> JSONValue {
        guard case .object(let members) = value else { throw TemplateFailure("The property '\(name)' cannot be taken of \(value.typeName)") }
        // Another spelling is looked for among all.
        try spend(members[name] == nil ? members.count : 1)
        guard let member = value.member(name) else {
            let known = members.keys.sorted().prefix(20).map { String($0.prefix(60)) }.joined(separator: ", ")
            throw TemplateFailure("The property '\(name)' does not exist; there are: \(known)")
        }
        return member
    }

    private func element(_ index: JSONValue, of value: JSONValue) throws -> JSONValue {
        switch (value, index) {
        case (.object, .string(let name)): return try member(name, of: value)
        case (.array(let elements), _):
            guard let position = index.int else { throw TemplateFailure("An array is indexed with \(index.typeName)") }
            guard position >= 0, position < elements.count else {
                throw TemplateFailure("The index \(position) is outside an array of \(elements.count) elements")
            }
            return elements[Int(position)]
        default: throw TemplateFailure("\(index.typeName) is no index of \(value.typeName)")
        }
    }

    // MARK: - Parameters and variables

    /// The value of a parameter: what was given, or its default, checked against its declaration.
    package func parameter(_ name: String) throws -> JSONValue {
        let key = name.lowercased()
        if let known = parameterValues[key] { return known }
        guard let declaration = template.parameters[key] else {
            throw TemplateFailure("The template parameter '\(name)' is not found: the template declares no such parameter")
        }
        let value = try needing("parameter '\(declaration.name)'") {
            if let value = given[key] { return value }
            if let value = declaration.defaultValue { return try evaluate(value, in: EvaluationContext(.parameterDefault)) }
            if declaration.isNullable { return .null }
            throw TemplateFailure("The value for the template parameter '\(declaration.name)' is not provided", code: "InvalidTemplate")
        }
        let checked = try template.types.checked(value, declaration.schema, "parameter '\(declaration.name)'")
        let isMasked = masksSecrets && template.isSecure(declaration)
        let seen = isMasked ? template.isObject(declaration) ? [:] : .string(Self.mask) : checked
        parameterValues[key] = seen
        return seen
    }

    func variable(_ name: String) throws -> JSONValue {
        let key = name.lowercased()
        if let known = variableValues[key] { return known }
        let value = try needing("variable '\(name)'") {
            if let declared = template.variables[key] {
                return try TemplateFailure.at("variables.\(name)") { try evaluate(declared, in: EvaluationContext(.variable)) }
            }
            if let loop = template.variableLoops[key] {
                return try TemplateFailure.at("variables") { try elements(of: loop, in: EvaluationContext(.variable)) }
            }
            throw TemplateFailure("The template variable '\(name)' is not found")
        }
        variableValues[key] = value
        return value
    }

    private func needing(_ what: String, _ body: () throws -> JSONValue) throws -> JSONValue {
        guard pending.insert(what.lowercased()).inserted else { throw TemplateFailure("The \(what) needs itself to be evaluated") }
        defer { pending.remove(what.lowercased()) }
        return try nested(body)
    }

    // MARK: - Bounds

    private func nested<R>(_ body: () throws -> R) throws -> R {
        depth += 1
        defer { depth -= 1 }
        guard depth <= TemplateLimits.evaluationDepth else {
            throw TemplateFailure("Variables, parameters and functions need each other more than \(TemplateLimits.evaluationDepth) deep")
        }
        return try body()
    }

    /// Counts what is gone through.
    func spend(_ count: Int) throws {
        effort += count
        guard effort <= TemplateLimits.effort else { throw TemplateFailure.tooMuchWork }
    }

    /// Counts what a function made.
    func charge(_ value: JSONValue) throws {
        guard let weight = value.weight(upTo: TemplateLimits.work - work, depth: TemplateLimits.valueDepth) else {
            throw TemplateFailure("An expression gives a value that is more than \(TemplateLimits.valueDepth) deep", code: "TemplateLimitExceeded")
        }
        work += weight
        guard work <= TemplateLimits.work else { throw TemplateFailure.tooMuchWork }
    }
}

extension TemplateFailure {
    static let tooMuchWork = TemplateFailure(
        "The template asks for more work than is allowed: \(TemplateLimits.calls) calls of functions, which make \(TemplateLimits.work >> 20) MiB and go through "
            + "\(TemplateLimits.effort) elements",
        code: "TemplateLimitExceeded")

    static func unknownFunction(_ name: String) -> TemplateFailure {
        TemplateFailure("The template function '\(name.prefix(100))' is not known here")
    }

    static func arity(_ name: String, _ count: Int, _ arity: ClosedRange<Int>) -> TemplateFailure {
        let allowed = arity.lowerBound == arity.upperBound
            ? "\(arity.lowerBound)" : arity.upperBound >= FunctionTable.any ? "\(arity.lowerBound) or more" : "\(arity.lowerBound) to \(arity.upperBound)"
        return TemplateFailure("The template function '\(name)' takes \(allowed) arguments and was given \(count)")
    }

    /// A function where its value cannot be known.
    static func notHere(_ name: String) -> TemplateFailure {
        TemplateFailure("The template function '\(name)' is not expected at this location")
    }
}
