import CofferBlock
import CofferDiskFormat
import CofferModel

/// Disks coming, growing and going.
extension DiskService {
    func create(
        _ disk: DiskID, _ byteCount: UInt64, _ layers: [DiskLayer], _ sealed: [SealedKey]
    ) throws(DiskFailure) -> DiskStatus {
        let keys = try unseal(sealed, for: disk)
        guard layers.count == keys.count else { throw DiskFailure(.badCommand, "a disk needs one data key per layer") }
        try checkFit(keys)
        return try withUnit(disk) { (open) throws(DiskFailure) in
            try format(disk) { () throws(DiskFormatError) in
                var full: [HeaderLayer] = []
                for (layer, check) in zip(layers, keys.checks(for: disk)) { full.append(try HeaderLayer(layer, check: check)) }
                let wanted = try DiskHeader(disk: disk, byteCount: byteCount, generation: 1, layers: full)
                do throws(DiskFormatError) {
                    try store.create(wanted)
                } catch .exists {
                    let found = try store.header(of: disk)
                    guard found.byteCount == byteCount, found.layers == full else { throw .exists }
                    try store.settle(disk)
                }
            }
            log.write("created", [("disk", disk.text)])
            return try status(header(disk), open)
        }
    }

    func resize(_ disk: DiskID, to byteCount: UInt64) throws(DiskFailure) -> DiskStatus {
        try withUnit(disk) { (open) throws(DiskFailure) in
            var header = try header(disk)
            try format(disk) { () throws(DiskFormatError) in
                if header.byteCount == byteCount { try store.settle(disk) } else { header = try store.grow(header, to: byteCount) }
            }
            open?.grow(to: byteCount)
            log.write("resized", [("disk", disk.text), ("bytes", String(byteCount))])
            return try status(header, open)
        }
    }

    func delete(_ disk: DiskID) throws(DiskFailure) {
        try withUnit(disk) { (open) throws(DiskFailure) in
            guard open == nil else { throw DiskFailure(.busy, "the disk is open") }
            endCopy(disk)
            try format(disk) { () throws(DiskFormatError) in
                do throws(DiskFormatError) { try store.delete(disk) } catch .notFound {}
            }
            log.write("deleted", [("disk", disk.text)])
        }
    }
}
