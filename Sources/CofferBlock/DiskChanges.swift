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
    /// - Throws: ``BlockError/system(_:)`` if one of them cannot be read.
    package static func ranges(
        in storage: any DiskStorage, byteCount: UInt64, since base: any DiskStorage, baseByteCount: UInt64
    ) throws(BlockError) -> [ByteRange] {
        let pieceByteCount = 64 * DiskHeader.sectorByteCount
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * pieceByteCount, alignment: 4096)
        defer { unsafe buffer.deallocate() }
        var changes: [ByteRange] = []
        var position: UInt64 = 0
        while position < byteCount {
            let limit = min(byteCount, baseByteCount)
            // In front of the base's data there may be nothing, and behind its end there is none.
            let here = try storage.firstData(from: position, to: byteCount)
            let start = position < limit ? min(here, try base.firstData(from: position, to: min(here, limit))) : here
            guard start < byteCount else { break }
            let count = Int(min(UInt64(pieceByteCount), byteCount - start))
            let now = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
            let before = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[pieceByteCount..<pieceByteCount + count])
            try unsafe storage.read(now, at: start)
            let known = start < baseByteCount ? Int(min(UInt64(count), baseByteCount - start)) : 0
            if known > 0 { try unsafe base.read(UnsafeMutableRawBufferPointer(rebasing: before[..<known]), at: start) }
            unsafe UnsafeMutableRawBufferPointer(rebasing: before[known...]).initializeMemory(as: UInt8.self, repeating: 0)
            unsafe compare(UnsafeRawBufferPointer(now), UnsafeRawBufferPointer(before), at: start, &changes)
            position = start + UInt64(count)
        }
        return changes
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
