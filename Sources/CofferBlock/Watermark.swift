import CofferDiskFormat
import Synchronization

/// How far a re-encryption is: sectors below are under the new keys, the others under the old.
///
/// It moves only while the range that it moves over is held alone. Whoever holds a range therefore finds it still within that range.
final class Watermark: Sendable {
    private let sectors: Atomic<UInt64>

    init(byteCount: UInt64) { sectors = Atomic(byteCount / UInt64(DiskHeader.sectorByteCount)) }

    /// The first sector that is not re-encrypted.
    var sector: UInt64 { sectors.load(ordering: .acquiring) }

    /// In bytes from the start of the disk.
    var byteCount: UInt64 { sector * UInt64(DiskHeader.sectorByteCount) }

    func move(to byteCount: UInt64) { sectors.store(byteCount / UInt64(DiskHeader.sectorByteCount), ordering: .releasing) }
}
