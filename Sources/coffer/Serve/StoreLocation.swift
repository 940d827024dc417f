import CofferCache
import CofferClient
import CofferPlatform
import CofferPostgres
import CofferSQLite

/// What `--store` says.
enum StoreLocation {
    case sqlite
    case postgres(url: String)

    /// - Throws: ``StartFailure`` if it is neither `sqlite` nor the URL of a PostgreSQL database.
    init(_ text: String) throws {
        if text == "sqlite" {
            self = .sqlite
        } else if text.hasPrefix("postgres://") || text.hasPrefix("postgresql://") {
            self = .postgres(url: text)
        } else {
            throw StartFailure.configuration("--store is 'sqlite' or a postgres:// URL, not '\(text.prefix(20))'")
        }
    }

    /// The store, for a process that may not be the only one.
    func open(in directory: DataDirectory) async throws -> any Store {
        switch self {
        case .sqlite: try SQLiteStore(path: directory.databasePath)
        case .postgres(let url): try await PostgresStore(url: url)
        }
    }

    /// The store with a cache over it, for the process that holds the data directory's lock: a SQLite file is its alone, while
    /// replicas over PostgreSQL hear of each other's changes.
    func openCached(in directory: DataDirectory) async throws -> any Store {
        switch self {
        case .sqlite:
            return CachedStore(try SQLiteStore(path: directory.databasePath), feed: nil)
        case .postgres(let url):
            let store = try await PostgresStore(url: url)
            return CachedStore(store, feed: store.changeFeed())
        }
    }
}
