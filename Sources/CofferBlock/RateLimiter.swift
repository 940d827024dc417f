package import CofferModel
import Glibc
import Synchronization

/// Holds a disk's clients to so many operations and bytes a second, by making them wait (the generic cell rate algorithm: for each of the
/// two a moment from which the next operation may begin, which every operation puts off by its own share).
///
/// No lock: where there is no limit, an operation reads one number.
package final class RateLimiter: Sendable {
    /// What was not used may be caught up with, for so long.
    private static let burst: UInt64 = 100_000_000
    /// The longest wait without a look whether the limits still hold.
    private static let slice: UInt64 = 20_000_000

    private let isLimited = Atomic<Bool>(false)
    /// The share of an operation, and of a thousand bytes, in nanoseconds; 0 is none. At least a thousand bytes a second, so that no share
    /// of a command's length, of 32 bits, is more than 64 bits hold.
    private let operationShare = Atomic<UInt64>(0)
    private let kilobyteShare = Atomic<UInt64>(0)
    private let nextOperation = Atomic<UInt64>(0)
    private let nextBytes = Atomic<UInt64>(0)
    private let current: Mutex<DiskLimits> = Mutex(.none)

    package var limits: DiskLimits { current.withLock { $0 } }

    /// Holds to other limits from now on. Whoever waits goes on when there are none.
    package func set(_ limits: DiskLimits) {
        current.withLock { current in
            current = limits
            let second: UInt64 = 1_000_000_000
            operationShare.store(limits.operationsPerSecond.map { Self.share(second, of: $0) } ?? 0, ordering: .relaxed)
            kilobyteShare.store(limits.bytesPerSecond.map { Self.share(1000 * second, of: max(1000, $0)) } ?? 0, ordering: .relaxed)
            isLimited.store(limits != .none, ordering: .relaxed)
        }
    }

    /// When an operation that is asked for at `now` may begin, in nanoseconds of the monotonic clock; `now` if at once.
    func reserve(_ byteCount: UInt64, at now: UInt64) -> UInt64 {
        guard isLimited.load(ordering: .relaxed) else { return now }
        let byOperations = Self.reserve(nextOperation, operationShare.load(ordering: .relaxed), now)
        let byBytes = Self.reserve(nextBytes, kilobyteShare.load(ordering: .relaxed) &* byteCount / 1000, now)
        return max(now, byOperations, byBytes)
    }

    /// Waits until `moment`, or until there are no limits.
    ///
    /// - Returns: The moment that it is then.
    func wait(until moment: UInt64) -> UInt64 {
        while true {
            let now = MonotonicClock.nanoseconds()
            guard now < moment, isLimited.load(ordering: .relaxed) else { return now }
            let pause = min(moment - now, Self.slice)
            var time = timespec(tv_sec: 0, tv_nsec: Int(pause))
            unsafe nanosleep(&time, nil)
        }
    }

    /// Rounded up, so that no more is done than a limit says.
    private static func share(_ time: UInt64, of count: UInt64) -> UInt64 {
        let (quotient, rest) = time.quotientAndRemainder(dividingBy: max(1, count))
        return quotient + (rest == 0 ? 0 : 1)
    }

    private static func reserve(_ next: borrowing Atomic<UInt64>, _ share: UInt64, _ now: UInt64) -> UInt64 {
        guard share > 0 else { return now }
        var old = next.load(ordering: .relaxed)
        while true {
            let start = max(old, now &- min(now, burst))
            let (exchanged, found) = next.compareExchange(expected: old, desired: start &+ share, ordering: .relaxed)
            if exchanged { return start }
            old = found
        }
    }
}

/// Time that never goes back.
package enum MonotonicClock {
    package static func nanoseconds() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
}
