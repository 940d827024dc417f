/// What this device and its transport can do (Virtual I/O Device 1.1 sections 5.2.3 and 6; vhost-user's protocol features).
enum VhostFeatures {
    static let readOnly: UInt64 = 1 << 5
    static let eventIndex: UInt64 = 1 << 29
    static let protocolFeatures: UInt64 = 1 << 30

    private static let segmentLimit: UInt64 = 1 << 2
    private static let blockSize: UInt64 = 1 << 6
    private static let flush: UInt64 = 1 << 9
    private static let topology: UInt64 = 1 << 10
    private static let multipleQueues: UInt64 = 1 << 12
    private static let discard: UInt64 = 1 << 13
    private static let writeZeroes: UInt64 = 1 << 14
    private static let indirect: UInt64 = 1 << 28
    private static let version1: UInt64 = 1 << 32

    static func device(isReadOnly: Bool) -> UInt64 {
        segmentLimit | blockSize | flush | topology | multipleQueues | indirect | eventIndex | protocolFeatures | version1
            | (isReadOnly ? readOnly : discard | writeZeroes)
    }

    /// Several queues, answers where they are asked for, the configuration.
    static let transport: UInt64 = 1 << 0 | 1 << 3 | 1 << 9
}

/// What a guest's driver reads of a disk (section 5.2.4).
struct BlockConfiguration {
    /// Segments of one request.
    static let segmentLimit = 126
    /// Ranges of one discard or write of zeroes.
    static let rangeLimit = 16
    /// The longest range, in sectors of 512 bytes.
    static let rangeSectorLimit: UInt32 = 1 << 20

    let byteCount: UInt64
    let queueCount: Int

    /// 60 bytes, little-endian.
    var bytes: [UInt8] {
        var bytes = (byteCount / 512).littleEndianBytes
        bytes += UInt32(0).littleEndianBytes + UInt32(Self.segmentLimit).littleEndianBytes
        // No geometry.
        bytes += [0, 0, 0, 0]
        bytes += UInt32(512).littleEndianBytes
        // Eight blocks are one of the sectors that are encrypted as a whole, and that is the best to read or write at a time.
        bytes += [3, 0] + UInt16(8).littleEndianBytes + UInt32(8).littleEndianBytes
        bytes += [0, 0] + UInt16(truncatingIfNeeded: queueCount).littleEndianBytes
        bytes += Self.rangeSectorLimit.littleEndianBytes + UInt32(Self.rangeLimit).littleEndianBytes + UInt32(8).littleEndianBytes
        bytes += Self.rangeSectorLimit.littleEndianBytes + UInt32(Self.rangeLimit).littleEndianBytes
        return bytes + [1, 0, 0, 0]
    }
}
