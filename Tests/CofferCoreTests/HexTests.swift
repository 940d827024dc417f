import CofferCore
import Testing

@Suite struct HexTests {
    @Test func everyByteComesBack() {
        let all = (0...255).map { UInt8($0) }
        #expect(Hex.decode(Hex.encode(all)) == all)
        #expect(Hex.decode(Hex.encode(all).uppercased()) == all)
        #expect(Hex.encode([0x0f, 0xa0]) == "0fa0")
    }

    @Test(arguments: ["0", "abc", "0g", "g0", " 00", "00 ", "0x00", "é0", "--", "\u{0}0"])
    func foreignTextIsNil(text: String) {
        #expect(Hex.decode(text) == nil)
    }

    @Test func emptyTextIsNoBytes() {
        #expect(Hex.decode("") == [])
        #expect(Hex.encode([]) == "")
    }
}
