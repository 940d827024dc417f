import CofferCore
import CofferCrypto
import CofferModel

/// Names made of other names.
enum HashFunctions {
    static let all: [String: TemplateFunction] = [
        "uniqueString": .of(1...FunctionTable.any) { .string(UniqueString.text(of: try $0.strings().joined(separator: "-"))) },
        "guid": .of(1...FunctionTable.any) { .string(guid(try $0.strings().joined(separator: "-"))) },
        "newGuid": .inContext(0...0) { arguments, _, context in
            guard case .parameterDefault = context.place else { throw TemplateFailure.onlyInDefault(arguments.name) }
            var bytes = SecureRandom.bytes(16)
            bytes[6] = bytes[6] & 0x0F | 0x40
            bytes[8] = bytes[8] & 0x3F | 0x80
            return .string(text(bytes))
        },
    ]

    /// A UUID of version 5 (RFC 9562 section 5.5) in the name space that Azure Resource Manager uses.
    private static func guid(_ name: String) -> String {
        let space: [UInt8] = [0x11, 0xFB, 0x06, 0xFB, 0x71, 0x2D, 0x4D, 0xDD, 0x98, 0xC7, 0xE7, 0x1B, 0xBD, 0x58, 0x88, 0x30]
        var bytes = Array(DigestAlgorithm.sha1.hash(space + Array(name.utf8)).prefix(16))
        bytes[6] = bytes[6] & 0x0F | 0x50
        bytes[8] = bytes[8] & 0x3F | 0x80
        return text(bytes)
    }

    private static func text(_ bytes: [UInt8]) -> String {
        let digits = Hex.encode(bytes)
        var rest = Substring(digits)
        return [8, 4, 4, 4, 12].map { count in
            defer { rest = rest.dropFirst(count) }
            return String(rest.prefix(count))
        }.joined(separator: "-")
    }
}

extension TemplateFailure {
    static func onlyInDefault(_ name: String) -> TemplateFailure {
        TemplateFailure("The template function '\(name)' is not expected at this location: it is allowed in the default value of a parameter alone")
    }
}

/// The hash of `uniqueString`: 64 bits of a hash in the manner of MurmurHash3, in 13 characters of base 32. What Azure gives for a text, this gives too.
enum UniqueString {
    static func text(of text: String) -> String {
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)
        var rest = hash(Array(text.utf8))
        var characters: [UInt8] = []
        for _ in 0..<13 {
            characters.append(alphabet[Int(rest >> 59)])
            rest <<= 5
        }
        return String(decoding: characters, as: UTF8.self)
    }

    static func hash(_ bytes: [UInt8]) -> UInt64 {
        let (c1, c2): (UInt32, UInt32) = (0x239B_961B, 0xAB0E_9789)
        var (h1, h2): (UInt32, UInt32) = (0, 0)
        var index = 0
        while index + 8 <= bytes.count {
            h1 ^= rotated(word(bytes[index..<(index + 4)]) &* c1, 15) &* c2
            h1 = (rotated(h1, 19) &+ h2) &* 5 &+ 0x561C_CD1B
            h2 ^= rotated(word(bytes[(index + 4)..<(index + 8)]) &* c2, 17) &* c1
            h2 = (rotated(h2, 13) &+ h1) &* 5 &+ 0x0BCA_A747
            index += 8
        }
        let rest = bytes[index...]
        if !rest.isEmpty { h1 ^= rotated(word(rest.prefix(4)) &* c1, 15) &* c2 }
        if rest.count > 4 { h2 ^= rotated(word(rest.dropFirst(4)) &* c2, 17) &* c1 }
        let length = UInt32(truncatingIfNeeded: bytes.count)
        h1 ^= length
        h2 ^= length
        h1 = h1 &+ h2
        h2 = h2 &+ h1
        h1 = mixed(h1)
        h2 = mixed(h2)
        h1 = h1 &+ h2
        h2 = h2 &+ h1
        return UInt64(h2) << 32 | UInt64(h1)
    }

    /// Up to four bytes, the least significant first.
    private static func word(_ bytes: some Sequence<UInt8>) -> UInt32 {
        bytes.enumerated().reduce(0) { $0 | UInt32($1.element) << UInt32(8 * $1.offset) }
    }

    private static func rotated(_ value: UInt32, _ count: UInt32) -> UInt32 { value << count | value >> (32 - count) }

    private static func mixed(_ value: UInt32) -> UInt32 {
        var value = value
        value = (value ^ value >> 16) &* 0x85EB_CA6B
        value = (value ^ value >> 13) &* 0xC2B2_AE35
        return value ^ value >> 16
    }
}
