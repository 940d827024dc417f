import CofferDiskFormat

extension DataFile {
    /// Calls `body` with the extents of a range until it returns false. A sector that has any data counts as data.
    package func extents(_ offset: UInt64, _ count: UInt64, _ body: (DiskExtent) -> Bool) throws(BlockError) {
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
