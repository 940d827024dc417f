import CofferCore
import Synchronization

/// As many threads as connections, so that a job on one of the threads always finds a connection or may make one. So does whoever
/// takes one for a thread of its own, of which there are few.
final class PostgresPool: Sendable {
    private let url: String
    private let workers: WorkerPool
    private let idle = Mutex<[PostgresConnection]>([])

    init(url: String, connections: Int) {
        self.url = url
        workers = WorkerPool(name: "postgres", threads: connections)
    }

    /// Runs `body` on one of the threads.
    func run<R: Sendable>(_ body: @escaping @Sendable (PostgresPool) throws -> R) async throws -> R {
        try await workers.run { try body(self) }
    }

    /// An idle connection, or a new one. Those that the server has closed meanwhile are dropped.
    func take() throws(PostgresFailure) -> PostgresConnection {
        while let connection = idle.withLock({ $0.popLast() }) {
            if connection.isStillThere { return connection }
        }
        return try PostgresConnection(url)
    }

    /// Gives back a connection that is in no transaction. One that failed is closed instead.
    func give(_ connection: PostgresConnection) {
        guard connection.isAlive else { return }
        idle.withLock { $0.append(connection) }
    }
}
