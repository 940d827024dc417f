import CofferCore
import CofferModel

/// The last 512 bytes of a fixed virtual hard disk (VHD image format specification 1.0), which says that what is before it is a disk.
enum VHDFooter {
    static let byteCount = 512
    private static let cookie = Array("conectix".utf8)
    private static let fixed: UInt32 = 2
    /// Seconds from 1970 to 2000, which the format counts from.
    private static let epoch: Int64 = 946_684_800
    private static let checksumRange = 64..<68

    /// The footer of a disk.
    ///
    /// - Parameter size: In bytes, without the footer.
    static func bytes(size: UInt64, disk: DiskID, created: Timestamp) -> [UInt8] {
        var footer = ByteWriter()
        footer.write(cookie)
        footer.write(UInt32(2))
        footer.write(UInt32(0x0001_0000))
        footer.write(UInt64.max)
        footer.write(UInt32(clamping: created.seconds - epoch))
        // Hyper-V's name for itself: readers then take the size from its field and not from the geometry, which rounds it down.
        footer.write(Array("win ".utf8))
        footer.write(UInt32(0x0001_0000))
        footer.write(Array("Wi2k".utf8))
        footer.write(size)
        footer.write(size)
        footer.write(geometry(sectors: size / 512))
        footer.write(fixed)
        footer.write(UInt32(0))
        footer.write(disk.bytes)
        var bytes = footer.bytes + [UInt8](repeating: 0, count: byteCount - footer.bytes.count)
        var sum = ByteWriter()
        sum.write(checksum(bytes))
        bytes.replaceSubrange(checksumRange, with: sum.bytes)
        return bytes
    }

    /// Why bytes are not the footer of a fixed disk of a size, or nil.
    static func objection(to bytes: [UInt8], size: UInt64) -> String? {
        guard bytes.count == byteCount, bytes.starts(with: cookie) else { return "it has no footer of a VHD" }
        var reader = ByteReader(bytes)
        guard (try? reader.read(48)) != nil, let current = try? reader.uint64(), (try? reader.uint32()) != nil, let type = try? reader.uint32(),
            let sum = try? reader.uint32()
        else { return "it has no footer of a VHD" }
        guard sum == checksum(bytes) else { return "the checksum of its footer is wrong" }
        guard type == fixed else { return "it is a dynamic or differencing VHD" }
        guard current == size else { return "its footer is that of a disk of \(current) bytes, and this one has \(size)" }
        return nil
    }

    /// The one's complement of the sum of all bytes but the checksum's own.
    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var sum: UInt32 = 0
        for (offset, byte) in bytes.enumerated() where !checksumRange.contains(offset) { sum &+= UInt32(byte) }
        return ~sum
    }

    /// Cylinders, heads and sectors a track, by the rules of the specification's appendix.
    private static func geometry(sectors: UInt64) -> UInt32 {
        let sectors = min(sectors, 65_535 * 16 * 255)
        var track: UInt64 = 17
        var heads: UInt64 = max(4, (sectors / 17 + 1023) / 1024)
        if sectors >= 65_535 * 16 * 63 {
            (track, heads) = (255, 16)
        } else {
            if sectors / track >= heads * 1024 || heads > 16 { (track, heads) = (31, 16) }
            if sectors / track >= heads * 1024 { (track, heads) = (63, 16) }
        }
        return UInt32(truncatingIfNeeded: (sectors / track / heads) << 16 | heads << 8 | track)
    }
}
