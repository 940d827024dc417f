import CofferCore
import CofferModel
import CofferPlatform
import Testing

@testable import CofferIdentity

@Suite struct JWTParserTests {
    private func compact(_ header: String, _ claims: String, _ signature: [UInt8] = [1]) -> [UInt8] {
        Array(
            "\(Base64URL.encode(Array(header.utf8))).\(Base64URL.encode(Array(claims.utf8))).\(Base64URL.encode(signature))".utf8
        )
    }

    @Test func `a token comes apart`() throws {
        let bytes = compact(#"{"typ":"JWT","alg":"RS256","kid":"k"}"#, #"{"aud":"a","exp":1795466145.3967278,"nbf":-5}"#, [7, 8])
        let token = try JWTParser.parse(bytes)
        #expect(token.algorithm == "RS256")
        #expect(token.keyID == "k")
        #expect(token.string("aud") == "a")
        #expect(token.date("exp") == 1_795_466_145)
        #expect(token.date("nbf") == -5)
        #expect(token.signature == [7, 8])
        #expect(token.signedBytes == Array(bytes.prefix(bytes.count - 4)))
    }

    @Test(arguments: [
        "9223372036854775807", "-9223372036854775808", "1e300", "18446744073709551616", "\"5\"", "null", "true", "[1]",
    ])
    func `a date that is none is nil`(text: String) throws {
        let token = try JWTParser.parse(compact(#"{"alg":"RS256","kid":"k"}"#, #"{"exp":\#(text)}"#))
        #expect(token.date("exp") == nil)
    }

    @Test(arguments: [
        "", ".", "..", "...", "a.b", "a.b.c.d", "e30.e30", "e30..e30", "e30.e30.", ".e30.e30", "e30=.e30.AA", "e30.e30.AA==",
        "e+0.e30.AA", "e 0.e30.AA", "é.e30.AA", "e30.e30.A",
    ])
    func `what is not three parts of base64url is refused`(text: String) {
        #expect(throws: JWTParser.Refusal.notCompact) { try JWTParser.parse(Array(text.utf8)) }
    }

    @Test(arguments: [
        "{}", "[]", "null", "x", #"{"alg":"RS256"}"#, #"{"kid":"k"}"#, #"{"alg":1,"kid":"k"}"#, #"{"alg":"RS256","kid":""}"#,
        #"{"alg":"RS256","kid":7}"#, #"{"alg":"none","alg":"RS256","kid":"k"}"#, #"{"alg":"RS256","kid":"k","crit":["b64"]}"#,
        #"{"alg":"RS256","kid":"k","typ":"JOSE"}"#, #"{"alg":"RS256","kid":"k"} "x""#, #"{"alg":"RS256","kid":"k","#,
        #"{"alg":"RS256","kid":"k",}"#, #"{'alg':'RS256','kid':'k'}"#, #"{"alg":"RS256","kid":"\uD800"}"#,
    ])
    func `a header that says too little or too much is refused`(header: String) {
        #expect(throws: JWTParser.Refusal.badHeader) { try JWTParser.parse(compact(header, "{}")) }
    }

    @Test(arguments: [
        "", "[]", "1", #"{"a":1,"a":1}"#, #"{"a":01}"#, #"{"a":1.}"#, #"{"a":+1}"#, #"{"a":NaN}"#, #"{"a":1e999}"#, "{\"a\":\"\n\"}",
        #"{"a":"\x"}"#, #"{"a":tru}"#, "{\"a\":1}\u{0}", #"{"\u0061":1,"a":2}"#,
    ])
    func `claims that are no strict JSON object are refused`(claims: String) {
        let bytes = claims.isEmpty ? Array("eyJhbGciOiJSUzI1NiIsImtpZCI6ImsifQ.ICAg.AA".utf8)
            : compact(#"{"alg":"RS256","kid":"k"}"#, claims)
        #expect(throws: JWTParser.Refusal.badClaims) { try JWTParser.parse(bytes) }
    }

    @Test func `nesting has a limit`() {
        let deep = #"{"a":"# + String(repeating: "[", count: 5000) + String(repeating: "]", count: 5000) + "}"
        #expect(throws: JWTParser.Refusal.badClaims) { try JWTParser.parse(compact(#"{"alg":"RS256","kid":"k"}"#, deep)) }
    }

    @Test func `a token beyond 16 KiB is not looked at`() {
        let bytes = [UInt8](repeating: UInt8(ascii: "A"), count: JWTParser.maximumByteCount + 1)
        #expect(throws: JWTParser.Refusal.tooLong) { try JWTParser.parse(bytes) }
    }

    @Test func `strings keep what JSON can say`() throws {
        let text = #"{"alg":"RS256","kid":"\u006b\/\"\\\b\f\n\r\t\u00e9\ud83d\ude00é😀"}"#
        #expect(try JWTParser.parse(compact(text, "{}")).keyID == "k/\"\\\u{8}\u{c}\n\r\té😀é😀")
    }

    /// Any bytes give a token or a refusal. Mutations begin with a good token, so that they reach deep.
    @Test func `hostile bytes are refused and nothing else happens`() async throws {
        let fixture = try await Fixture()
        let good = Array(try await fixture.token().utf8)
        var random = SeededGenerator(seed: 0x00C0_FFEE)
        var refused = 0
        for _ in 0..<4_000 {
            var bytes = good
            for _ in 0...Int.random(in: 0..<4, using: &random) {
                let place = bytes.isEmpty ? 0 : Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<5, using: &random) {
                case 0 where !bytes.isEmpty: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 1 where !bytes.isEmpty: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 2: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 0..<64, using: &random)))
                case 3: bytes.insert(contentsOf: bytes.prefix(Int.random(in: 0..<64, using: &random)), at: place)
                default: bytes.insert(UInt8(ascii: "."), at: place)
                }
            }
            if (try? JWTParser.parse(bytes)) == nil { refused += 1 }
            if bytes != good, let text = String(validating: bytes, as: UTF8.self) {
                await #expect(throws: TokenRefusal.self) { try await fixture.caller(text) }
            }
        }
        #expect(refused > 200)
    }

    /// Random JSON-like text decoded as header and claims.
    @Test func `hostile JSON is refused or read`() {
        var random = SeededGenerator(seed: 42)
        let alphabet = Array(#"{}[]",:\u0123456789eE+-.truefalsn \#n"#.utf8) + [0xC3, 0xA9, 0xFF, 0x00]
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0..<40, using: &random)).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &random)] }
            _ = try? StrictJSON.parse(bytes)
            _ = try? FormBody(bytes)
        }
    }
}

/// The same sequence for the same seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
