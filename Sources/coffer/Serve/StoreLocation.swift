import CofferClient
import CofferPlatform
import CofferPostgres
import CofferSQLite

/// What `--store` says.
enum StoreLocation {
    /// - Throws: ``StartFailure`` if it is neither `sqlite` nor the URL of a PostgreSQL database.
    static func open(_ location: String, in directory: DataDirectory) async throws -> any Store {
        if location == "sqlite" { return try SQLiteStore(path: directory.databasePath) }
        guard location.hasPrefix("postgres://") || location.hasPrefix("postgresql://") else {
            throw StartFailure.configuration("--store is 'sqlite' or a postgres:// URL, not '\(location.prefix(20))'")
        }
        return try await PostgresStore(url: location)
    }
}
