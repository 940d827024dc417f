import CofferDiskFormat
package import CofferModel

/// Holes of a disk.
package enum DiskHoles {
    /// The sectors that were never written or were given back, in order: those that are all zeros in `storage`.
    ///
    /// Reads all that it calls data, for zeros that were allocated without being written count as data while they
    /// are in the page cache, and so does a hole smaller than the file system's block.
    ///
    /// - Parameter byteCount: The size of the disk.
    /// - Throws: ``BlockError/system(_:)`` if it cannot be read.
    package static func ranges(in storage: any DiskStorage, byteCount: UInt64) throws(BlockError) -> [ByteRange] {
        var extents: [DiskExtent] = []
        try storage.extents(0, byteCount) { extent in
            extents.append(extent)
            return true
        }
        var holes: [ByteRange] = []
        for extent in extents {
            if extent.isHole {
                ByteRange(offset: extent.offset, length: extent.length).append(to: &holes)
            } else {
                try scan(extent, of: storage, &holes)
            }
        }
        return holes
    }

    /// Looks for sectors of zeros within data.
    private static func scan(_ extent: DiskExtent, of storage: any DiskStorage, _ holes: inout [ByteRange]) throws(BlockError) {
        let sector = DiskHeader.sectorByteCount
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * sector, alignment: 4096)
        defer { unsafe buffer.deallocate() }
        var position = extent.offset
        let end = extent.offset + extent.length
        while position < end {
            let count = Int(min(UInt64(buffer.count), end - position))
            let piece = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
            try unsafe storage.read(piece, at: position)
            for start in stride(from: 0, to: count, by: sector) {
                let isHole = unsafe Zeros.fill(UnsafeRawBufferPointer(rebasing: piece[start..<min(count, start + sector)]))
                if isHole { ByteRange(offset: position + UInt64(start), length: UInt64(sector)).append(to: &holes) }
            }
            position += UInt64(count)
        }
    }
}
