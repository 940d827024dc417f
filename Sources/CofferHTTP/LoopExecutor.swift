import NIOCore

/// Runs tasks on the event loop of a connection, so that reading a request, answering it and writing the answer need no
/// change of thread. What takes long must leave it: private-key operations and the store have threads of their own.
final class LoopExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) {
        self.loop = loop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { [self] in unsafe job.runSynchronously(on: unsafe asUnownedTaskExecutor()) }
    }
}
