import NIOCore
import Synchronization

/// Runs tasks on an event loop, so that reading a request, answering it and writing the answer need no change of thread. What takes
/// long must leave it: private-key operations and the store have threads of their own.
///
/// Tasks that go on at the same time, as all that waited for one commit do, are one task of the loop's.
final class LoopExecutor: TaskExecutor {
    private let loop: any EventLoop
    private let waiting = Mutex<[UnownedJob]>([])

    init(_ loop: any EventLoop) {
        self.loop = loop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let isFirst = waiting.withLock { waiting in
            waiting.append(job)
            return waiting.count == 1
        }
        if isFirst { loop.execute { self.runWaiting() } }
    }

    private func runWaiting() {
        let jobs = waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        for job in jobs { unsafe job.runSynchronously(on: unsafe asUnownedTaskExecutor()) }
    }
}

/// The executors of the loops that have connections.
final class LoopExecutors: Sendable {
    private let executors = Mutex<[ObjectIdentifier: LoopExecutor]>([:])

    func executor(of loop: any EventLoop) -> LoopExecutor {
        executors.withLock { executors in
            if let known = executors[ObjectIdentifier(loop)] { return known }
            let new = LoopExecutor(loop)
            executors[ObjectIdentifier(loop)] = new
            return new
        }
    }
}
