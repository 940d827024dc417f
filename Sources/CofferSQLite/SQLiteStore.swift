import CofferCore
package import CofferPlatform
import Foundation
import GRDB

/// A store in one SQLite file: write-ahead log, and every commit synced before it is acknowledged.
///
/// Reads run on snapshots, several at once; writes one after the other. Both run on threads of the store's own, and are
/// not given up when the task that asked is cancelled.
package final class SQLiteStore: Store {
    private let path: String
    private let pool: DatabasePool
    private let readers: WorkerPool
    private let writer: SQLiteWriter

    /// Opens the database, makes it if there is none (mode 0600), and brings its tables up to date.
    ///
    /// - Parameters:
    ///   - path: The file; SQLite keeps `-wal` and `-shm` beside it. Its directory must exist.
    ///   - readers: How many reads run at once.
    ///   - busyTimeout: How long to wait for another process that writes.
    /// - Throws: ``StoreError/unavailable(_:)`` if it cannot be opened, is not Coffer's or was written by a newer Coffer.
    package init(path: String, readers: Int = 4, busyTimeout: Duration = .seconds(5)) throws {
        try Self.makeFile(path)
        do {
            var configuration = Configuration()
            configuration.label = "coffer"
            configuration.maximumReaderCount = max(1, readers)
            configuration.busyMode = .timeout(TimeInterval(busyTimeout.components.seconds))
            configuration.foreignKeysEnabled = false
            let pool = try DatabasePool(path: path, configuration: configuration)
            // GRDB has set this to NORMAL, under which a power cut may take back the last commits.
            try pool.writeWithoutTransaction { database in
                try database.execute(sql: "PRAGMA synchronous = FULL")
                try database.inTransaction(.immediate) {
                    try SQLiteSchema.migrate(database, path: path)
                    return .commit
                }
            }
            self.path = path
            self.pool = pool
            self.readers = WorkerPool(name: "store-reader", threads: max(1, readers))
            writer = SQLiteWriter(pool)
        } catch let error as DatabaseError {
            throw error.asStoreError(path)
        }
    }

    package func read<R: Sendable>(_ body: @escaping @Sendable (any ReadTransaction) throws -> R) async throws -> R {
        do {
            return try await readers.run { [pool] in try pool.read { try body(SQLiteTransaction(database: $0)) } }
        } catch let error as DatabaseError {
            throw error.asStoreError(path)
        }
    }

    @discardableResult
    package func write<R: Sendable>(_ body: @escaping @Sendable (any WriteTransaction) throws -> R) async throws -> R {
        do {
            return try await writer.write(body)
        } catch let error as DatabaseError {
            throw error.asStoreError(path)
        }
    }

    @discardableResult
    package func writeHere<R: Sendable>(_ body: @escaping @Sendable (any WriteTransaction) throws -> R) throws -> R {
        try translated { try writer.writeHere(body) }
    }

    package func appendHere(_ events: [PlacedEvent]) throws {
        try translated {
            do {
                try writer.append(events)
            } catch let error as DatabaseError where error.resultCode == .SQLITE_CONSTRAINT {
                throw StoreError.preconditionFailed
            }
        }
    }

    package func eventsHere(in stream: String, after: Int64, limit: Int) throws -> [Event] {
        try translated { try pool.read { try SQLiteTransaction(database: $0).events(in: stream, after: after, limit: limit) } }
    }

    private func translated<R>(_ body: () throws -> R) throws -> R {
        do {
            return try body()
        } catch let error as DatabaseError {
            throw error.asStoreError(path)
        }
    }

    /// What SQLite says of its settings, for tests: the journal mode and the number of `synchronous` (2 is FULL).
    package func durability() async throws -> (journal: String, synchronous: Int) {
        try await readers.run { [pool] in
            try pool.writeWithoutTransaction { database in
                (
                    try String.fetchOne(database, sql: "PRAGMA journal_mode") ?? "",
                    try Int.fetchOne(database, sql: "PRAGMA synchronous") ?? 0
                )
            }
        }
    }

    /// SQLite gives the files beside the database the database's mode.
    private static func makeFile(_ path: String) throws {
        let file = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else {
            throw StoreError.unavailable("the database \(path) cannot be opened: \(unsafe String(cString: strerror(errno)))")
        }
        close(file)
    }
}

extension DatabaseError {
    /// The failure in words for the log. SQL and arguments stay out of it.
    fileprivate func asStoreError(_ path: String) -> StoreError {
        let reason =
            switch resultCode {
            case .SQLITE_BUSY, .SQLITE_LOCKED: "another process keeps it locked"
            case .SQLITE_NOTADB: "it is not a SQLite database"
            case .SQLITE_CORRUPT: "it is damaged; restore it from a backup"
            case .SQLITE_FULL: "the file system is full"
            case .SQLITE_READONLY, .SQLITE_PERM: "it may not be written"
            case .SQLITE_CANTOPEN: "it cannot be opened"
            default: "\(message ?? "unknown error")"
            }
        return .unavailable("the database \(path): \(reason) (SQLite \(extendedResultCode.rawValue))")
    }
}
