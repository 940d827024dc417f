package import CofferBlock
import CofferModel

extension RBDImage {
    /// What is asked for at a time: which objects there are is told by the image's object map, what there is of one, by the object.
    private static let coarseByteCount: UInt64 = 16 << 30
    private static let fineByteCount: UInt64 = 256 << 20

    package func extents(_ offset: UInt64, _ count: UInt64, _ body: (DiskExtent) -> Bool) throws(BlockError) {
        let end = offset + count
        var (told, isWanted) = (offset, true)
        func tell(_ data: ByteRange) {
            if data.offset > told { isWanted = body(DiskExtent(offset: told, length: data.offset - told, isHole: true)) }
            guard isWanted else { return }
            isWanted = body(DiskExtent(offset: data.offset, length: data.length, isHole: false))
            told = data.offset + data.length
        }
        var position = offset
        while position < end, isWanted {
            let stop = min(end, position + Self.coarseByteCount)
            for objects in try sectors(position, stop - position, whole: true) where isWanted {
                var place = objects.offset
                while place < objects.offset + objects.length, isWanted {
                    let piece = min(Self.fineByteCount, objects.offset + objects.length - place)
                    for data in try sectors(place, piece, whole: false) where isWanted { tell(data) }
                    place += piece
                }
            }
            position = stop
        }
        if isWanted, told < end { _ = body(DiskExtent(offset: told, length: end - told, isHole: true)) }
    }

    /// The sectors of a range of which anything was written, in this image or in one that it is made of.
    private func sectors(_ offset: UInt64, _ count: UInt64, whole: Bool) throws(BlockError) -> [ByteRange] {
        do throws(RBDFailure) {
            return try written(offset, count, withParents: true, whole: whole).sectors(within: offset..<offset + count)
        } catch {
            throw error.block
        }
    }
}
