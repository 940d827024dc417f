import CofferCore
import CofferPlatform
import GRDB
import Synchronization

/// Runs transactions one after the other, on a thread of its own or on the caller's. Those that wait for its own while one is being
/// committed are then run together, each in a savepoint of its own, and made durable by one commit: waiting for the disk is what
/// a write costs.
final class SQLiteWriter: Sendable {
    private let pool: DatabasePool
    private let thread = WorkerPool(name: "store-writer", threads: 1)
    private let waiting = Mutex<[any WriteJob]>([])

    init(_ pool: DatabasePool) {
        self.pool = pool
    }

    /// Runs `body` and returns once its changes are durable.
    func write<R: Sendable>(_ body: @escaping @Sendable (any WriteTransaction) throws -> R) async throws -> R {
        let job = Job(body: body)
        waiting.withLock { $0.append(job) }
        try await thread.run { self.commitWaiting() }
        // The job was in this batch or, if another call's batch took it, in an earlier one on the same thread.
        return try job.outcome()
    }

    /// The same on this thread, with a commit of its own.
    func writeHere<R: Sendable>(_ body: @escaping @Sendable (any WriteTransaction) throws -> R) throws -> R {
        let job = Job(body: body)
        commit([job])
        return try job.outcome()
    }

    /// Appends events at their places, all or none, on this thread. One alone is a transaction by itself.
    func append(_ events: [PlacedEvent]) throws {
        try pool.writeWithoutTransaction { database in
            if let event = events.first, events.count == 1 {
                try SQLiteTransaction(database: database).place(event)
            } else {
                try database.inTransaction(.immediate) {
                    for event in events { try SQLiteTransaction(database: database).place(event) }
                    return .commit
                }
            }
        }
    }

    private func commitWaiting() {
        let jobs = waiting.withLock { jobs in
            defer { jobs = [] }
            return jobs
        }
        if !jobs.isEmpty { commit(jobs) }
    }

    /// Commits what `jobs` do, together or, if that fails, one by one: the one that finds the disk full fails alone.
    private func commit(_ jobs: [any WriteJob]) {
        do {
            try pool.writeWithoutTransaction { database in
                try database.inTransaction(.immediate) {
                    if jobs.count == 1 {
                        try jobs[0].runAlone(in: database)
                    } else {
                        for job in jobs { try job.run(in: database) }
                    }
                    return .commit
                }
            }
        } catch {
            if jobs.count > 1 {
                for job in jobs { commit([job]) }
            } else {
                for job in jobs { job.fail(error) }
            }
        }
    }
}

private protocol WriteJob: Sendable {
    /// Runs in a savepoint. An error of the job itself is kept as its outcome.
    /// - Throws: what ends the whole transaction.
    func run(in database: Database) throws
    /// Runs as all there is in the transaction.
    /// - Throws: what ends it, an error of the job itself included.
    func runAlone(in database: Database) throws
    /// Nothing of this transaction was kept.
    func fail(_ error: any Error)
}

private final class Job<R: Sendable>: WriteJob {
    private let body: @Sendable (any WriteTransaction) throws -> R
    private let result = Mutex<Result<R, any Error>?>(nil)

    init(body: @escaping @Sendable (any WriteTransaction) throws -> R) {
        self.body = body
    }

    func run(in database: Database) throws {
        do {
            var value: R?
            try database.inSavepoint {
                value = try body(SQLiteTransaction(database: database))
                return .commit
            }
            result.withLock { [value] in $0 = value.map { .success($0) } }
        } catch {
            result.withLock { $0 = .failure(error) }
            // After a full disk or a failed read SQLite takes back the whole transaction, other jobs' work included.
            if !database.isInsideTransaction { throw error }
        }
    }

    func runAlone(in database: Database) throws {
        let value = try body(SQLiteTransaction(database: database))
        result.withLock { $0 = .success(value) }
    }

    func fail(_ error: any Error) {
        result.withLock { $0 = .failure(error) }
    }

    func outcome() throws -> R {
        guard let result = result.withLock({ $0 }) else { throw StoreError.unavailable("the transaction was not run") }
        return try result.get()
    }
}
