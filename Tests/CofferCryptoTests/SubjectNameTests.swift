import CofferCrypto
import Testing

@Suite struct SubjectNameTests {
    @Test(arguments: [
        "localhost", "LOCALHOST", "a.b-c.example", "*.vault.localhost", "xn--bcher-kva.example", "1.example",
        "a",
    ])
    func hostNameIsTakenAsItIs(text: String) {
        #expect(SubjectName(text) == .dns(text))
    }

    @Test func addressIsTakenAsItsBytes() {
        #expect(SubjectName("127.0.0.1") == .ip([127, 0, 0, 1]))
        #expect(SubjectName("::1") == .ip([UInt8](repeating: 0, count: 15) + [1]))
        #expect(SubjectName("2001:db8::ff") == .ip([0x20, 0x01, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [0xff]))
    }

    @Test(arguments: [
        "", " ", "a b", "a..b", ".a", "a.", "-a", "a-", "*", "*.", "a.*.b", "*a.b", "256.1.1.1", "1.2.3", "1.2.3.4.5", "::g",
        "a/b", "a,b", "a:b", "a_b", "bücher.example", "localhost\u{0}", "127.0.0.1\u{0}", "[::1]", "a\n",
        String(repeating: "a", count: 64), String(repeating: "a.", count: 127),
    ])
    func otherTextIsNoName(text: String) {
        #expect(SubjectName(text) == nil)
    }
}
