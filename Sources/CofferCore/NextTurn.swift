/// The next turn of the executor that runs the current task: behind everything that it is about to run, which may ask for the same.
/// Work that costs little more for many than for one is left to it.
package struct NextTurn: Sendable {
    private let executor: any TaskExecutor

    /// Nil where the current task has no executor of its own, and where there is no task.
    package static var current: NextTurn? {
        let executor = unsafe withUnsafeCurrentTask { unsafe $0?.unownedTaskExecutor?.asTaskExecutor() }
        return executor.map { NextTurn(executor: $0) }
    }

    /// Has `body` run in the next turn.
    package func run(_ body: @escaping @Sendable () -> Void) {
        Task(executorPreference: executor) { body() }
    }
}
