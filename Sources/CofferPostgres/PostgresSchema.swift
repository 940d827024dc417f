import CofferPlatform

/// The tables of Coffer in a PostgreSQL database, all in the schema `coffer`, and how older ones become current.
///
/// When you change a table: never edit a migration that was released. Add `Migrations/NNNN_topic.swift` here and in
/// CofferSQLite, append it to ``migrations`` in both, and describe it in docs/formats/store.md.
enum PostgresSchema {
    /// In order; a database's version is the number of migrations it has seen.
    static let migrations = [records0001, changes0002, chains0003]

    /// Names the lock under which replicas that start together migrate one after the other: `coffer` in ASCII.
    private static let lock: Int64 = 0x636F_6666_6572

    /// Brings the tables up to date, in one transaction.
    ///
    /// - Throws: ``StoreError/unavailable(_:)`` if they were written by a newer Coffer or the encoding is not UTF-8.
    static func migrate(_ connection: PostgresConnection) throws {
        let encoding = try connection.text("SELECT current_setting('server_encoding')")
        guard encoding == "UTF8" else {
            throw StoreError.unavailable("the database has the encoding \(encoding ?? "?"); Coffer needs one made with ENCODING 'UTF8'")
        }
        // READ COMMITTED, so that what another replica made while this one waited for the lock is seen.
        try connection.run("BEGIN ISOLATION LEVEL READ COMMITTED")
        do {
            try connection.query("SELECT pg_advisory_xact_lock($1)", [.integer(lock)])
            if try connection.text("SELECT to_regclass('coffer.schema_version')::text") == nil {
                // Asked for first: IF NOT EXISTS would still need the right to make schemas.
                if try connection.text("SELECT to_regnamespace('coffer')::text") == nil {
                    try connection.run("CREATE SCHEMA coffer")
                }
                try connection.run(
                    """
                    CREATE TABLE coffer.schema_version (version integer NOT NULL);
                    INSERT INTO coffer.schema_version VALUES (0);
                    CREATE TABLE coffer.gate ();
                    """
                )
            }
            let version = Int(try connection.text("SELECT version::text FROM coffer.schema_version") ?? "") ?? 0
            guard version <= migrations.count else {
                throw StoreError.unavailable(
                    "the database was written by a newer Coffer (schema \(version), this one knows \(migrations.count)); use that one"
                )
            }
            if version < migrations.count {
                for migration in migrations[max(0, version)...] { try connection.run(migration) }
                try connection.query("UPDATE coffer.schema_version SET version = $1", [.integer(Int64(migrations.count))])
            }
            try connection.run("COMMIT")
        } catch {
            connection.rollBack()
            throw error
        }
    }
}
