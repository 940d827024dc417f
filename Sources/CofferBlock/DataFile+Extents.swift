package import CofferModel
import CofferDiskFormat

extension DataFile {
    /// Calls `body` with the extents of a range until it returns false. A sector that has any data counts as data.
    func extents(_ offset: UInt64, _ count: UInt64, _ body: (DiskExtent) -> Bool) throws(BlockError) {
        let sector = UInt64(DiskHeader.sectorByteCount)
        let end = offset + count
        var position = offset
        while position < end {
            let data = try nextData(position).map { max(position, $0 / sector * sector) } ?? end
            if data > position {
                let stop = min(data, end)
                guard body(DiskExtent(offset: position, length: stop - position, isHole: true)) else { return }
                position = stop
                continue
            }
            let stop = min(try (nextHole(position) + sector - 1) / sector * sector, end)
            // A hole that was filled between the two calls.
            let length = stop > position ? stop - position : min(sector, end - position)
            guard body(DiskExtent(offset: position, length: length, isHole: false)) else { return }
            position += length
        }
    }
}

/// Holes of a disk that need not be open.
package enum DiskHoles {
    /// The sectors that were never written or were given back, in order: those that are all zeros in the data file at `path`.
    ///
    /// Reads all that the file system calls data, for zeros that were allocated without being written count as data while they
    /// are in the page cache, and so does a hole smaller than the file system's block.
    ///
    /// - Parameter byteCount: The size of the disk.
    /// - Throws: ``BlockError/system(_:)`` if the file cannot be read.
    package static func ranges(inFileAt path: String, byteCount: UInt64) throws(BlockError) -> [ByteRange] {
        let file = try DataFile(path: path, isReadOnly: true)
        var extents: [DiskExtent] = []
        try file.extents(0, byteCount) { extent in
            extents.append(extent)
            return true
        }
        var holes: [ByteRange] = []
        for extent in extents {
            if extent.isHole {
                ByteRange(offset: extent.offset, length: extent.length).append(to: &holes)
            } else {
                try scan(extent, of: file, &holes)
            }
        }
        return holes
    }

    /// Bytes that the data file at `path` occupies, or 0 if it cannot be read.
    package static func allocatedByteCount(ofFileAt path: String) -> UInt64 {
        (try? DataFile(path: path, isReadOnly: true).allocatedByteCount()) ?? 0
    }

    /// Looks for sectors of zeros within data.
    private static func scan(_ extent: DiskExtent, of file: DataFile, _ holes: inout [ByteRange]) throws(BlockError) {
        let sector = DiskHeader.sectorByteCount
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * sector, alignment: 4096)
        defer { unsafe buffer.deallocate() }
        var position = extent.offset
        let end = extent.offset + extent.length
        while position < end {
            let count = Int(min(UInt64(buffer.count), end - position))
            let piece = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
            try unsafe file.read(piece, at: position)
            for start in stride(from: 0, to: count, by: sector) {
                let isHole = unsafe Zeros.fill(UnsafeRawBufferPointer(rebasing: piece[start..<min(count, start + sector)]))
                if isHole { ByteRange(offset: position + UInt64(start), length: UInt64(sector)).append(to: &holes) }
            }
            position += UInt64(count)
        }
    }
}

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
