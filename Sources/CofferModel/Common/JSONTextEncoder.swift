/// Writes values as JSON text: keys in order of their bytes, slashes as they are, nothing between tokens.
///
/// Foundation's encoder does the same in several times the time, which every answer, every audit event and every document
/// would pay; the tests hold both to the same output.
struct JSONTextEncoder {
    func encode(_ value: some Encodable) throws -> [UInt8] {
        let place = JSONPlace()
        try value.encode(to: JSONPlaceEncoder(place: place, codingPath: []))
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512)
        try place.part.write(to: &bytes)
        return bytes
    }
}

/// Part of a document that is being encoded.
enum JSONPart {
    case null
    case bool(Bool)
    case int(Int64)
    case uint(UInt64)
    case double(Double)
    case float(Float)
    case string(String)
    case object(JSONMembers)
    case array(JSONElements)
    /// What a nested encoder makes.
    case place(JSONPlace)

    func write(to bytes: inout [UInt8]) throws {
        switch self {
        case .null: bytes += "null".utf8
        case .bool(let value): bytes += value ? "true".utf8 : "false".utf8
        case .int(let value): Self.write(value, to: &bytes)
        case .uint(let value): bytes += value.description.utf8
        case .double(let value): try Self.write(value, value.description, to: &bytes)
        case .float(let value): try Self.write(value, value.description, to: &bytes)
        case .string(let value): Self.write(value, to: &bytes)
        case .object(let members): try members.write(to: &bytes)
        case .array(let elements): try elements.write(to: &bytes)
        case .place(let place): try place.part.write(to: &bytes)
        }
    }

    private static func write(_ value: Int64, to bytes: inout [UInt8]) {
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        var rest = value.magnitude
        var divisor: UInt64 = 1
        while rest / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest / divisor))
            rest %= divisor
            divisor /= 10
        }
    }

    /// The shortest text that reads as the same number, without the point of a whole one.
    private static func write(_ value: some BinaryFloatingPoint, _ text: String, to bytes: inout [UInt8]) throws {
        guard value.isFinite else {
            throw EncodingError.invalidValue(value, .init(codingPath: [], debugDescription: "JSON has no such number"))
        }
        bytes += (text.hasSuffix(".0") ? text.dropLast(2) : text[...]).utf8
    }

    static func write(_ text: String, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { utf8 in
            if unsafe utf8.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
                unsafe bytes.append(contentsOf: utf8)
            } else {
                for unsafe byte in unsafe utf8 { escape(byte, to: &bytes) }
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// RFC 8259 section 7.
    private static func escape(_ byte: UInt8, to bytes: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "\""): bytes += #"\""#.utf8
        case UInt8(ascii: "\\"): bytes += #"\\"#.utf8
        case 0x08: bytes += #"\b"#.utf8
        case 0x0C: bytes += #"\f"#.utf8
        case 0x0A: bytes += #"\n"#.utf8
        case 0x0D: bytes += #"\r"#.utf8
        case 0x09: bytes += #"\t"#.utf8
        case 0..<0x20:
            bytes += #"\u00"#.utf8
            bytes.append(UInt8(ascii: "0") + byte >> 4)
            bytes.append(byte & 15 < 10 ? UInt8(ascii: "0") + byte & 15 : UInt8(ascii: "a") + byte & 15 - 10)
        default: bytes.append(byte)
        }
    }
}

/// Where one value goes.
final class JSONPlace {
    var part: JSONPart = .object(JSONMembers())
}

/// An object's members in the order in which they were encoded.
final class JSONMembers {
    private var members: [(key: String, part: JSONPart)] = []

    /// Of a key that is given twice the last value holds.
    func set(_ key: String, _ part: JSONPart) {
        members.append((key, part))
    }

    func write(to bytes: inout [UInt8]) throws {
        members.sort { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        bytes.append(UInt8(ascii: "{"))
        var isFirst = true
        for (index, member) in members.enumerated() {
            if index + 1 < members.count, members[index + 1].key.utf8.elementsEqual(member.key.utf8) { continue }
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            JSONPart.write(member.key, to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            try member.part.write(to: &bytes)
        }
        bytes.append(UInt8(ascii: "}"))
    }
}

/// An array's elements.
final class JSONElements {
    var parts: [JSONPart] = []

    func write(to bytes: inout [UInt8]) throws {
        bytes.append(UInt8(ascii: "["))
        for (index, part) in parts.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            try part.write(to: &bytes)
        }
        bytes.append(UInt8(ascii: "]"))
    }
}
