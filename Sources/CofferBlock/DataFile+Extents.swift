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
    /// The ranges of the data file at `path` that were never written or were given back, in order.
    ///
    /// - Parameter byteCount: The size of the disk.
    /// - Throws: ``BlockError/system(_:)`` if the file cannot be read.
    package static func ranges(inFileAt path: String, byteCount: UInt64) throws(BlockError) -> [ByteRange] {
        var ranges: [ByteRange] = []
        try DataFile(path: path, isReadOnly: true).extents(0, byteCount) { extent in
            if extent.isHole { ranges.append(ByteRange(offset: extent.offset, length: extent.length)) }
            return true
        }
        return ranges
    }

    /// Bytes that the data file at `path` occupies, or 0 if it cannot be read.
    package static func allocatedByteCount(ofFileAt path: String) -> UInt64 {
        (try? DataFile(path: path, isReadOnly: true).allocatedByteCount()) ?? 0
    }
}
