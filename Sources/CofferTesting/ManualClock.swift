package import CofferCore
import Synchronization

/// A clock that stands still until a test moves it.
package final class ManualClock: WallClock {
    private let time: Mutex<Timestamp>

    /// - Parameter start: 2026-01-01T00:00:00Z if not given.
    package init(_ start: Timestamp = Timestamp(seconds: 1_767_225_600)) {
        time = Mutex(start)
    }

    package func now() -> Timestamp {
        time.withLock { $0 }
    }

    package func advance(by duration: Duration) {
        time.withLock { $0 = $0.adding(duration) }
    }

    package func set(to time: Timestamp) {
        self.time.withLock { $0 = time }
    }
}
