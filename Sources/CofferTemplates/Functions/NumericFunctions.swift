import CofferModel

/// Arithmetic of integers; what does not fit into 64 bits is refused.
enum NumericFunctions {
    static let all: [String: TemplateFunction] = [
        "add": .of(2) { try checked($0) { $0.addingReportingOverflow($1) } },
        "sub": .of(2) { try checked($0) { $0.subtractingReportingOverflow($1) } },
        "mul": .of(2) { try checked($0) { $0.multipliedReportingOverflow(by: $1) } },
        "div": .of(2) { try checked($0) { $0.dividedReportingOverflow(by: $1) } },
        "mod": .of(2) { try checked($0) { $0.remainderReportingOverflow(dividingBy: $1) } },
        "min": .of(1...FunctionTable.any) { .int(try numbers($0).reduce(Int64.max) { min($0, $1) }) },
        "max": .of(1...FunctionTable.any) { .int(try numbers($0).reduce(Int64.min) { max($0, $1) }) },
        "int": .of(1) { arguments in
            switch arguments[0] {
            case .int: return arguments[0]
            case .double(let value):
                guard let whole = Int64(exactly: value.rounded(.towardZero)) else { throw arguments.failure("its argument is no integer of 64 bits") }
                return .int(whole)
            case .string(let text):
                guard let value = Int64(text) else { throw arguments.failure("its argument is a string that is no integer") }
                return .int(value)
            default: throw arguments.mismatch(0, "a number or a string")
            }
        },
        "float": .of(1) { arguments in
            if let value = arguments[0].number { return .double(value) }
            guard case .string(let text) = arguments[0], let value = Double(text), value.isFinite else {
                throw arguments.failure("its argument is no number")
            }
            return .double(value)
        },
        "copyIndex": .inContext(0...2) { arguments, _, context in
            let name: String?
            let offset: Int64
            if case .string(let text) = arguments[0] {
                name = text
                offset = arguments.count == 2 ? try arguments.int(1) : 0
            } else {
                guard arguments.count < 2 else { throw arguments.mismatch(0, "the name of a loop") }
                name = nil
                offset = arguments.count == 1 ? try arguments.int(0) : 0
            }
            let turns = context.innerTurns.reversed() + (context.turn.map { [$0] } ?? [])
            let turn = name.map { name in turns.first { $0.name.lowercased() == name.lowercased() } } ?? context.turn ?? turns.first
            guard let turn else {
                throw name.map { arguments.failure("no loop around it has the name '\($0.prefix(80))'") } ?? TemplateFailure.notHere(arguments.name)
            }
            let (index, overflow) = turn.index.addingReportingOverflow(offset)
            guard !overflow else { throw arguments.failure("its offset is too large") }
            return .int(index)
        },
    ]

    private static func checked(
        _ arguments: FunctionArguments, _ operation: (Int64, Int64) -> (partialValue: Int64, overflow: Bool)
    ) throws -> JSONValue {
        let (left, right) = (try arguments.int(0), try arguments.int(1))
        if right == 0, ["div", "mod"].contains(arguments.name.lowercased()) { throw arguments.failure("it divides by zero") }
        let (value, overflow) = operation(left, right)
        guard !overflow else { throw arguments.failure("its result is no integer of 64 bits") }
        return .int(value)
    }

    private static func numbers(_ arguments: FunctionArguments) throws -> [Int64] {
        var list = arguments
        if arguments.count == 1, case .array(let elements) = arguments[0] { list = FunctionArguments(name: arguments.name, values: elements) }
        guard list.count > 0 else { throw arguments.failure("its array is empty") }
        return try list.values.indices.map { try list.int($0) }
    }
}
