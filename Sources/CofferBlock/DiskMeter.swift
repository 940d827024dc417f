import CLinux
package import CofferModel
import Synchronization

/// Counts what a disk's clients do, and holds them to limits.
///
/// Each session counts for itself, without locks; the sums are made when somebody asks.
package final class DiskMeter: Sendable {
    private struct Sessions {
        var running: [ObjectIdentifier: SessionMeter] = [:]
        /// What sessions counted that have ended.
        var ended = [UInt64](repeating: 0, count: SessionMeter.numberCount)
    }

    /// Holds all sessions together to what it says.
    package let limiter = RateLimiter()
    private let sessions = Mutex(Sessions())

    package init() {}

    /// Counters for one thread that does I/O.
    package func begin() -> SessionMeter {
        let session = SessionMeter(limiter)
        sessions.withLock { $0.running[ObjectIdentifier(session)] = session }
        return session
    }

    /// Keeps what a session has counted when it ends.
    func end(_ session: SessionMeter) {
        sessions.withLock { sessions in
            guard sessions.running.removeValue(forKey: ObjectIdentifier(session)) != nil else { return }
            session.add(to: &sessions.ended)
        }
    }

    package var statistics: DiskStatistics {
        let numbers = sessions.withLock { sessions in
            var numbers = sessions.ended
            for session in sessions.running.values { session.add(to: &numbers) }
            return numbers
        }
        let kinds = OperationStatistics.Kind.allCases
        return DiskStatistics(
            operations: kinds.enumerated().map { index, kind in
                let first = SessionMeter.first(index)
                return OperationStatistics(
                    kind: kind, count: numbers[first], byteCount: numbers[first + 1], errorCount: numbers[first + 2],
                    nanoseconds: numbers[first + 3], histogram: Array(numbers[first + 4..<first + SessionMeter.kindCount]))
            },
            limits: limiter.limits, delayedCount: numbers[0], delayedNanoseconds: numbers[1])
    }
}

/// The counters of one session: one thread counts, any may look.
@safe
package final class SessionMeter: @unchecked Sendable {
    // SAFETY: `numbers` lives as long as this object; one thread writes it, in whole words that others may read at any time.
    /// Of each kind: operations, bytes, errors, nanoseconds, and the histogram.
    static let kindCount = 4 + OperationStatistics.bucketCount
    /// Operations that waited, how long, and the counters of each kind.
    static let numberCount = 2 + OperationStatistics.Kind.allCases.count * kindCount

    private let limiter: RateLimiter
    private let numbers = UnsafeMutablePointer<UInt64>.allocate(capacity: SessionMeter.numberCount)

    init(_ limiter: RateLimiter) {
        self.limiter = limiter
        unsafe numbers.initialize(repeating: 0, count: Self.numberCount)
    }

    static func first(_ kind: Int) -> Int { 2 + kind * kindCount }

    /// Begins an operation, once the limits let it.
    ///
    /// - Parameter beforeWaiting: Called if it has to wait; false is a reason not to begin.
    /// - Returns: When it began, for ``end(_:_:since:failed:)``; nil if it did not.
    package func begin(_ byteCount: UInt64, beforeWaiting: () -> Bool = { true }) -> UInt64? {
        let now = MonotonicClock.nanoseconds()
        let start = limiter.reserve(byteCount, at: now)
        if start == now { return now }
        return beforeWaiting() ? wait(from: now, until: start) : nil
    }

    /// Counts an operation that has ended.
    package func end(_ kind: OperationStatistics.Kind, _ byteCount: UInt64, since start: UInt64, failed: Bool) {
        let time = MonotonicClock.nanoseconds() &- start
        let first = Self.first(kind.index)
        count(first, 1)
        count(first + 1, byteCount)
        if failed { count(first + 2, 1) }
        count(first + 3, time)
        count(first + 4 + OperationStatistics.bucket(nanoseconds: time), 1)
    }

    /// Adds what was counted to `sums`.
    func add(to sums: inout [UInt64]) {
        for index in sums.indices { sums[index] &+= unsafe coffer_counted(numbers + index) }
    }

    private func wait(from now: UInt64, until moment: UInt64) -> UInt64 {
        let then = limiter.wait(until: moment)
        count(0, 1)
        count(1, then &- now)
        return then
    }

    private func count(_ index: Int, _ more: UInt64) { unsafe coffer_count(numbers + index, more) }

    deinit { unsafe numbers.deallocate() }
}

extension OperationStatistics.Kind {
    /// Its place in ``allCases``.
    fileprivate var index: Int {
        switch self {
        case .read: 0
        case .write: 1
        case .flush: 2
        case .clear: 3
        }
    }
}
