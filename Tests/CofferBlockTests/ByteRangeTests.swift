import CofferBlock
import CofferModel
import Testing

struct ByteRangeTests {
    @Test func rangesBecomeWholeSectorsInOrder() {
        let ranges = [ByteRange(offset: 20000, length: 1), ByteRange(offset: 1, length: 4095), ByteRange(offset: 4096, length: 10), ByteRange(offset: 5000, length: 100)]
        #expect(ranges.sectors(within: 0..<(1 << 20)) == [ByteRange(offset: 0, length: 8192), ByteRange(offset: 16384, length: 4096)])
    }

    @Test func theyAreCutToTheLimits() {
        let ranges = [ByteRange(offset: 0, length: 1 << 20), ByteRange(offset: 2 << 20, length: 1)]
        #expect(ranges.sectors(within: 100..<10000) == [ByteRange(offset: 100, length: 9900)])
        #expect([ByteRange]().sectors(within: 0..<4096).isEmpty)
    }
}
