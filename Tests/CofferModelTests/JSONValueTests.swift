import CofferModel
import Testing

@Suite struct JSONValueTests {
    private func decode(_ text: String) throws -> JSONValue { try JSON.decode(JSONValue.self, from: Array(text.utf8)) }

    @Test func everyKindOfValueGoesBothWays() throws {
        let text = #"{"a":[1,-2,2.5,true,false,null,"x/y é\n"],"b":{},"c":[],"d":9223372036854775807}"#
        let value = try decode(text)
        #expect(value["a"] == [1, -2, .double(2.5), true, false, nil, "x/y é\n"])
        #expect(value["b"]?.object == [:])
        #expect(value["c"]?.array == [])
        #expect(value["d"]?.int == .max)
        #expect(String(decoding: try JSON.encode(value), as: UTF8.self) == text)
    }

    @Test func aTruthIsNotANumberNorTheOtherWay() throws {
        #expect(try decode("true") == .bool(true))
        #expect(try decode("1") == .int(1))
        #expect(try decode("0") == .int(0))
        #expect(try decode(#""1""#) == .string("1"))
        #expect(JSONValue.bool(true).int == nil)
        #expect(JSONValue.int(1).bool == nil)
    }

    @Test func aNumberBeyondAnIntegerStaysANumber() throws {
        #expect(try decode("9223372036854775808").int == nil)
        #expect(try decode("9223372036854775808") == .double(9_223_372_036_854_775_808))
        #expect(try decode("1e300").int == nil)
        #expect(try decode("3.0").int == 3)
        #expect(try decode("3.5").int == nil)
    }

    @Test func aMemberThatIsNullCountsAsMissing() throws {
        let value = try decode(#"{"a":null,"b":1}"#)
        #expect(value["a"] == nil)
        #expect(value["b"] == 1)
        #expect(value["c"] == nil)
        #expect(JSONValue.string("x")["a"] == nil)
    }

    @Test func keysAreSortedAndSlashesLeftAlone() throws {
        let value: JSONValue = ["b": "/", "a": ["d": 1, "c": 2]]
        #expect(String(decoding: try JSON.encode(value), as: UTF8.self) == #"{"a":{"c":2,"d":1},"b":"/"}"#)
    }

    @Test(arguments: ["", "{", "[1 2]", "nul", #"{"a"}"#, "\u{FEFF}", "01", #""\u12""#, "1 2", "NaN"])
    func whatIsNotJSONIsRefused(text: String) {
        #expect(throws: (any Error).self) { _ = try decode(text) }
    }

    @Test func bytesThatAreNoTextAreRefused() {
        #expect(throws: (any Error).self) { _ = try JSON.decode(JSONValue.self, from: [0x22, 0xFF, 0xFE, 0x22]) }
    }

    @Test func endlessNestingIsRefusedAndNotFollowed() throws {
        #expect(throws: (any Error).self) { _ = try decode(String(repeating: "[", count: 100_000)) }
        let deep = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
        #expect(throws: (any Error).self) { _ = try decode(deep) }
        let bearable = String(repeating: #"{"a":"#, count: 200) + "1" + String(repeating: "}", count: 200)
        #expect(try decode(bearable)["a"] != nil)
    }

    @Test func theEnvelopeOfAnErrorHasAzuresShape() throws {
        let plain = APIError(status: 404, code: "NotFound", message: "There is none.")
        #expect(plain.envelope == ["error": ["code": "NotFound", "message": "There is none."]])
        let full = APIError(status: 403, code: "Forbidden", message: "No.", target: "t", innerCode: "ForbiddenByRbac")
        #expect(full.envelope["error"]?["target"] == "t")
        #expect(full.envelope["error"]?["innererror"] == ["code": "ForbiddenByRbac"])
    }
}
