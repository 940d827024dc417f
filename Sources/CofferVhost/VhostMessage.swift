/// Requests of a front end (QEMU's vhost-user specification, "Front-end message types").
enum VhostRequest: UInt32, Sendable {
    case getFeatures = 1
    case setFeatures = 2
    case setOwner = 3
    case resetOwner = 4
    case setMemoryTable = 5
    case setQueueSize = 8
    case setQueueAddresses = 9
    case setQueueBase = 10
    case getQueueBase = 11
    case setQueueKick = 12
    case setQueueCall = 13
    case setQueueError = 14
    case getProtocolFeatures = 15
    case setProtocolFeatures = 16
    case getQueueCount = 17
    case setQueueEnable = 18
    case getConfig = 24
    case setConfig = 25
}

/// The head of a message: 12 bytes, little-endian.
struct VhostHeader: Equatable, Sendable {
    static let byteCount = 12
    /// The longest payload that is taken.
    static let longestPayload = 4096
    private static let version: UInt32 = 1
    private static let isReply: UInt32 = 1 << 2
    private static let needsReply: UInt32 = 1 << 3

    let code: UInt32
    /// Whether the front end waits for a word about success.
    let wantsReply: Bool
    let payloadByteCount: Int

    /// - Returns: nil if it is no head of a request, so that nothing after it can be understood.
    init?(_ bytes: [UInt8]) {
        var reader = LittleEndianReader(bytes)
        guard let code = reader.word(), let flags = reader.word(), let count = reader.word(), flags & 3 == Self.version,
            flags & Self.isReply == 0, count <= Self.longestPayload
        else { return nil }
        self.code = code
        wantsReply = flags & Self.needsReply != 0
        payloadByteCount = Int(count)
    }

    /// A reply with its head.
    static func reply(to code: UInt32, _ payload: [UInt8]) -> [UInt8] {
        [code, version | isReply, UInt32(truncatingIfNeeded: payload.count)].flatMap(\.littleEndianBytes) + payload
    }
}

/// Takes numbers from bytes that may be too few.
struct LittleEndianReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) {
        rest = bytes[...]
    }

    mutating func word() -> UInt32? { number() }
    mutating func long() -> UInt64? { number() }

    private mutating func number<I: FixedWidthInteger>() -> I? {
        let size = MemoryLayout<I>.size
        guard rest.count >= size else { return nil }
        defer { rest = rest.dropFirst(size) }
        return rest.prefix(size).reversed().reduce(0) { $0 << 8 | I($1) }
    }

    /// What is left.
    var remainder: [UInt8] { Array(rest) }
}

extension FixedWidthInteger {
    var littleEndianBytes: [UInt8] {
        (0..<MemoryLayout<Self>.size).map { UInt8(truncatingIfNeeded: self >> (8 * $0)) }
    }
}
