package import CofferPlatform
import Glibc

/// A store in a PostgreSQL database, which any number of Coffer processes may share. Needs PostgreSQL 13 or newer.
///
/// Writes are serializable; what two of them do to the same rows at once is tried again for the one that lost. Reads see
/// one snapshot of what is committed.
package final class PostgresStore: Store {
    let url: String
    private let pool: PostgresPool

    /// How often a write is tried. From ``firstExclusive`` on it keeps other writers out, so that it cannot lose again.
    private static let attempts = 8
    private static let firstExclusive = 2

    /// Connects and brings the tables up to date.
    ///
    /// - Parameters:
    ///   - url: A `postgres://` URL or connection string as libpq takes it. A password belongs in libpq's password file.
    ///   - connections: How many transactions run at once; each has a thread.
    /// - Throws: ``StoreError/unavailable(_:)`` if the server cannot be reached or the database was written by a newer Coffer.
    package init(url: String, connections: Int = 8) async throws {
        let pool = PostgresPool(url: url, connections: max(1, connections))
        self.url = url
        self.pool = pool
        try await pool.run { pool in
            try Self.translated {
                let connection = try pool.take()
                try PostgresSchema.migrate(connection)
                pool.give(connection)
            }
        }
    }

    package func read<R: Sendable>(_ body: @escaping @Sendable (any ReadTransaction) throws -> R) async throws -> R {
        try await pool.run { pool in
            try Self.translated { try Self.read(pool, body) }
        }
    }

    @discardableResult
    package func write<R: Sendable>(_ body: @escaping @Sendable (any WriteTransaction) throws -> R) async throws -> R {
        try await pool.run { pool in
            try Self.translated { try Self.write(pool, body) }
        }
    }

    @discardableResult
    package func writeHere<R: Sendable>(_ body: @escaping @Sendable (any WriteTransaction) throws -> R) throws -> R {
        try Self.translated { try Self.write(pool, body) }
    }

    package func appendHere(_ events: [PlacedEvent]) throws {
        guard !events.isEmpty else { return }
        guard events.allSatisfy({ StoreName.isCollection($0.stream) }) else { throw StoreError.badName }
        try Self.translated { try Self.append(pool, events) }
    }

    package func eventsHere(in stream: String, after: Int64, limit: Int) throws -> [Event] {
        try Self.translated {
            try Self.twiceAtMost(pool) { try PostgresTransaction($0).events(in: stream, after: after, limit: limit) }
        }
    }

    /// One statement, which is a transaction by itself. If the connection is lost over it the same is tried again: it finds its own
    /// events where they are, if they were kept.
    private static func append(_ pool: PostgresPool, _ events: [PlacedEvent]) throws {
        var last: PostgresFailure?
        for _ in 0..<attempts {
            let connection = try pool.take()
            defer { pool.give(connection) }
            do throws(PostgresFailure) {
                return try connection.append(events)
            } catch {
                if error.isTaken {
                    if last != nil, try connection.holds(events) { return }
                    throw StoreError.preconditionFailed
                }
                guard error.isConflict || !connection.isAlive else { throw error }
                last = error
            }
        }
        throw last ?? PostgresFailure.disconnected("\(attempts) times")
    }

    private static func read<R>(_ pool: PostgresPool, _ body: (any ReadTransaction) throws -> R) throws -> R {
        try twiceAtMost(pool) { connection in
            do {
                try connection.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                let result = try complete(connection, body)
                try connection.run("COMMIT")
                return result
            } catch {
                if connection.isAlive { connection.rollBack() }
                throw error
            }
        }
    }

    /// Runs `body`, which changes nothing, and again on another connection if the first is lost over it.
    private static func twiceAtMost<R>(_ pool: PostgresPool, _ body: (PostgresConnection) throws -> R) throws -> R {
        var lost: PostgresFailure?
        for _ in 0..<2 {
            let connection = try pool.take()
            defer { pool.give(connection) }
            do {
                return try body(connection)
            } catch let failure as PostgresFailure where !connection.isAlive {
                lost = failure
            }
        }
        throw lost ?? PostgresFailure.disconnected("twice")
    }

    private static func write<R>(_ pool: PostgresPool, _ body: (any WriteTransaction) throws -> R) throws -> R {
        var last: PostgresFailure?
        for attempt in 0..<attempts {
            let connection = try pool.take()
            defer { pool.give(connection) }
            do {
                let number = try begin(connection, isExclusive: attempt >= firstExclusive)
                let result = try complete(connection, body)
                if try commit(connection, number, pool) { return result }
            } catch let failure as PostgresFailure where failure.isConflict || !connection.isAlive {
                last = failure
                connection.rollBack()
            } catch {
                connection.rollBack()
                throw error
            }
        }
        throw StoreError.unavailable("a transaction failed \(attempts) times: \(last?.text ?? "its commit was lost")")
    }

    /// Begins a serializable transaction and tells its number.
    ///
    /// LOCK TABLE before the first query takes no snapshot yet, so a transaction that waited here sees what it waited for.
    private static func begin(_ connection: PostgresConnection, isExclusive: Bool) throws(PostgresFailure) -> String {
        try connection.run(
            """
            BEGIN ISOLATION LEVEL SERIALIZABLE;
            LOCK TABLE coffer.gate IN \(isExclusive ? "EXCLUSIVE" : "ROW EXCLUSIVE") MODE;
            SELECT pg_current_xact_id()::text
            """
        ).text(0, 0)
    }

    /// Runs `body`. A failure of the server wins over whatever the body made of it.
    private static func complete<R>(_ connection: PostgresConnection, _ body: (PostgresTransaction) throws -> R) throws -> R {
        let transaction = PostgresTransaction(connection)
        do {
            let result = try body(transaction)
            if let failure = transaction.failure { throw failure }
            return result
        } catch {
            throw transaction.failure ?? error
        }
    }

    /// Commits. If the connection is lost over it, the server is asked what became of the transaction.
    ///
    /// - Returns: false if nothing was kept and it may be run again.
    private static func commit(_ connection: PostgresConnection, _ number: String, _ pool: PostgresPool) throws -> Bool {
        do {
            // COMMIT of a transaction that has failed answers ROLLBACK, and no error.
            return try connection.run("COMMIT").command == "COMMIT"
        } catch PostgresFailure.disconnected {
            return try wasCommitted(number, pool)
        }
    }

    private static func wasCommitted(_ number: String, _ pool: PostgresPool) throws -> Bool {
        for _ in 0..<50 {
            if let connection = try? pool.take() {
                defer { pool.give(connection) }
                let rows = try? connection.query("SELECT pg_xact_status($1::text::xid8)", [.text(number)])
                switch rows?.text(0, 0) {
                case "committed": return true
                case "aborted": return false
                default: break
                }
            }
            usleep(200_000)
        }
        throw StoreError.unavailable("the connection to PostgreSQL was lost during a commit, and whether it was kept is not known")
    }

    private static func translated<R>(_ body: () throws -> R) throws -> R {
        do {
            return try body()
        } catch let failure as PostgresFailure {
            throw StoreError.unavailable(failure.text)
        }
    }
}

extension PostgresConnection {
    /// In order of their places: replicas that append to the same streams must not wait for each other.
    fileprivate func append(_ events: [PlacedEvent]) throws(PostgresFailure) {
        let events = events.sorted { ($0.stream, $0.sequence) < ($1.stream, $1.sequence) }
        let rows = events.indices.map { "($\(3 * $0 + 1), $\(3 * $0 + 2), $\(3 * $0 + 3))" }.joined(separator: ", ")
        try query(
            "INSERT INTO coffer.events (stream, sequence, body) VALUES \(rows)",
            events.flatMap { [.text($0.stream), .integer($0.sequence), .bytes($0.body)] })
    }

    /// Whether these very events are where they belong.
    fileprivate func holds(_ events: [PlacedEvent]) throws(PostgresFailure) -> Bool {
        for event in events {
            let rows = try query(
                "SELECT body FROM coffer.events WHERE stream = $1 AND sequence = $2", [.text(event.stream), .integer(event.sequence)])
            guard rows.rowCount == 1, rows.bytes(0, 0) == event.body else { return false }
        }
        return true
    }
}
