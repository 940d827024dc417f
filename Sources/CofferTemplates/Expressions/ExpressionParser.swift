import CofferModel

/// Parses an expression, without the brackets around it.
///
///     expression = ( string / integer / call ) *( "." name / "[" expression "]" )
///     call       = name [ "." name ] "(" [ expression *( "," expression ) ] ")"
///     string     = "'" *( any but "'" / "''" ) "'"
package struct ExpressionParser: ~Copyable {
    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0

    /// - Throws: ``TemplateFailure``.
    package static func parse(_ text: String) throws -> Expression {
        guard text.utf8.count <= TemplateLimits.expressionLength else {
            throw TemplateFailure("An expression has \(text.utf8.count) characters, and \(TemplateLimits.expressionLength) are allowed")
        }
        var parser = ExpressionParser(Array(text.utf8))
        let expression = try parser.expression()
        parser.skipBlanks()
        guard parser.position == parser.bytes.count else { throw parser.failure("something follows it") }
        return expression
    }

    private init(_ bytes: [UInt8]) { self.bytes = bytes }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private func failure(_ reason: String) -> TemplateFailure {
        TemplateFailure("An expression cannot be read: \(reason), at its character \(position + 1)")
    }

    private mutating func skipBlanks() {
        while let byte = next, byte == 0x20 || (0x09...0x0D).contains(byte) { position += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        skipBlanks()
        guard next == byte else { return false }
        position += 1
        return true
    }

    private mutating func expression() throws -> Expression {
        depth += 1
        defer { depth -= 1 }
        guard depth <= TemplateLimits.expressionDepth else {
            throw failure("calls lie more than \(TemplateLimits.expressionDepth) deep in each other")
        }
        skipBlanks()
        var value: Expression
        switch next {
        case UInt8(ascii: "'"): value = .literal(.string(try string()))
        case .some(let byte) where byte == UInt8(ascii: "-") || Self.isDigit(byte): value = .literal(.int(try integer()))
        case .some(let byte) where Self.isNameStart(byte): value = try call()
        case nil: throw failure("it ends where a value should begin")
        default: throw failure("a value is missing")
        }
        var steps = 0
        while true {
            if take(UInt8(ascii: ".")) {
                skipBlanks()
                value = .member(value, try name())
            } else if take(UInt8(ascii: "[")) {
                let index = try expression()
                guard take(UInt8(ascii: "]")) else { throw failure("a closing bracket is missing") }
                value = .element(value, index)
            } else {
                return value
            }
            steps += 1
            guard depth + steps <= TemplateLimits.expressionDepth else {
                throw failure("more than \(TemplateLimits.expressionDepth) members are taken of each other")
            }
        }
    }

    private mutating func call() throws -> Expression {
        var words = [try name()]
        if take(UInt8(ascii: ".")) {
            skipBlanks()
            words.append(try name())
        }
        guard take(UInt8(ascii: "(")) else { throw failure("a function's name needs arguments in parentheses, and a text needs single quotation marks") }
        var arguments: [Expression] = []
        if !take(UInt8(ascii: ")")) {
            repeat { arguments.append(try expression()) } while take(UInt8(ascii: ","))
            guard take(UInt8(ascii: ")")) else { throw failure("a comma or a closing parenthesis is missing") }
        }
        return .call(.init(namespace: words.count == 2 ? words[0] : nil, name: words[words.count - 1], arguments: arguments))
    }

    private mutating func name() throws -> String {
        let start = position
        while let byte = next, Self.isNameStart(byte) || Self.isDigit(byte) { position += 1 }
        guard position > start, !Self.isDigit(bytes[start]) else { throw failure("a name is missing") }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func integer() throws -> Int64 {
        let start = position
        position += 1
        while let byte = next, Self.isDigit(byte) { position += 1 }
        guard let value = Int64(String(decoding: bytes[start..<position], as: UTF8.self)) else { throw failure("a number is no integer of 64 bits") }
        return value
    }

    private mutating func string() throws -> String {
        position += 1
        var text: [UInt8] = []
        while let byte = next {
            position += 1
            if byte == UInt8(ascii: "'") {
                guard next == UInt8(ascii: "'") else { return String(decoding: text, as: UTF8.self) }
                position += 1
            }
            text.append(byte)
        }
        throw failure("a text has no closing quotation mark")
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isNameStart(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "$") || byte >= 0x80
    }
}
