package import CofferModel

/// JSON (RFC 8259) from strangers, read without leniency: an object that names a member twice, a number that is out of
/// range, text after the value or nesting beyond a limit is an error, because two readers that differ there can be told
/// two stories by one token.
package enum StrictJSON {
    /// Why a text was refused.
    package enum Refusal: Error, Equatable, Sendable {
        case notJSON
        case duplicateName
        case tooDeep
    }

    /// Objects and arrays may be nested this deep.
    package static let maximumDepth = 16

    package static func parse(_ bytes: [UInt8]) throws(Refusal) -> JSONValue {
        var reader = Reader(bytes: bytes)
        let value = try reader.value(depth: 0)
        reader.skipSpace()
        guard reader.isAtEnd else { throw .notJSON }
        return value
    }
}

private struct Reader {
    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position >= bytes.count }
    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
    }

    mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    mutating func value(depth: Int) throws(StrictJSON.Refusal) -> JSONValue {
        guard depth <= StrictJSON.maximumDepth else { throw .tooDeep }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try object(depth: depth)
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        default: return try number()
        }
    }

    mutating func word(_ text: StaticString, _ value: JSONValue) throws(StrictJSON.Refusal) -> JSONValue {
        for byte in "\(text)".utf8 {
            guard take(byte) else { throw .notJSON }
        }
        return value
    }

    mutating func object(depth: Int) throws(StrictJSON.Refusal) -> JSONValue {
        var members: [String: JSONValue] = [:]
        position += 1
        skipSpace()
        if take(UInt8(ascii: "}")) { return .object(members) }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw .notJSON }
            let name = try string()
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw .notJSON }
            let member = try value(depth: depth + 1)
            guard members.updateValue(member, forKey: name) == nil else { throw .duplicateName }
            skipSpace()
            if take(UInt8(ascii: "}")) { return .object(members) }
            guard take(UInt8(ascii: ",")) else { throw .notJSON }
        }
    }

    mutating func array(depth: Int) throws(StrictJSON.Refusal) -> JSONValue {
        var elements: [JSONValue] = []
        position += 1
        skipSpace()
        if take(UInt8(ascii: "]")) { return .array(elements) }
        while true {
            elements.append(try value(depth: depth + 1))
            skipSpace()
            if take(UInt8(ascii: "]")) { return .array(elements) }
            guard take(UInt8(ascii: ",")) else { throw .notJSON }
        }
    }

    mutating func string() throws(StrictJSON.Refusal) -> String {
        position += 1
        var text: [UInt8] = []
        while let byte = next {
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = String(validating: text, as: UTF8.self) else { throw .notJSON }
                return string
            case UInt8(ascii: "\\"): text.append(contentsOf: try escape())
            case 0..<0x20: throw .notJSON
            default: text.append(byte)
            }
        }
        throw .notJSON
    }

    mutating func escape() throws(StrictJSON.Refusal) -> [UInt8] {
        guard let byte = next else { throw .notJSON }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw .notJSON
        }
    }

    mutating func unicodeEscape() throws(StrictJSON.Refusal) -> [UInt8] {
        var code = try codeUnit()
        if code & 0xFC00 == 0xD800 {
            guard take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else { throw .notJSON }
            let low = try codeUnit()
            guard low & 0xFC00 == 0xDC00 else { throw .notJSON }
            code = 0x10000 + (code & 0x3FF) << 10 + (low & 0x3FF)
        }
        // A lone low surrogate is no scalar, so it ends here too.
        guard let scalar = Unicode.Scalar(code) else { throw .notJSON }
        return Array(String(Character(scalar)).utf8)
    }

    mutating func codeUnit() throws(StrictJSON.Refusal) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { throw .notJSON }
            position += 1
            code = code << 4 | UInt32(digit)
        }
        return code
    }

    mutating func number() throws(StrictJSON.Refusal) -> JSONValue {
        let start = position
        var isInteger = true
        _ = take(UInt8(ascii: "-"))
        let first = next
        let whole = digits()
        guard whole > 0, whole == 1 || first != UInt8(ascii: "0") else { throw .notJSON }
        if take(UInt8(ascii: ".")) {
            isInteger = false
            guard digits() > 0 else { throw .notJSON }
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isInteger = false
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            guard digits() > 0 else { throw .notJSON }
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isInteger, let value = Int64(text) { return .int(value) }
        guard let value = Double(text), value.isFinite else { throw .notJSON }
        return .double(value)
    }

    /// How many digits were there; they are passed over.
    mutating func digits() -> Int {
        let start = position
        while let byte = next, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { position += 1 }
        return position - start
    }
}
