import CofferDiskFormat
package import CofferModel

extension ByteRange {
    /// Adds this range to ordered ones, joining it to the last if it follows at once.
    func append(to ranges: inout [ByteRange]) {
        if let last = ranges.last, last.offset + last.length == offset {
            ranges[ranges.count - 1] = ByteRange(offset: last.offset, length: last.length + length)
        } else {
            ranges.append(self)
        }
    }
}

extension [ByteRange] {
    /// The whole sectors that these ranges, in any order, touch: in order, joined, and cut to `limits`.
    package func sectors(within limits: Range<UInt64>) -> [ByteRange] {
        let sector = UInt64(DiskHeader.sectorByteCount)
        var joined: [ByteRange] = []
        for range in sorted(by: { $0.offset < $1.offset }) {
            let start = Swift.max(range.offset / sector * sector, limits.lowerBound, joined.last.map { $0.offset + $0.length } ?? 0)
            let end = Swift.min((range.offset + range.length + sector - 1) / sector * sector, limits.upperBound)
            if start < end { ByteRange(offset: start, length: end - start).append(to: &joined) }
        }
        return joined
    }
}
