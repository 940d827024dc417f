package import CofferModel

/// Reads JSON as clients send templates: with comments, names without quotation marks, single quotation marks, commas before a closing bracket,
/// and line breaks in strings. `az` splices the template's file as it is, comments and all, into the body under an unquoted name.
package struct TemplateReader: ~Copyable {
    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0

    /// The one value that `bytes` hold.
    ///
    /// - Throws: ``TemplateFailure`` with line and column, and nothing of the text.
    package static func read(_ bytes: [UInt8]) throws -> JSONValue {
        var reader = TemplateReader(bytes)
        try reader.skipBlanks()
        let value = try reader.value()
        try reader.skipBlanks()
        guard reader.position == bytes.count else { throw reader.failure("something follows the document") }
        return value
    }

    private init(_ bytes: [UInt8]) {
        self.bytes = bytes
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func failure(_ reason: String) -> TemplateFailure {
        let before = bytes[..<min(position, bytes.count)]
        let line = before.count { $0 == UInt8(ascii: "\n") } + 1
        let column = before.reversed().prefix { $0 != UInt8(ascii: "\n") }.count + 1
        return TemplateFailure("\(reason), line \(line), column \(column)", code: "InvalidRequestContent")
    }

    private mutating func skipBlanks() throws {
        while let byte = next {
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"): position += 1
            case 0xC2 where position + 1 < bytes.count && bytes[position + 1] == 0xA0: position += 2
            case UInt8(ascii: "/"): try skipComment()
            default: return
            }
        }
    }

    private mutating func skipComment() throws {
        let start = position
        guard position + 1 < bytes.count else { throw failure("a slash that begins no comment") }
        switch bytes[position + 1] {
        case UInt8(ascii: "/"):
            while let byte = next, byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "\r") { position += 1 }
        case UInt8(ascii: "*"):
            position += 2
            while position + 1 < bytes.count, bytes[position] != UInt8(ascii: "*") || bytes[position + 1] != UInt8(ascii: "/") { position += 1 }
            guard position + 1 < bytes.count else {
                position = start
                throw failure("a comment that does not end")
            }
            position += 2
        default: throw failure("a slash that begins no comment")
        }
    }

    private mutating func value() throws -> JSONValue {
        switch next {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return .string(try string())
        case .some(let byte) where byte == UInt8(ascii: "-") || Self.isDigit(byte): return try number()
        case .some: return try word()
        case nil: throw failure("the document ends where a value should begin")
        }
    }

    private mutating func enter() throws {
        depth += 1
        guard depth <= TemplateLimits.documentDepth else {
            throw failure("objects and arrays lie more than \(TemplateLimits.documentDepth) deep in each other")
        }
        position += 1
        try skipBlanks()
    }

    private mutating func object() throws -> JSONValue {
        try enter()
        var members: [String: JSONValue] = [:]
        while next != UInt8(ascii: "}") {
            let name = next == UInt8(ascii: "\"") || next == UInt8(ascii: "'") ? try string() : try identifier()
            try skipBlanks()
            guard next == UInt8(ascii: ":") else { throw failure("a colon is missing after a name") }
            position += 1
            try skipBlanks()
            members[name] = try value()
            try separate(before: UInt8(ascii: "}"))
        }
        position += 1
        depth -= 1
        return .object(members)
    }

    private mutating func array() throws -> JSONValue {
        try enter()
        var elements: [JSONValue] = []
        while next != UInt8(ascii: "]") {
            elements.append(try value())
            try separate(before: UInt8(ascii: "]"))
        }
        position += 1
        depth -= 1
        return .array(elements)
    }

    /// Goes over a comma, which only the closing bracket can stand for.
    private mutating func separate(before end: UInt8) throws {
        try skipBlanks()
        if next == UInt8(ascii: ",") {
            position += 1
            try skipBlanks()
        } else if next != end {
            throw failure(next == nil ? "the document ends inside an object or array" : "a comma or a closing bracket is missing")
        }
    }

    private mutating func identifier() throws -> String {
        let start = position
        while let byte = next, Self.isDigit(byte) || Self.isLetter(byte) || byte == UInt8(ascii: "$") || byte == UInt8(ascii: "_") {
            position += 1
        }
        guard position > start else { throw failure(next == nil ? "the document ends inside an object" : "a name is missing") }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func word() throws -> JSONValue {
        let start = position
        while let byte = next, Self.isLetter(byte) { position += 1 }
        switch String(decoding: bytes[start..<position], as: UTF8.self) {
        case "true": return true
        case "false": return false
        case "null": return .null
        default:
            position = start
            throw failure("a value that is no JSON")
        }
    }

    private mutating func number() throws -> JSONValue {
        let start = position
        while let byte = next, Self.isDigit(byte) || "+-.eE".utf8.contains(byte) { position += 1 }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if let whole = Int64(text) { return .int(whole) }
        guard let value = Double(text), value.isFinite else {
            position = start
            throw failure("a number that cannot be read")
        }
        return Int64(exactly: value).map { .int($0) } ?? .double(value)
    }

    private mutating func string() throws -> String {
        let start = position
        let mark = bytes[position]
        position += 1
        var text: [UInt8] = []
        while let byte = next {
            position += 1
            if byte == mark {
                guard let valid = String(validating: text, as: UTF8.self) else { throw failure("a string that is not UTF-8") }
                return valid
            }
            if byte == UInt8(ascii: "\\") { try escape(into: &text) } else { text.append(byte) }
        }
        position = start
        throw failure("a string that does not end")
    }

    private mutating func escape(into text: inout [UInt8]) throws {
        guard let byte = next else { throw failure("a string that does not end") }
        position += 1
        switch byte {
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "/"), UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "'"): text.append(byte)
        case UInt8(ascii: "u"): text += String(Character(try scalar())).utf8
        default: throw failure("an escape that JSON does not have")
        }
    }

    /// The scalar of an escape `\u` and four digits, of two of them if the first is half of a pair. Half a pair alone stands for the replacement character.
    private mutating func scalar() throws -> Unicode.Scalar {
        let first = try unit()
        if let scalar = Unicode.Scalar(first) { return scalar }
        let isPair = first < 0xDC00 && position + 1 < bytes.count && bytes[position] == UInt8(ascii: "\\") && bytes[position + 1] == UInt8(ascii: "u")
        guard isPair else { return "\u{FFFD}" }
        let mark = position
        position += 2
        let second = try unit()
        guard (0xDC00...0xDFFF).contains(second) else {
            position = mark
            return "\u{FFFD}"
        }
        return Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)) ?? "\u{FFFD}"
    }

    private mutating func unit() throws -> UInt32 {
        guard position + 4 <= bytes.count, bytes[position..<(position + 4)].allSatisfy({ Self.isHexDigit($0) }),
            let unit = UInt32(String(decoding: bytes[position..<(position + 4)], as: UTF8.self), radix: 16)
        else { throw failure("an escape \\u without four hexadecimal digits") }
        position += 4
        return unit
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) }

    private static func isHexDigit(_ byte: UInt8) -> Bool { isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20) }
}
