import CofferModel
import CofferPlatform

/// A disk as a page blob: its contents, and behind them the footer of a fixed VHD.
struct PageBlob: Sendable {
    static let pageByteCount: UInt64 = 512
    /// The longest write, and the longest read that is held at once, in bytes.
    static let longestPiece: UInt64 = 4 << 20
    /// The most ranges in one list. What is more has the shortest gaps taken for data.
    static let longestList = 20_000

    private let content: any DiskContent
    private let footer: [UInt8]
    /// Of the disk, without the footer.
    private let size: UInt64

    /// In bytes, with the footer.
    var byteCount: UInt64 { size + UInt64(footer.count) }

    init(_ content: any DiskContent, of disk: DiskRecord) {
        self.content = content
        size = disk.byteCount
        footer = VHDFooter.bytes(size: size, disk: disk.disk, created: disk.created)
    }

    /// - Parameter range: Within the blob.
    func read(_ range: ByteRange) async throws -> [UInt8] {
        let inDisk = range.clipped(to: ByteRange(offset: 0, length: size))
        var bytes = inDisk.length > 0 ? try await content.read(inDisk) : []
        if range.end > size {
            let start = max(range.offset, size) - size
            bytes += footer[Int(start)..<Int(range.end - size)]
        }
        return bytes
    }

    /// Writes whole pages. A footer must be that of this disk; it is not kept, as the disk has its own.
    ///
    /// - Throws: ``APIError`` for another footer.
    func write(_ bytes: [UInt8], at offset: UInt64) async throws {
        let inDisk = ByteRange(offset: offset, length: UInt64(bytes.count)).clipped(to: ByteRange(offset: 0, length: size))
        if inDisk.length < bytes.count, let objection = VHDFooter.objection(to: Array(bytes[Int(inDisk.length)...]), size: size) {
            throw APIError.footerNotValid(objection)
        }
        guard inDisk.length > 0 else { return }
        try await content.write(inDisk.length == bytes.count ? bytes : Array(bytes[..<Int(inDisk.length)]), at: offset)
    }

    func clear(_ range: ByteRange) async throws {
        let inDisk = range.clipped(to: ByteRange(offset: 0, length: size))
        if inDisk.length > 0 { try await content.clear(inDisk) }
    }

    /// The parts of a range that may hold something, in whole pages; the footer always does.
    func pages(_ range: ByteRange) async throws -> [ByteRange] {
        let inDisk = range.clipped(to: ByteRange(offset: 0, length: size))
        var found = inDisk.length > 0 ? try await content.allocated(inDisk) : []
        if range.end > size { found.append(ByteRange(offset: size, length: UInt64(footer.count))) }
        return found.joined(gap: 0).joined(toAtMost: Self.longestList)
    }
}

extension ByteRange {
    /// The first byte behind it.
    var end: UInt64 { offset + length }

    /// The part that lies in another range.
    func clipped(to other: ByteRange) -> ByteRange {
        let start = max(offset, other.offset)
        let end = min(end, other.end)
        return start < end ? ByteRange(offset: start, length: end - start) : ByteRange(offset: start, length: 0)
    }
}

extension [ByteRange] {
    /// Ranges in order, those that have at most `gap` bytes between them as one.
    func joined(gap: UInt64) -> [ByteRange] {
        var joined: [ByteRange] = []
        for range in self where range.length > 0 {
            if let last = joined.last, range.offset <= last.end + gap {
                joined[joined.count - 1] = ByteRange(offset: last.offset, length: Swift.max(last.end, range.end) - last.offset)
            } else {
                joined.append(range)
            }
        }
        return joined
    }

    /// The same with as wide gaps taken in as it needs to be no more than `most` ranges.
    func joined(toAtMost most: Int) -> [ByteRange] {
        var (joined, gap) = (self, PageBlob.pageByteCount)
        while joined.count > Swift.max(1, most) {
            joined = joined.joined(gap: gap)
            gap *= 2
        }
        return joined
    }

    /// The parts of these ranges that lie in others; both are in order.
    func intersection(_ others: [ByteRange]) -> [ByteRange] {
        var (found, index): ([ByteRange], Int) = ([], 0)
        for range in self {
            while index < others.count, others[index].end <= range.offset { index += 1 }
            var next = index
            while next < others.count, others[next].offset < range.end {
                found.append(range.clipped(to: others[next]))
                next += 1
            }
        }
        return found
    }

    /// What of `whole` lies in none of these ranges, which are in order.
    func gaps(in whole: ByteRange) -> [ByteRange] {
        var (found, start): ([ByteRange], UInt64) = ([], whole.offset)
        for range in self {
            if range.offset > start { found.append(ByteRange(offset: start, length: Swift.min(range.offset, whole.end) - start)) }
            start = Swift.max(start, Swift.min(range.end, whole.end))
        }
        if start < whole.end { found.append(ByteRange(offset: start, length: whole.end - start)) }
        return found
    }
}
