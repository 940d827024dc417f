import CofferBlock
import CofferCore
import CofferDiskFormat
import CofferModel
import Glibc
import Synchronization

/// A disk that is being made of another's data, on a thread of its own.
@safe
final class CopyJob: @unchecked Sendable {
    // SAFETY: `phase` and `header` are touched only under `mutex`, which lives as long as this object.
    enum Phase: Equatable {
        case copying
        /// The disk is in the store.
        case finished
        case failed(DiskFailure)
    }

    let source: DiskID
    let copy: any DiskCopying
    /// The layers that the command named, before any re-wrap.
    let layers: [DiskLayer]
    private let store: any DiskStore
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let ended = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var phase = Phase.copying
    private var header: DiskHeader

    init(of source: DiskID, to header: DiskHeader, copy: any DiskCopying, store: any DiskStore) {
        self.source = source
        self.header = header
        self.copy = copy
        self.store = store
        layers = header.layers.map(\.layer)
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(ended, nil)
    }

    /// Where the job stands, and the header that the disk has or will have.
    var state: (phase: Phase, header: DiskHeader) { locked { (phase, header) } }

    /// Copies and puts the disk into the store; on failure nothing is left.
    func run() {
        do {
            try copyAll()
        } catch {
            store.abandon(state.header.disk)
            end(.failed(error))
        }
    }

    /// Replaces the header that the disk is to have.
    ///
    /// - Returns: The new header, or nil if the disk has its header already or never will.
    func change(_ body: (DiskHeader) throws(DiskFailure) -> DiskHeader) throws(DiskFailure) -> DiskHeader? {
        try locked { () throws(DiskFailure) in
            guard phase == .copying else { return nil }
            header = try body(header)
            return header
        }
    }

    /// Waits until the job has ended, at most for `seconds`.
    func wait(seconds: Int = .max) {
        var deadline = timespec()
        _ = unsafe clock_gettime(CLOCK_REALTIME, &deadline)
        deadline.tv_sec = seconds == .max ? .max : deadline.tv_sec + seconds
        locked {
            while phase == .copying, unsafe pthread_cond_timedwait(ended, mutex, &deadline) != ETIMEDOUT {}
        }
    }

    private func copyAll() throws(DiskFailure) {
        do throws(BlockError) {
            try copy.run()
        } catch {
            let path = store.dataPlace(of: source)
            throw error == .closed ? DiskFailure(.busy, "the copy was ended before it was complete") : DiskFailure(error, path: path)
        }
        let header = state.header
        // Under the lock, so that a re-wrap changes either what is written here or what is stored.
        try locked { () throws(DiskFailure) in
            do throws(DiskFormatError) { try store.finish(self.header) } catch { throw DiskFailure(error, path: store.headerPlace(of: header.disk)) }
            phase = .finished
            unsafe pthread_cond_broadcast(ended)
        }
    }

    private func end(_ phase: Phase) {
        locked {
            self.phase = phase
            unsafe pthread_cond_broadcast(ended)
        }
    }

    private func locked<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return try body()
    }

    deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe pthread_cond_destroy(ended)
        unsafe mutex.deallocate()
        unsafe ended.deallocate()
    }
}

/// The copies in progress, and those that failed and were not deleted since, by the disk that they make.
final class CopyRoster: Sendable {
    private let jobs = Mutex<[DiskID: CopyJob]>([:])

    var all: [DiskID: CopyJob] { jobs.withLock { $0 } }

    var isBusy: Bool { all.values.contains { $0.state.phase == .copying } }

    /// The job that makes `disk`, unless the disk is stored.
    subscript(disk: DiskID) -> CopyJob? {
        jobs.withLock { jobs in
            if let job = jobs[disk], job.state.phase == .finished { jobs[disk] = nil }
            return jobs[disk]
        }
    }

    func add(_ job: CopyJob, for disk: DiskID) { jobs.withLock { $0[disk] = job } }

    func remove(_ disk: DiskID) { jobs.withLock { $0[disk] = nil } }

    /// Has a disk that was just opened wait with writes as the copies of it need.
    func hold(_ disk: EncryptedDisk, as source: DiskID) {
        for job in all.values where job.source == source { job.copy.hold(disk) }
    }

    /// Whether a disk is being copied.
    func isCopying(_ source: DiskID) -> Bool { all.values.contains { $0.source == source && $0.state.phase == .copying } }

    /// Ends the copies of a disk.
    func cancel(of source: DiskID) {
        for job in all.values where job.source == source { job.copy.cancel() }
    }

    /// Ends all copies and waits for their ends.
    func cancelAll() {
        for job in all.values { job.copy.cancel() }
        for job in all.values { job.wait() }
    }
}
