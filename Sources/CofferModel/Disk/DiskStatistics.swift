/// What a disk's clients have done since it was opened.
package struct DiskStatistics: Codable, Equatable, Sendable {
    /// One for each kind of ``OperationStatistics/Kind``.
    package let operations: [OperationStatistics]
    /// What the disk is held to now.
    package let limits: DiskLimits
    /// Operations that waited because of a limit.
    package let delayedCount: UInt64
    /// How long they waited together, in nanoseconds.
    package let delayedNanoseconds: UInt64

    package init(operations: [OperationStatistics], limits: DiskLimits, delayedCount: UInt64, delayedNanoseconds: UInt64) {
        self.operations = operations
        self.limits = limits
        self.delayedCount = delayedCount
        self.delayedNanoseconds = delayedNanoseconds
    }
}

/// The operations of one kind.
package struct OperationStatistics: Codable, Equatable, Sendable {
    package enum Kind: String, Codable, CaseIterable, Sendable {
        case read
        case write
        case flush
        /// Trims and writes of zeros.
        case clear
    }

    package let kind: Kind
    /// Those that failed are counted here too.
    package let count: UInt64
    package let byteCount: UInt64
    package let errorCount: UInt64
    /// From taking a request to having its answer, all together, without what a limit made wait.
    package let nanoseconds: UInt64
    /// How many took how long: the first those below a microsecond, each further one those below twice as long as the one before,
    /// the last all others.
    package let histogram: [UInt64]

    /// Of a histogram; the last but one ends at some 4 seconds.
    package static let bucketCount = 24

    package init(kind: Kind, count: UInt64, byteCount: UInt64, errorCount: UInt64, nanoseconds: UInt64, histogram: [UInt64]) {
        self.kind = kind
        self.count = count
        self.byteCount = byteCount
        self.errorCount = errorCount
        self.nanoseconds = nanoseconds
        self.histogram = histogram
    }

    /// The bucket of a time.
    package static func bucket(nanoseconds: UInt64) -> Int {
        min(bucketCount - 1, UInt64.bitWidth - (nanoseconds / 1000).leadingZeroBitCount)
    }

    /// A time in microseconds that the share `share` of the operations stayed below, rounded up to the end of its bucket; nil if there
    /// were none, or it took longer than buckets tell.
    package func microseconds(below share: Double) -> UInt64? {
        let total = histogram.reduce(0, &+)
        guard total > 0 else { return nil }
        var seen: UInt64 = 0
        for (index, count) in histogram.dropLast().enumerated() {
            seen &+= count
            if Double(seen) >= share * Double(total) { return 1 << UInt64(index) }
        }
        return nil
    }
}

/// What a disk's clients may do at most, all together; nil is any amount.
package struct DiskLimits: Codable, Equatable, Sendable {
    package let operationsPerSecond: UInt64?
    package let bytesPerSecond: UInt64?

    package static let none = DiskLimits(operationsPerSecond: nil, bytesPerSecond: nil)

    package init(operationsPerSecond: UInt64?, bytesPerSecond: UInt64?) {
        self.operationsPerSecond = operationsPerSecond
        self.bytesPerSecond = bytesPerSecond
    }
}
