import CofferCore
import CofferTesting
import Testing

@Suite struct ConstantTimeTests {
    @Test(arguments: 0..<16 as Range<UInt64>)
    func onlyTheSameBytesAreEqual(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let bytes = random.bytes(Int.random(in: 1...70, using: &random))
        let same = bytes.map { $0 }
        #expect(ConstantTime.equal(bytes, same))
        for index in bytes.indices {
            for bit in 0..<8 as Range<UInt8> {
                var changed = bytes
                changed[index] ^= 1 << bit
                #expect(!ConstantTime.equal(bytes, changed))
                #expect(!ConstantTime.equal(changed, bytes))
            }
        }
    }

    @Test func twoDifferencesDoNotCancelEachOther() {
        #expect(!ConstantTime.equal([1, 1], [0, 0]))
        #expect(!ConstantTime.equal([1, 2], [2, 1]))
        #expect(!ConstantTime.equal([0x80, 0x80], [0, 0]))
    }

    @Test func otherLengthsDiffer() {
        #expect(ConstantTime.equal([], []))
        #expect(!ConstantTime.equal([], [0]))
        #expect(!ConstantTime.equal([0, 0], [0]))
    }
}
