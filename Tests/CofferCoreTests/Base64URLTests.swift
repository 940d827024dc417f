import CofferCore
import CofferTesting
import Foundation
import Testing

@Suite struct Base64URLTests {
    /// RFC 4648 section 10, without padding, and the two letters in which this alphabet differs.
    @Test(arguments: [
        ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"),
        ("fooba", "Zm9vYmE"), ("foobar", "Zm9vYmFy"),
    ])
    func standardVectorIsMet(plain: String, text: String) {
        #expect(Base64URL.encode(Array(plain.utf8)) == text)
        #expect(Base64URL.decode(text) == Array(plain.utf8))
    }

    @Test func alphabetIsTheOneForURLs() {
        #expect(Base64URL.encode([0xfb, 0xff, 0xbf]) == "-_-_")
        #expect(Base64URL.decode("-_-_") == [0xfb, 0xff, 0xbf])
    }

    @Test(arguments: 0..<32 as Range<UInt64>)
    func bytesComeBackAndAgreeWithFoundation(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let bytes = random.bytes(Int.random(in: 0...100, using: &random))
        let text = Base64URL.encode(bytes)
        let padded = Data(bytes).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_")
        #expect(text == padded.filter { $0 != "=" })
        #expect(Base64URL.decode(text) == bytes)
        #expect(Base64URL.decode(padded) == bytes)
    }

    @Test(arguments: [
        "A", "AAAAA", "A=", "A===", "====", "=", "==", "AAAA=", "AAAA====", "AAA==", "Z=g=", "+AAA", "/AAA",
        "AA AA", " AAAA", "AAAA\n",
        "AÄAA", "AA.A", "AA\u{0}A",
    ])
    func foreignTextIsNil(text: String) {
        #expect(Base64URL.decode(text) == nil)
    }

    /// Otherwise one value could be spelled in several ways, and a signature over the text would not be one over the value.
    @Test func bitsBeyondTheLastByteMustBeZero() {
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        #expect(alphabet.filter { Base64URL.decode("A\($0)") != nil } == "AQgw")
        #expect(alphabet.filter { Base64URL.decode("AA\($0)") != nil } == "AEIMQUYcgkosw048")
    }
}
