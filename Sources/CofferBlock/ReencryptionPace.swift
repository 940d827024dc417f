import Glibc

/// How fast a re-encryption goes, and whether it goes on.
@safe
final class ReencryptionPace: @unchecked Sendable {
    // SAFETY: everything mutable is touched only under `mutex`, which lives as long as this object.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var bytesPerSecond: UInt64
    private var isStopped = false
    /// The work since `start`, by which the limit is held.
    private var byteCount: UInt64 = 0
    private var start: Double

    /// Longer idleness than this, in seconds, does not allow more haste afterwards.
    private static let credit = 1.0

    init(bytesPerSecond: UInt64) {
        self.bytesPerSecond = bytesPerSecond
        start = Self.now()
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(changed, nil)
    }

    var mayGoOn: Bool { locked { !isStopped } }

    func stop() {
        locked {
            isStopped = true
            unsafe pthread_cond_broadcast(changed)
        }
    }

    func limit(to bytesPerSecond: UInt64) {
        locked {
            self.bytesPerSecond = bytesPerSecond
            (byteCount, start) = (0, Self.now())
            unsafe pthread_cond_broadcast(changed)
        }
    }

    /// Counts work that was done.
    ///
    /// - Returns: Whether more must wait.
    func count(_ done: Int) -> Bool {
        locked {
            byteCount += UInt64(done)
            let now = Self.now()
            if dueTime() < now - Self.credit { (byteCount, start) = (0, now) }
            return now < dueTime()
        }
    }

    /// Waits until more work may be done, or nothing more is to be done.
    func wait() {
        locked {
            while !isStopped {
                let seconds = dueTime() - Self.now()
                guard seconds > 0 else { return }
                var deadline = timespec()
                _ = unsafe clock_gettime(CLOCK_REALTIME, &deadline)
                let nanoseconds = deadline.tv_nsec + Int(min(seconds, 1) * 1e9)
                deadline.tv_sec += nanoseconds / 1_000_000_000
                deadline.tv_nsec = nanoseconds % 1_000_000_000
                unsafe pthread_cond_timedwait(changed, mutex, &deadline)
            }
        }
    }

    /// When the work that was done fits the limit.
    private func dueTime() -> Double {
        bytesPerSecond == 0 ? 0 : start + Double(byteCount) / Double(bytesPerSecond)
    }

    private static func now() -> Double {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private func locked<R>(_ body: () -> R) -> R {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return body()
    }

    deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe pthread_cond_destroy(changed)
        unsafe mutex.deallocate()
        unsafe changed.deallocate()
    }
}
