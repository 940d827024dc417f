/// Which of the 256 sectors of a chunk are meant.
struct SectorSet: Equatable, Sendable {
    static let capacity = 256

    private var words = SIMD4<UInt64>(repeating: 0)

    var isEmpty: Bool { words == SIMD4(repeating: 0) }

    var count: Int { (0..<4).reduce(0) { $0 + words[$1].nonzeroBitCount } }

    func contains(_ sector: Int) -> Bool { words[sector >> 6] >> UInt64(sector & 63) & 1 == 1 }

    mutating func insert(_ range: Range<Int>) { words |= Self.mask(range) }

    mutating func remove(_ range: Range<Int>) { words &= ~Self.mask(range) }

    mutating func formUnion(_ other: SectorSet) { words |= other.words }

    /// Calls `body` with each run of sectors of a range that are all members or all none.
    func forRuns(in range: Range<Int>, _ body: (Range<Int>, _ isMember: Bool) throws(BlockError) -> Void) throws(BlockError) {
        var start = range.lowerBound
        while start < range.upperBound {
            let isMember = contains(start)
            var end = start + 1
            while end < range.upperBound, contains(end) == isMember { end += 1 }
            try body(start..<end, isMember)
            start = end
        }
    }

    private static func mask(_ range: Range<Int>) -> SIMD4<UInt64> {
        var mask = SIMD4<UInt64>(repeating: 0)
        for word in 0..<4 {
            let (low, high) = (max(range.lowerBound - word * 64, 0), min(range.upperBound - word * 64, 64))
            guard low < high else { continue }
            // A shift by all 64 bits gives 0 here, as it should.
            mask[word] = (~0 << UInt64(low)) & ~(~0 << UInt64(high))
        }
        return mask
    }
}
