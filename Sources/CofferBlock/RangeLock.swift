import Glibc

/// Lets each channel of a disk hold one range of sectors, so that a sector is never read or changed while another channel
/// changes it: part of a sector is changed by reading and writing all of it, and half of a new ciphertext decrypts to noise.
///
/// Readers share; a writer is alone in its range. Ranges that do not meet do not wait. Neither call allocates.
@safe
final class RangeLock: @unchecked Sendable {
    // SAFETY: `held` is touched only under `mutex`, which lives as long as this object.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var held: [Held] = []
    private var waiterCount = 0
    private var lost: Range<UInt64>?

    private struct Held {
        var owner: Int
        var start: UInt64
        var end: UInt64
        var isShared: Bool
    }

    init(capacity: Int = 64) {
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(changed, nil)
        held.reserveCapacity(capacity)
    }

    /// Waits until no other channel holds any of `start..<end` in a way that excludes this one, then holds it.
    ///
    /// - Parameters:
    ///   - owner: The channel; it holds no other range.
    ///   - isShared: Whether other readers may hold it too.
    /// - Returns: false if part of it was given up by ``giveUp(_:)``; then nothing is held.
    @discardableResult
    func acquire(_ owner: Int, _ start: UInt64, _ end: UInt64, isShared: Bool) -> Bool {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while isExcluded(start, end, isShared) {
            waiterCount += 1
            unsafe pthread_cond_wait(changed, mutex)
            waiterCount -= 1
        }
        if let lost, start < lost.upperBound, lost.lowerBound < end { return false }
        held.append(Held(owner: owner, start: start, end: end, isShared: isShared))
        return true
    }

    /// Holds a range alone, ahead of all who come for it later, and waits until those before are done: large ranges would never be
    /// free otherwise. Only one user of a disk may claim.
    ///
    /// - Parameter other: Another owner that is the same user, whose range may meet this one.
    func claim(_ owner: Int, besides other: Int, _ start: UInt64, _ end: UInt64) {
        unsafe pthread_mutex_lock(mutex)
        held.append(Held(owner: owner, start: start, end: end, isShared: false))
        while held.contains(where: { $0.owner != owner && $0.owner != other && start < $0.end && $0.start < end }) {
            waiterCount += 1
            unsafe pthread_cond_wait(changed, mutex)
            waiterCount -= 1
        }
        unsafe pthread_mutex_unlock(mutex)
    }

    /// Whether a range was given up.
    var hasLost: Bool {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return lost != nil
    }

    /// Lets nobody hold any of a range any more.
    func giveUp(_ range: Range<UInt64>) {
        unsafe pthread_mutex_lock(mutex)
        lost = lost.map { min($0.lowerBound, range.lowerBound)..<max($0.upperBound, range.upperBound) } ?? range
        unsafe pthread_mutex_unlock(mutex)
    }

    /// Gives back what `owner` holds.
    func release(_ owner: Int) {
        unsafe pthread_mutex_lock(mutex)
        if let index = held.firstIndex(where: { $0.owner == owner }) {
            held.swapAt(index, held.count - 1)
            held.removeLast()
        }
        if waiterCount > 0 { unsafe pthread_cond_broadcast(changed) }
        unsafe pthread_mutex_unlock(mutex)
    }

    private func isExcluded(_ start: UInt64, _ end: UInt64, _ isShared: Bool) -> Bool {
        for other in held where start < other.end && other.start < end && !(isShared && other.isShared) { return true }
        return false
    }

    deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe pthread_cond_destroy(changed)
        unsafe mutex.deallocate()
        unsafe changed.deallocate()
    }
}
