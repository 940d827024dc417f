import CofferModel
import CofferTesting
import Foundation
import Testing

/// Holds the quick reader to Foundation's: what it reads, it reads alike, and it reads nothing that is no JSON.
@Suite struct PlainJSONObjectTests {
    private func expectAsFoundation(_ text: String) {
        let bytes = Array(text.utf8)
        guard let object = PlainJSONObject(bytes) else { return }
        let expected = try? JSON.decode([String: String].self, from: bytes)
        #expect(expected == Dictionary(uniqueKeysWithValues: object.names.map { ($0, object[$0] ?? "") }), "\(text)")
    }

    @Test func usualBodiesAreRead() throws {
        let object = try #require(PlainJSONObject(Array("\n{ \"alg\" :\t\"ES256\",\r\n\"value\":\"a-_b\" , \"x\":\"\"} ".utf8)))
        #expect(object.names == ["alg", "value", "x"])
        #expect(object["alg"] == "ES256" && object["value"] == "a-_b" && object["x"] == "" && object["y"] == nil)
        #expect(PlainJSONObject(Array("{}".utf8))?.names == [])
    }

    @Test(arguments: [
        "", "{", "}", "[]", "null", "\"a\"", "{\"a\":1}", "{\"a\":null}", "{\"a\":\"b\"", "{\"a\":\"b\",}", "{,}", "{\"a\"}", "{\"a\":}", "{a:\"b\"}",
        "{\"a\":\"b\"}x", "{\"a\":\"\\n\"}", "{\"a\":\"é\"}", "{\"a\":\"\n\"}", "{\"a\":\"b\",\"a\":\"c\"}", "{\"a\":{\"b\":\"c\"}}", "{\"a\":\"b\"}{}", "\u{0B}{}",
    ])
    func everythingElseIsLeftToTheDecoder(_ text: String) {
        #expect(PlainJSONObject(Array(text.utf8)) == nil)
    }

    @Test func randomTextsAreReadAsFoundationReadsThem() {
        var random = SeededRandom(seed: 11)
        let pieces = ["{", "}", "\"", "\"a\"", "\"bc\"", ":", ",", " ", "\"a\":\"b\"", "\\", "1", "\u{0B}", "\u{7F}", "é"]
        for _ in 0..<20_000 {
            let count = Int.random(in: 0..<9, using: &random)
            expectAsFoundation("{" + (0..<count).map { _ in pieces[Int.random(in: 0..<pieces.count, using: &random)] }.joined() + "}")
        }
    }
}
