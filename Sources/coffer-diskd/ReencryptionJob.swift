import CofferBlock
import CofferModel
import Glibc
import Synchronization

/// The re-encryption of an open disk, on a thread of its own.
@safe
final class ReencryptionJob: @unchecked Sendable {
    // SAFETY: `phase` is touched only under `mutex`, which lives as long as this object.
    enum Phase: Equatable {
        case running
        case ended(Reencryption.End)
        case failed(DiskFailure)
    }

    let disk: DiskID
    let work: Reencryption
    private let path: String
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var phase = Phase.running

    init(_ disk: DiskID, _ work: Reencryption, path: String) {
        self.disk = disk
        self.work = work
        self.path = path
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(changed, nil)
    }

    var state: Phase { locked { phase } }

    /// Works until all is done or it is stopped.
    func run() {
        let end: Phase
        do throws(BlockError) { end = .ended(try work.run()) } catch { end = .failed(DiskFailure(error, path: path)) }
        set(end)
    }

    /// Says that what was to follow the work failed.
    func fail(_ failure: DiskFailure) { set(.failed(failure)) }

    /// Stops the work and waits until it touches neither disk nor journal any more.
    func end() {
        work.stop()
        locked {
            while phase == .running { unsafe pthread_cond_wait(changed, mutex) }
        }
    }

    private func set(_ phase: Phase) {
        locked {
            self.phase = phase
            unsafe pthread_cond_broadcast(changed)
        }
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

/// The re-encryptions of open disks: those at work, and those that failed and were not started again. Changed by who holds the disk's
/// unit.
final class ReencryptionRoster: Sendable {
    private let state = Mutex(State())

    private struct State {
        var jobs: [DiskID: ReencryptionJob] = [:]
        /// Disks that are open for their re-encryption alone, and reached by nobody else.
        var alone: Set<DiskID> = []
    }

    subscript(disk: DiskID) -> ReencryptionJob? { state.withLock { $0.jobs[disk] } }

    func isAlone(_ disk: DiskID) -> Bool { state.withLock { $0.alone.contains(disk) } }

    func setAlone(_ disk: DiskID, _ isAlone: Bool) {
        state.withLock { state in
            if isAlone { state.alone.insert(disk) } else { state.alone.remove(disk) }
        }
    }

    func add(_ job: ReencryptionJob) { state.withLock { $0.jobs[job.disk] = job } }

    /// Forgets the work on a disk, which has ended.
    func forget(_ disk: DiskID) { state.withLock { $0.jobs[disk] = nil } }

    /// Stops the work on a disk, waits until it has stopped, and forgets it. The disk is about to be closed or has no keys.
    func end(_ disk: DiskID) {
        let job = state.withLock { state in
            state.alone.remove(disk)
            return state.jobs.removeValue(forKey: disk)
        }
        job?.end()
    }
}
