import Glibc
import Synchronization

/// Tells the time. Everything that asks for it takes a clock, so that tests and `--test-clock` can move it.
package protocol WallClock: Sendable {
    func now() -> Timestamp
}

/// The machine's clock.
package struct SystemClock: WallClock {
    package init() {}

    package func now() -> Timestamp {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }
}

/// A clock that runs as another one does, ahead by an offset that can be moved forward.
package final class AdjustableClock: WallClock {
    private let base: any WallClock
    private let offset = Mutex<Duration>(.zero)

    package init(over base: any WallClock) {
        self.base = base
    }

    package func now() -> Timestamp {
        base.now().adding(offset.withLock { $0 })
    }

    /// Moves this clock forward by `duration`; a negative duration is ignored, for time does not run backwards.
    package func advance(by duration: Duration) {
        offset.withLock { $0 += max(.zero, duration) }
    }
}
