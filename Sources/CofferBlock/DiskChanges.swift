import CofferDiskFormat
package import CofferModel
import Glibc

/// What differs between two copies of one disk.
///
/// Copies share their data keys, and a sector's ciphertext depends on its key, its place and its contents alone: equal ciphertext
/// is equal contents, and nothing has to be decrypted.
package enum DiskChanges {
    /// The sectors of the data file at `path` that are not the same in the one at `basePath`, in order. What lies behind the end of
    /// `basePath` counts as never written there.
    ///
    /// Ranges that are holes in both files are not read.
    ///
    /// - Parameter byteCount: The size of the disk at `path`, a multiple of 4096.
    /// - Throws: ``BlockError/system(_:)`` if a file cannot be read.
    package static func ranges(
        inFileAt path: String, byteCount: UInt64, since basePath: String
    ) throws(BlockError) -> [ByteRange] {
        let file = try DataFile(path: path, isReadOnly: true)
        let base = try DataFile(path: basePath, isReadOnly: true)
        let pieceByteCount = 64 * DiskHeader.sectorByteCount
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * pieceByteCount, alignment: 4096)
        defer { unsafe buffer.deallocate() }
        var changes: [ByteRange] = []
        var position: UInt64 = 0
        while let start = try firstData(in: [file, base], from: position), start < byteCount {
            let count = Int(min(UInt64(pieceByteCount), byteCount - start))
            let now = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
            let before = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[pieceByteCount..<pieceByteCount + count])
            try unsafe file.read(now, at: start)
            try unsafe base.read(before, at: start, padsEnd: true)
            unsafe compare(UnsafeRawBufferPointer(now), UnsafeRawBufferPointer(before), at: start, &changes)
            position = start + UInt64(count)
        }
        return changes
    }

    /// The start of the first sector at or after `position` that has data in any of `files`.
    private static func firstData(in files: [DataFile], from position: UInt64) throws(BlockError) -> UInt64? {
        var first: UInt64?
        for file in files {
            guard let data = try file.nextData(position) else { continue }
            first = min(first ?? .max, max(position, data / UInt64(DiskHeader.sectorByteCount) * UInt64(DiskHeader.sectorByteCount)))
        }
        return first
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
