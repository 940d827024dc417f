import CofferModel

/// Logic and comparison.
enum LogicalFunctions {
    static let all: [String: TemplateFunction] = [
        "if": .lazy(3...3) { call, evaluator, context in
            guard case .bool(let condition) = try evaluator.evaluate(call.arguments[0], in: context) else {
                throw TemplateFailure("The first argument of the template function 'if' is not a boolean")
            }
            return try evaluator.evaluate(call.arguments[condition ? 1 : 2], in: context)
        },
        "and": .lazy(2...FunctionTable.any) { call, evaluator, context in
            .bool(try call.arguments.allSatisfy { try truth($0, call, evaluator, context) })
        },
        "or": .lazy(2...FunctionTable.any) { call, evaluator, context in
            .bool(try call.arguments.contains { try truth($0, call, evaluator, context) })
        },
        "not": .of(1) { .bool(!(try $0.bool(0))) },
        "true": .of(0) { _ in true },
        "false": .of(0) { _ in false },
        "null": .of(0) { _ in .null },
        "bool": .of(1) { arguments in
            switch arguments[0] {
            case .bool: return arguments[0]
            case .int(let value): return .bool(value != 0)
            case .string(let text) where ["true", "1"].contains(text.lowercased()): return true
            case .string(let text) where ["false", "0"].contains(text.lowercased()): return false
            default: throw arguments.failure("its argument is no boolean")
            }
        },
        "coalesce": .lazy(1...FunctionTable.any) { call, evaluator, context in
            for argument in call.arguments {
                let value = try evaluator.evaluate(argument, in: context)
                if value != .null { return value }
            }
            return .null
        },
        "equals": .of(2) { .bool($0[0].equals($0[1])) },
        "less": .of(2) { .bool(try order($0) < 0) },
        "lessOrEquals": .of(2) { .bool(try order($0) <= 0) },
        "greater": .of(2) { .bool(try order($0) > 0) },
        "greaterOrEquals": .of(2) { .bool(try order($0) >= 0) },
    ]

    private static func truth(
        _ argument: Expression, _ call: Expression.Call, _ evaluator: Evaluator, _ context: EvaluationContext
    ) throws -> Bool {
        guard case .bool(let value) = try evaluator.evaluate(argument, in: context) else {
            throw TemplateFailure("The template function '\(call.name)' takes booleans alone")
        }
        return value
    }

    /// Below, at or above zero as the first argument is less than, equal to or greater than the second.
    private static func order(_ arguments: FunctionArguments) throws -> Int {
        switch (arguments[0], arguments[1]) {
        case (.int(let left), .int(let right)): return left < right ? -1 : left == right ? 0 : 1
        case (.string(let left), .string(let right)): return left < right ? -1 : left == right ? 0 : 1
        case (let left, let right):
            guard let left = left.number, let right = right.number else { throw arguments.failure("it compares two numbers or two strings") }
            return left < right ? -1 : left == right ? 0 : 1
        }
    }
}

extension JSONValue {
    /// Any number.
    var number: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }
}
