import Glibc
import Synchronization

/// A fixed number of threads for work that occupies a processor or blocks, so that it cannot stall the tasks of the
/// Swift runtime. Work waits in order of arrival.
package final class WorkerPool: Sendable {
    private let state: PoolState

    /// - Parameters:
    ///   - name: Names the threads, at most 15 characters.
    ///   - threads: How many, at least 1.
    package init(name: String, threads: Int) {
        let state = PoolState()
        self.state = state
        for _ in 0..<max(1, threads) {
            PosixThread.start(name: name) { state.work() }
        }
    }

    /// Runs `body` on one of the threads and returns what it returns.
    package func run<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
        try await withCheckedThrowingContinuation { continuation in
            start { continuation.resume(with: Result(catching: body)) }
        }
    }

    /// Has `body` run on one of the threads.
    package func start(_ body: @escaping @Sendable () -> Void) {
        state.add(body)
    }

    deinit {
        state.stop()
    }
}

/// The queue that a pool's threads share. Held by them, so that the pool itself can go.
@safe
private final class PoolState: @unchecked Sendable {
    // SAFETY: `jobs` and `isStopped` are touched only under `mutex`, which lives as long as this object.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var jobs: [@Sendable () -> Void] = []
    private var next = 0
    private var isStopped = false

    init() {
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(condition, nil)
    }

    func add(_ job: @escaping @Sendable () -> Void) {
        unsafe pthread_mutex_lock(mutex)
        jobs.append(job)
        unsafe pthread_cond_signal(condition)
        unsafe pthread_mutex_unlock(mutex)
    }

    func stop() {
        unsafe pthread_mutex_lock(mutex)
        isStopped = true
        unsafe pthread_cond_broadcast(condition)
        unsafe pthread_mutex_unlock(mutex)
    }

    func work() {
        while let job = take() { job() }
    }

    private func take() -> (@Sendable () -> Void)? {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while next == jobs.count {
            if isStopped { return nil }
            unsafe pthread_cond_wait(condition, mutex)
        }
        let job = jobs[next]
        next += 1
        if next == jobs.count {
            jobs.removeAll(keepingCapacity: true)
            next = 0
        }
        return job
    }

    deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe pthread_cond_destroy(condition)
        unsafe mutex.deallocate()
        unsafe condition.deallocate()
    }
}
