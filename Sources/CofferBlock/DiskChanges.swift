import CofferDiskFormat
package import CofferModel
import Glibc

/// What differs between two copies of one disk.
///
/// Copies share their data keys, and a sector's ciphertext depends on its key, its place and its contents alone: equal ciphertext
/// is equal contents, and nothing has to be decrypted.
package enum DiskChanges {
    /// The sectors of `storage` that are not the same in `base`, in order. What lies behind the end of `base` counts as never written
    /// there.
    ///
    /// Ranges that are holes in both are not read.
    ///
    /// - Parameters:
    ///   - byteCount: The size of the disk, a multiple of 4096.
    ///   - baseByteCount: That of the other, a multiple of 4096.
    ///   - candidates: Where to look, whole sectors in order; nil for everywhere.
    /// - Throws: ``BlockError/system(_:)`` if one of them cannot be read.
    package static func ranges(
        in storage: any DiskStorage, byteCount: UInt64, since base: any DiskStorage, baseByteCount: UInt64,
        within candidates: [ByteRange]? = nil
    ) throws(BlockError) -> [ByteRange] {
        let pieceByteCount = 64 * DiskHeader.sectorByteCount
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * pieceByteCount, alignment: 4096)
        defer { unsafe buffer.deallocate() }
        var changes: [ByteRange] = []
        for candidate in candidates ?? [ByteRange(offset: 0, length: byteCount)] {
            for data in try written(in: candidate, of: storage, or: base, baseByteCount) {
                var position = data.offset
                while position < data.offset + data.length {
                    let count = Int(min(UInt64(pieceByteCount), data.offset + data.length - position))
                    let now = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
                    let before = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[pieceByteCount..<pieceByteCount + count])
                    try unsafe storage.read(now, at: position)
                    let known = position < baseByteCount ? Int(min(UInt64(count), baseByteCount - position)) : 0
                    if known > 0 { try unsafe base.read(UnsafeMutableRawBufferPointer(rebasing: before[..<known]), at: position) }
                    unsafe UnsafeMutableRawBufferPointer(rebasing: before[known...]).initializeMemory(as: UInt8.self, repeating: 0)
                    unsafe compare(UnsafeRawBufferPointer(now), UnsafeRawBufferPointer(before), at: position, &changes)
                    position += UInt64(count)
                }
            }
        }
        return changes
    }

    /// The sectors of a range that have data in one of two storages, in order.
    private static func written(
        in range: ByteRange, of storage: any DiskStorage, or base: any DiskStorage, _ baseByteCount: UInt64
    ) throws(BlockError) -> [ByteRange] {
        var found: [ByteRange] = []
        func note(_ extent: DiskExtent) -> Bool {
            if !extent.isHole { found.append(ByteRange(offset: extent.offset, length: extent.length)) }
            return true
        }
        let end = range.offset + range.length
        try storage.extents(range.offset, range.length, note)
        if range.offset < baseByteCount { try base.extents(range.offset, min(end, baseByteCount) - range.offset, note) }
        return found.sectors(within: range.offset..<end)
    }

    private static func compare(
        _ now: UnsafeRawBufferPointer, _ before: UnsafeRawBufferPointer, at offset: UInt64, _ changes: inout [ByteRange]
    ) {
        for start in stride(from: 0, to: now.count, by: DiskHeader.sectorByteCount) {
            let range = start..<min(now.count, start + DiskHeader.sectorByteCount)
            guard let first = now.baseAddress, let second = before.baseAddress else { return }
            if unsafe memcmp(first + range.lowerBound, second + range.lowerBound, range.count) != 0 { ByteRange(offset: offset + UInt64(start), length: UInt64(range.count)).append(to: &changes) }
        }
    }
}
