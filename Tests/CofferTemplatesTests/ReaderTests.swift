import CofferModel
import CofferTemplates
import Testing

/// Text of templates as clients send it.
@Suite struct ReaderTests {
    @Test(arguments: [
        ("{\"a\": 1, /* why */ \"b\": [true, null,], // end\n }", "{\"a\":1,\"b\":[true,null]}"),
        ("{properties: {mode: 'Incremental', template:{\r\n  \"$schema\": \"x\"\r\n}}}", "{\"properties\":{\"mode\":\"Incremental\",\"template\":{\"$schema\":\"x\"}}}"),
        ("\"two\nlines\"", "\"two\\nlines\""), ("'it''s'", nil), ("'it\\'s \\u00e9 \\ud83d\\ude00'", "\"it's é 😀\""), ("[1.5, -2, 1e3, 9223372036854775808]", "[1.5,-2,1000,9223372036854775808]"),
        ("\u{FEFF}{}", "{}"), ("\"\\ud800\"", "\"\u{FFFD}\""), ("{\"a\":1 \"b\":2}", nil), ("{\"a\" 1}", nil), ("[1 2]", nil), ("/* open", nil), ("\"open", nil), ("tru", nil), ("[,]", nil),
        ("{} {}", nil), ("", nil), ("\"\\x\"", nil), ("\"\\u12\"", nil), ("-", nil), ("1e999", nil), ("{a-b: 1}", nil),
    ])
    func readsWhatClientsWrite(_ text: String, _ expected: String?) throws {
        let value = try? Samples.json(text)
        #expect(value == (try expected.map { try JSON.decode(JSONValue.self, from: Array($0.utf8)) }))
    }

    @Test func tellsLineAndColumnAndNothingOfTheText() {
        let failure = Samples.failure { _ = try Samples.json("{\n  \"password\": \"hunter2\",\n  oops oops\n}") }
        #expect(failure?.message.contains("line 3, column 8") == true)
        #expect(failure?.message.contains("hunter2") == false)
    }

    @Test func depthIsBounded() throws {
        let deep = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
        _ = try Samples.json(deep)
        #expect(Samples.failure { _ = try Samples.json("[\(deep)]") }?.message.contains("100 deep") == true)
        #expect(Samples.failure { _ = try Samples.json(String(repeating: "{a:", count: 100_000)) }?.message.contains("100 deep") == true)
    }

    @Test func bytesThatAreNotUTF8AreRefused() {
        #expect(Samples.failure { _ = try TemplateReader.read([0x22, 0xFF, 0x22]) }?.message.contains("UTF-8") == true)
    }
}
