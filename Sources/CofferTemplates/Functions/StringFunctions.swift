import CofferModel

/// Functions of text. Positions and lengths count UTF-16 units, as Azure's do.
enum StringFunctions {
    static let all: [String: TemplateFunction] = [
        "startsWith": .of(2) { .bool(try $0.string(0).lowercased().hasPrefix(try $0.string(1).lowercased())) },
        "endsWith": .of(2) { .bool(try $0.string(0).lowercased().hasSuffix(try $0.string(1).lowercased())) },
        "toLower": .of(1) { .string(try $0.string(0).lowercased()) },
        "toUpper": .of(1) { .string(try $0.string(0).uppercased()) },
        "trim": .of(1) { .string(trimmed(try $0.string(0))) },
        "replace": .of(3) { arguments in
            let (text, old, new) = (try arguments.string(0), try arguments.string(1), try arguments.string(2))
            guard !old.isEmpty else { throw arguments.failure("what it replaces is empty") }
            try arguments.checkSearch(old.utf8.count, in: text.utf8.count)
            let growth = max(0, new.utf8.count - old.utf8.count)
            // Occurrences that cannot overlap, as replacing has it.
            if growth > 0 { try arguments.checkFits(text.utf8.count + growth * text.ranges(of: old).count) }
            return .string(text.replacing(old, with: new))
        },
        "split": .of(2) { arguments in
            let text = try arguments.string(0)
            var delimiters: [String]
            if case .array(let several) = arguments[1] {
                delimiters = try FunctionArguments(name: arguments.name, values: several).strings()
            } else {
                delimiters = [try arguments.string(1)]
            }
            delimiters.removeAll(where: \.isEmpty)
            try arguments.checkSearch(delimiters.count, in: text.utf8.count)
            return .array(pieces(of: text, at: delimiters).map { .string($0) })
        },
        "join": .of(2) { arguments in
            let parts = try arguments.array(0).map { try text(of: $0, arguments) }
            let delimiter = try arguments.string(1)
            try arguments.checkFits(parts.reduce(0) { $0 + $1.utf8.count + delimiter.utf8.count })
            return .string(parts.joined(separator: delimiter))
        },
        "substring": .of(2...3) { arguments in
            let units = Array(try arguments.string(0).utf16)
            let start = try arguments.int(1)
            let length = arguments.count == 3 ? try arguments.int(2) : Int64(units.count) - start
            guard start >= 0, length >= 0, start <= units.count, length <= Int64(units.count) - start else {
                throw arguments.failure("start and length are not inside a text of \(units.count) characters")
            }
            return .string(String(decoding: units[Int(start)..<Int(start + length)], as: UTF16.self))
        },
        "padLeft": .of(2...3) { arguments in
            let value = try text(of: arguments[0], arguments)
            let length = try arguments.int(1)
            guard (0...10_000).contains(length) else { throw arguments.failure("its length is not from 0 to 10000") }
            let pad = arguments.count == 3 ? try arguments.string(2) : " "
            guard pad.count == 1 else { throw arguments.failure("it pads with one character") }
            return .string(String(repeating: pad, count: max(0, Int(length) - value.utf16.count)) + value)
        },
        "string": .of(1) { .string(try text(of: $0[0], $0)) },
        "format": .of(1...FunctionTable.any) { arguments in
            .string(try CompositeFormat(try arguments.string(0)).text(Array(arguments.values.dropFirst()), arguments))
        },
        "indexOf": .of(2) { arguments in
            if case .array(let elements) = arguments[0] { return .int(Int64(elements.firstIndex { $0.equals(arguments[1]) } ?? -1)) }
            return .int(try position(arguments, fromEnd: false))
        },
        "lastIndexOf": .of(2) { arguments in
            if case .array(let elements) = arguments[0] { return .int(Int64(elements.lastIndex { $0.equals(arguments[1]) } ?? -1)) }
            return .int(try position(arguments, fromEnd: true))
        },
    ]

    /// A value as text: as `string` makes it.
    static func text(of value: JSONValue, _ arguments: FunctionArguments) throws -> String {
        switch value {
        case .string(let text): return text
        case .int(let value): return String(value)
        case .bool(let value): return value ? "True" : "False"
        case .null: return ""
        case .double, .array, .object:
            guard let weight = value.weight(upTo: TemplateLimits.text, depth: 2 * TemplateLimits.valueDepth) else { throw arguments.failure("a value is too deep") }
            try arguments.checkFits(weight)
            guard let bytes = try? JSON.encode(value) else { throw arguments.failure("a value has no text") }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    private static func trimmed(_ text: String) -> String {
        var characters = text[...]
        while characters.first?.isWhitespace == true { characters.removeFirst() }
        while characters.last?.isWhitespace == true { characters.removeLast() }
        return String(characters)
    }

    private static func pieces(of text: String, at delimiters: [String]) -> [String] {
        guard !delimiters.isEmpty else { return [text] }
        var pieces: [String] = []
        var start = text.startIndex
        var index = start
        while index < text.endIndex {
            if let hit = delimiters.first(where: { text[index...].hasPrefix($0) }) {
                pieces.append(String(text[start..<index]))
                index = text.index(index, offsetBy: hit.count)
                start = index
            } else {
                index = text.index(after: index)
            }
        }
        return pieces + [String(text[start...])]
    }

    /// Where the second argument begins in the first, without regard to case; -1 if it is not there.
    private static func position(_ arguments: FunctionArguments, fromEnd: Bool) throws -> Int64 {
        let (units, wanted) = (Array(try arguments.string(0).lowercased().utf16), Array(try arguments.string(1).lowercased().utf16))
        try arguments.checkSearch(wanted.count, in: units.count)
        guard wanted.count <= units.count else { return -1 }
        let starts = 0...(units.count - wanted.count)
        func isHit(_ start: Int) -> Bool { units[start..<(start + wanted.count)].elementsEqual(wanted) }
        return Int64((fromEnd ? starts.last(where: isHit) : starts.first(where: isHit)) ?? -1)
    }
}
