import CofferPlatform
import GRDB

/// The tables of a Coffer database, and how an older one becomes a current one.
///
/// When you change a table: never edit a migration that was released. Add `Migrations/NNNN_topic.swift` here and in
/// CofferPostgres, append it to ``migrations`` in both, and describe it in docs/formats/store.md.
enum SQLiteSchema {
    /// In order; a database's version is the number of migrations it has seen.
    static let migrations = [records0001, changes0002, chains0003]

    /// `COFR`, which marks a SQLite file as Coffer's.
    static let applicationID = 0x434F_4652

    /// Brings the database up to date, in one transaction.
    ///
    /// - Throws: ``StoreError/unavailable(_:)`` if it belongs to another program or was written by a newer Coffer.
    static func migrate(_ db: Database, path: String) throws {
        let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        let application = try Int.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        let isEmpty = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") == 0
        guard application == applicationID || (isEmpty && application == 0 && version == 0) else {
            throw StoreError.unavailable("\(path) is a SQLite database of another program")
        }
        guard version <= migrations.count else {
            throw StoreError.unavailable(
                "\(path) was written by a newer Coffer (schema \(version), this one knows \(migrations.count)); use that one"
            )
        }
        guard version < migrations.count else { return }
        for migration in migrations[max(0, version)...] { try db.execute(sql: migration) }
        try db.execute(sql: "PRAGMA application_id = \(applicationID)")
        try db.execute(sql: "PRAGMA user_version = \(migrations.count)")
    }
}
