import CofferModel

/// What a disk's clients have done, as `coffer disk stats` shows it.
struct DiskStatisticsResource: Encodable, Sendable {
    struct Operation: Encodable, Sendable {
        let kind: String
        let count: UInt64
        let bytes: UInt64
        let errors: UInt64
        let totalMicroseconds: UInt64
        /// Half of them, nine of ten, and so on stayed below; left out where there were none.
        let p50Microseconds: UInt64?
        let p90Microseconds: UInt64?
        let p99Microseconds: UInt64?
        let p999Microseconds: UInt64?
        /// How many took less than 1 microsecond, less than 2, 4, 8, …, each without those before it, and how many longer than all.
        let histogram: [UInt64]
    }

    let name: String
    let resourceGroup: String
    /// Left out where there is no limit.
    let operationsPerSecondLimit: UInt64?
    let bytesPerSecondLimit: UInt64?
    /// Operations that waited because of a limit, and how long.
    let delayed: UInt64
    let delayedMicroseconds: UInt64
    let operations: [Operation]

    init(_ record: DiskRecord, _ statistics: DiskStatistics) {
        name = record.id.name
        resourceGroup = record.id.group ?? ""
        operationsPerSecondLimit = statistics.limits.operationsPerSecond
        bytesPerSecondLimit = statistics.limits.bytesPerSecond
        delayed = statistics.delayedCount
        delayedMicroseconds = statistics.delayedNanoseconds / 1000
        operations = statistics.operations.map { each in
            Operation(
                kind: each.kind.rawValue, count: each.count, bytes: each.byteCount, errors: each.errorCount, totalMicroseconds: each.nanoseconds / 1000,
                p50Microseconds: each.microseconds(below: 0.5), p90Microseconds: each.microseconds(below: 0.9),
                p99Microseconds: each.microseconds(below: 0.99), p999Microseconds: each.microseconds(below: 0.999), histogram: each.histogram)
        }
    }
}
