import CofferModel
import CofferTesting
import Foundation
import Testing

/// Holds the encoder to Foundation's output, which is what stored documents and signed texts were written with.
@Suite struct JSONTextTests {
    private func expectAsFoundation(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        #expect(String(decoding: try JSON.encode(value), as: UTF8.self) == String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    @Test func everyScalarIsWrittenAsFoundationWritesIt() throws {
        for value in [0, 1, -1, 9, 10, 99, 100, .min, .max] as [Int64] { try expectAsFoundation(value) }
        for value in [0, 1, .max] as [UInt64] { try expectAsFoundation(value) }
        for value in [0, -0.0, 1, 1.5, -2.25, 1e300, 1e21, 123_456_789, .leastNonzeroMagnitude, .pi] as [Double] { try expectAsFoundation(value) }
        for value in [0, 0.1, 16_777_216, 3.5] as [Float] { try expectAsFoundation(value) }
        try expectAsFoundation(UInt8.max)
        try expectAsFoundation(true)
        try expectAsFoundation(String?.none)
        for byte in 0...0x2FF { try expectAsFoundation("a\(Unicode.Scalar(byte).map(Character.init) ?? "x")z") }
        try expectAsFoundation("/\\\"\u{2028}\u{FFFF}\u{1F600}e\u{301}é")
    }

    @Test func randomTreesAreWrittenAsFoundationWritesThem() throws {
        var random = SeededRandom(seed: 7)
        for _ in 0..<400 { try expectAsFoundation(Self.tree(depth: 4, &random)) }
    }

    private struct Inner: Encodable {
        let z: Int
        let a: String?
        let list: [Double]
    }

    private struct Outer: Encodable {
        let name: String
        let inner: Inner
        let more: [String: [Inner]]
        let kind: Kind
        let none: Inner?
        let bytes: [UInt8]

        enum Kind: String, Encodable { case first }
    }

    private struct Both: Encodable {
        let inner: Inner
        let b: Int

        enum CodingKeys: CodingKey { case b, nested, list }

        /// Goes on in the object that another value began, as views of deleted objects do.
        func encode(to encoder: any Encoder) throws {
            try inner.encode(to: encoder)
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(b, forKey: .b)
            var nested = container.nestedContainer(keyedBy: CodingKeys.self, forKey: .nested)
            try nested.encodeNil(forKey: .b)
            var list = nested.nestedUnkeyedContainer(forKey: .list)
            try list.encode("x")
            var last = list.nestedContainer(keyedBy: CodingKeys.self)
            try last.encode(inner, forKey: .nested)
        }
    }

    @Test func structuresAreWrittenAsFoundationWritesThem() throws {
        let inner = Inner(z: 1, a: nil, list: [1, 2.5])
        try expectAsFoundation(inner)
        try expectAsFoundation(
            Outer(name: "ü", inner: inner, more: ["b": [inner], "a": [], "A": [inner, inner]], kind: .first, none: nil, bytes: [0, 255]))
        try expectAsFoundation(Both(inner: inner, b: 3))
        try expectAsFoundation([Both(inner: inner, b: 3)])
        try expectAsFoundation([String: Int]())
    }

    @Test func aNumberThatJSONHasNotIsRefused() {
        for value in [Double.nan, .infinity, -.infinity] {
            #expect(throws: EncodingError.self) { try JSON.encode(["a": value]) }
        }
    }

    private static func tree(depth: Int, _ random: inout SeededRandom) -> JSONValue {
        func text() -> String {
            String((0..<Int.random(in: 0..<6, using: &random)).map { _ in "abAB\"\\/\n\u{7}é\u{301}😀".randomElement(using: &random) ?? "x" })
        }
        switch Int.random(in: 0..<(depth > 0 ? 8 : 6), using: &random) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &random))
        case 2: return .int(Int64.random(in: .min ... .max, using: &random))
        case 3: return .double(Double.random(in: -1e9...1e9, using: &random))
        case 4, 5: return .string(text())
        case 6: return .array((0..<Int.random(in: 0..<4, using: &random)).map { _ in tree(depth: depth - 1, &random) })
        default:
            let members = (0..<Int.random(in: 0..<5, using: &random)).map { _ in (text(), tree(depth: depth - 1, &random)) }
            return .object(Dictionary(members, uniquingKeysWith: { first, _ in first }))
        }
    }
}
