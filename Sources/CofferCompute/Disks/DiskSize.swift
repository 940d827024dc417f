import CofferModel

/// A disk's size as a client gives it: in GiB as Azure has it, or exactly, in bytes.
struct DiskSize: Equatable, Sendable {
    static let gibibyte: UInt64 = 1 << 30
    static let allowed: ClosedRange<Int64> = 1...32767

    /// A multiple of 4096.
    let byteCount: UInt64
    private let isExact: Bool

    /// - Returns: nil if nothing is said.
    /// - Throws: ``APIError`` unless the size is 1 to 32767 GiB in whole sectors.
    init?(gibibytes: Int64?, bytes: Int64?) throws {
        let exact = try bytes.map { bytes in
            guard let count = UInt64(exactly: bytes), count % 4096 == 0,
                (Self.gibibyte...UInt64(Self.allowed.upperBound) * Self.gibibyte).contains(count)
            else { throw APIError.diskSizeNotValid("\(bytes) bytes") }
            return count
        }
        guard let gibibytes else {
            guard let exact else { return nil }
            (byteCount, isExact) = (exact, true)
            return
        }
        guard Self.allowed.contains(gibibytes) else { throw APIError.diskSizeNotValid("\(gibibytes) GiB") }
        let count = UInt64(gibibytes) * Self.gibibyte
        // A client that echoes both means the exact one, which the other is rounded up from.
        if let exact, Self.gibibytes(of: exact) == UInt64(gibibytes) {
            (byteCount, isExact) = (exact, true)
        } else {
            (byteCount, isExact) = (count, false)
        }
    }

    /// Whether a disk of `other` bytes has this size, as far as it is said.
    func isSize(of other: UInt64) -> Bool {
        byteCount == other || (!isExact && byteCount == Self.gibibytes(of: other) * Self.gibibyte)
    }

    /// As `diskSizeGB` shows it: rounded up.
    static func gibibytes(of byteCount: UInt64) -> UInt64 {
        byteCount / gibibyte + (byteCount % gibibyte == 0 ? 0 : 1)
    }
}
