import CofferModel

/// Functions of arrays, many of which take strings too.
enum ArrayFunctions {
    static let all: [String: TemplateFunction] = [
        "array": .of(1) { if case .array = $0[0] { $0[0] } else { .array([$0[0]]) } },
        "createArray": .of(0...FunctionTable.any) { .array($0.values) },
        "concat": .of(0...FunctionTable.any) { arguments in
            guard case .array = arguments[0] else {
                let parts = try arguments.values.map { value in
                    if case .array = value { throw arguments.failure("it joins arrays alone or strings alone") }
                    return try StringFunctions.text(of: value, arguments)
                }
                try arguments.checkFits(parts.reduce(0) { $0 + $1.utf8.count })
                return .string(parts.joined())
            }
            return .array(try arguments.values.indices.flatMap { try arguments.array($0) })
        },
        "contains": .of(2) { arguments in
            switch arguments[0] {
            case .array(let elements): return .bool(elements.contains { $0.equals(arguments[1]) })
            case .object: return .bool(arguments[0].member(try StringFunctions.text(of: arguments[1], arguments)) != nil)
            case .string(let text):
                let part = try StringFunctions.text(of: arguments[1], arguments)
                try arguments.checkSearch(part.utf8.count, in: text.utf8.count)
                return .bool(part.isEmpty || text.contains(part))
            default: throw arguments.mismatch(0, "an array, an object or a string")
            }
        },
        "empty": .of(1) { arguments in
            switch arguments[0] {
            case .null: return true
            case .array(let elements): return .bool(elements.isEmpty)
            case .object(let members): return .bool(members.isEmpty)
            case .string(let text): return .bool(text.isEmpty)
            default: throw arguments.mismatch(0, "an array, an object or a string")
            }
        },
        "length": .of(1) { arguments in
            switch arguments[0] {
            case .array(let elements): return .int(Int64(elements.count))
            case .object(let members): return .int(Int64(members.count))
            case .string(let text): return .int(Int64(text.utf16.count))
            default: throw arguments.mismatch(0, "an array, an object or a string")
            }
        },
        "first": .of(1) { try end($0, \.first, \.first) },
        "last": .of(1) { try end($0, \.last, \.last) },
        "skip": .of(2) { try part($0, isSkipped: true) },
        "take": .of(2) { try part($0, isSkipped: false) },
        "range": .of(2) { arguments in
            let (start, count) = (try arguments.int(0), try arguments.int(1))
            guard (0...TemplateLimits.range).contains(count) else { throw arguments.failure("its count is not from 0 to \(TemplateLimits.range)") }
            let (end, overflow) = start.addingReportingOverflow(count)
            guard !overflow else { throw arguments.failure("its numbers are too large") }
            return .array((start..<end).map { .int($0) })
        },
        "flatten": .of(1) { arguments in
            .array(try arguments.array(0).flatMap { element in
                guard case .array(let inner) = element else { throw arguments.failure("an element of its array is \(element.typeName), not an array") }
                return inner
            })
        },
        "indexFromEnd": .of(2) { arguments in
            let elements = try arguments.array(0)
            let position = try arguments.int(1)
            guard position >= 1, position <= elements.count else { throw arguments.failure("its index is outside an array of \(elements.count) elements") }
            return elements[elements.count - Int(position)]
        },
        "tryIndexFromEnd": .of(2) { arguments in
            guard case .array(let elements) = arguments[0] else { return .null }
            let position = try arguments.int(1)
            return position >= 1 && position <= elements.count ? elements[elements.count - Int(position)] : .null
        },
        "union": .of(1...FunctionTable.any) { arguments in
            if case .array = arguments[0] {
                var distinct: [JSONValue] = []
                var seen: Set<String> = []
                for index in arguments.values.indices {
                    for element in try arguments.array(index) where seen.insert(try identity(of: element)).inserted { distinct.append(element) }
                }
                return .array(distinct)
            }
            return .object(try arguments.values.indices.reduce(into: [:]) { ObjectFunctions.merge(&$0, try arguments.object($1)) })
        },
        "intersection": .of(2...FunctionTable.any) { arguments in
            if case .array(let first) = arguments[0] {
                var common = first
                for index in 1..<arguments.count {
                    let other = Set(try arguments.array(index).map { try identity(of: $0) })
                    common = try common.filter { other.contains(try identity(of: $0)) }
                }
                return .array(common)
            }
            var common = try arguments.object(0)
            for index in 1..<arguments.count { common = ObjectFunctions.common(common, try arguments.object(index)) }
            return .object(common)
        },
    ]

    /// Equal for equal values.
    static func identity(of value: JSONValue) throws -> String {
        String(decoding: try JSON.encode(value), as: UTF8.self)
    }

    private static func end(
        _ arguments: FunctionArguments, _ element: ([JSONValue]) -> JSONValue?, _ character: (String) -> Character?
    ) throws -> JSONValue {
        if case .string(let text) = arguments[0] { return .string(character(text).map(String.init) ?? "") }
        return element(try arguments.array(0)) ?? .null
    }

    private static func part(_ arguments: FunctionArguments, isSkipped: Bool) throws -> JSONValue {
        let count = Int(clamping: max(0, try arguments.int(1)))
        if case .string(let text) = arguments[0] {
            let units = Array(text.utf16)
            return .string(String(decoding: isSkipped ? units.dropFirst(count) : units.prefix(count), as: UTF16.self))
        }
        let elements = try arguments.array(0)
        return .array(Array(isSkipped ? elements.dropFirst(count) : elements.prefix(count)))
    }
}
