import CofferModel

/// Functions that call an expression, `lambda('name', …, expression)`, for each element.
enum LambdaFunctions {
    static let all: [String: TemplateFunction] = [
        "lambda": .lazy(1...FunctionTable.any) { call, _, _ in throw TemplateFailure.notHere(call.name) },
        "lambdaVariables": .inContext(1...1) { arguments, _, context in
            let name = try arguments.string(0)
            guard let value = context.lambdaVariables[name.lowercased()] else { throw arguments.failure("no lambda around it has the variable '\(name.prefix(80))'") }
            return value
        },
        "map": .lazy(2...2) { call, evaluator, context in
            let lambda = try Lambda(call, 1, arity: 1...2)
            return try made(evaluator, .array(try lambda.elements(of: call, evaluator, context).enumerated().map { index, element in
                try lambda.value([element, .int(Int64(index))], evaluator, context)
            }))
        },
        "filter": .lazy(2...2) { call, evaluator, context in
            let lambda = try Lambda(call, 1, arity: 1...2)
            return try made(evaluator, .array(try lambda.elements(of: call, evaluator, context).enumerated().filter { index, element in
                try lambda.truth([element, .int(Int64(index))], evaluator, context)
            }.map(\.element)))
        },
        "any": .lazy(2...2) { call, evaluator, context in
            let lambda = try Lambda(call, 1, arity: 1...1)
            return .bool(try lambda.elements(of: call, evaluator, context).contains { try lambda.truth([$0], evaluator, context) })
        },
        "all": .lazy(2...2) { call, evaluator, context in
            let lambda = try Lambda(call, 1, arity: 1...1)
            return .bool(try lambda.elements(of: call, evaluator, context).allSatisfy { try lambda.truth([$0], evaluator, context) })
        },
        "reduce": .lazy(3...3) { call, evaluator, context in
            let lambda = try Lambda(call, 2, arity: 2...3)
            var result = try evaluator.evaluate(call.arguments[1], in: context)
            for (index, element) in try lambda.elements(of: call, evaluator, context).enumerated() {
                result = try lambda.value([result, element, .int(Int64(index))], evaluator, context)
            }
            return result
        },
        "sort": .lazy(2...2) { call, evaluator, context in
            let lambda = try Lambda(call, 1, arity: 2...2)
            return try made(evaluator, .array(try lambda.elements(of: call, evaluator, context).sorted {
                try lambda.truth([$0, $1], evaluator, context)
            }))
        },
        "toObject": .lazy(2...3) { call, evaluator, context in
            let key = try Lambda(call, 1, arity: 1...1)
            let value = call.arguments.count == 3 ? try Lambda(call, 2, arity: 1...1) : nil
            var members: [String: JSONValue] = [:]
            for element in try key.elements(of: call, evaluator, context) {
                members[try key.name(element, evaluator, context)] = try value?.value([element], evaluator, context) ?? element
            }
            return try made(evaluator, .object(members))
        },
        "groupBy": .lazy(2...2) { call, evaluator, context in
            let key = try Lambda(call, 1, arity: 1...1)
            var groups: [String: [JSONValue]] = [:]
            for element in try key.elements(of: call, evaluator, context) { groups[try key.name(element, evaluator, context), default: []].append(element) }
            return try made(evaluator, .object(groups.mapValues { .array($0) }))
        },
        "mapValues": .lazy(2...2) { call, evaluator, context in
            let lambda = try Lambda(call, 1, arity: 1...1)
            guard case .object(let members) = try evaluator.evaluate(call.arguments[0], in: context) else {
                throw TemplateFailure("The first argument of the template function 'mapValues' is not an object")
            }
            return try made(evaluator, .object(try members.mapValues { try lambda.value([$0], evaluator, context) }))
        },
    ]

    private static func made(_ evaluator: Evaluator, _ value: JSONValue) throws -> JSONValue {
        try evaluator.charge(value)
        return value
    }
}

/// The argument of a call that is a lambda.
private struct Lambda {
    let function: String
    let variables: [String]
    let body: Expression

    init(_ call: Expression.Call, _ index: Int, arity: ClosedRange<Int>) throws {
        guard case .call(let lambda) = call.arguments[index], lambda.namespace == nil, lambda.name.lowercased() == "lambda",
            let body = lambda.arguments.last, arity.contains(lambda.arguments.count - 1)
        else { throw TemplateFailure("Argument \(index + 1) of the template function '\(call.name)' must be a lambda of \(arity.upperBound) variables at most") }
        function = call.name
        variables = try lambda.arguments.dropLast().map { argument in
            guard case .literal(.string(let name)) = argument else { throw TemplateFailure("The variables of a lambda are named by text") }
            return name.lowercased()
        }
        self.body = body
    }

    /// The array that the call is about.
    func elements(of call: Expression.Call, _ evaluator: Evaluator, _ context: EvaluationContext) throws -> [JSONValue] {
        guard case .array(let elements) = try evaluator.evaluate(call.arguments[0], in: context) else {
            throw TemplateFailure("The first argument of the template function '\(function)' is not an array")
        }
        return elements
    }

    func value(_ values: [JSONValue], _ evaluator: Evaluator, _ context: EvaluationContext) throws -> JSONValue {
        var inner = context
        for (name, value) in zip(variables, values) { inner.lambdaVariables[name] = value }
        return try evaluator.evaluate(body, in: inner)
    }

    func truth(_ values: [JSONValue], _ evaluator: Evaluator, _ context: EvaluationContext) throws -> Bool {
        guard case .bool(let value) = try value(values, evaluator, context) else {
            throw TemplateFailure("The lambda of the template function '\(function)' does not give a boolean")
        }
        return value
    }

    func name(_ element: JSONValue, _ evaluator: Evaluator, _ context: EvaluationContext) throws -> String {
        guard case .string(let name) = try value([element], evaluator, context) else {
            throw TemplateFailure("The lambda of the template function '\(function)' does not give a string")
        }
        return name
    }
}
