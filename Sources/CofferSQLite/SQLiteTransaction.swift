import CofferPlatform
import Foundation
import GRDB

/// One transaction on one connection. Ids are compared by `memcmp`, SQLite's BINARY collation.
struct SQLiteTransaction: WriteTransaction {
    let database: Database

    func document(_ id: String, in collection: String) throws -> Document? {
        guard StoreName.isID(id), StoreName.isCollection(collection) else { return nil }
        let statement = try database.cachedStatement(
            sql: "SELECT id, etag, body FROM documents WHERE collection = ? AND id = ?"
        )
        return try Row.fetchOne(statement, arguments: [collection, id]).map(Self.document)
    }

    func documents(in collection: String, prefix: String, after: String?, limit: Int) throws -> [Document] {
        guard limit > 0, StoreName.isCollection(collection), let range = StoreRange(prefix: prefix, after: after) else {
            return []
        }
        guard let upper = range.upper else {
            let statement = try database.cachedStatement(
                sql: "SELECT id, etag, body FROM documents WHERE collection = ? AND id >= ? ORDER BY id LIMIT ?"
            )
            return try Row.fetchAll(statement, arguments: [collection, range.lower, limit]).map(Self.document)
        }
        let statement = try database.cachedStatement(
            sql: "SELECT id, etag, body FROM documents WHERE collection = ? AND id >= ? AND id < ? ORDER BY id LIMIT ?"
        )
        return try Row.fetchAll(statement, arguments: [collection, range.lower, upper, limit]).map(Self.document)
    }

    func events(in stream: String, after: Int64, limit: Int) throws -> [Event] {
        guard limit > 0, StoreName.isCollection(stream) else { return [] }
        let statement = try database.cachedStatement(
            sql: "SELECT sequence, body FROM events WHERE stream = ? AND sequence > ? ORDER BY sequence LIMIT ?"
        )
        return try Row.fetchAll(statement, arguments: [stream, after, limit]).map { row in
            Event(sequence: row[0], body: Self.bytes(row, 1))
        }
    }

    // An ETag is random, not counted: a database that was restored from a backup must not hand out, for other content,
    // an ETag that a client still holds.

    func put(_ id: String, in collection: String, body: [UInt8], if condition: WriteCondition) throws -> String {
        guard StoreName.isID(id), StoreName.isCollection(collection) else { throw StoreError.badName }
        let etag: String?
        switch condition {
        case .any:
            let statement = try database.cachedStatement(
                sql: """
                    INSERT INTO documents (collection, id, etag, body) VALUES (?, ?, lower(hex(randomblob(16))), ?)
                    ON CONFLICT (collection, id) DO UPDATE SET etag = excluded.etag, body = excluded.body RETURNING etag
                    """
            )
            etag = try String.fetchOne(statement, arguments: [collection, id, Data(body)])
        case .absent:
            let statement = try database.cachedStatement(
                sql: """
                    INSERT INTO documents (collection, id, etag, body) VALUES (?, ?, lower(hex(randomblob(16))), ?)
                    ON CONFLICT (collection, id) DO NOTHING RETURNING etag
                    """
            )
            etag = try String.fetchOne(statement, arguments: [collection, id, Data(body)])
        case .etag(let expected):
            // Neither database holds a zero byte in a text, so no document has such an ETag.
            guard !expected.utf8.contains(0) else { throw StoreError.preconditionFailed }
            let statement = try database.cachedStatement(
                sql: """
                    UPDATE documents SET etag = lower(hex(randomblob(16))), body = ?
                    WHERE collection = ? AND id = ? AND etag = ? RETURNING etag
                    """
            )
            etag = try String.fetchOne(statement, arguments: [Data(body), collection, id, expected])
        }
        guard let etag else { throw StoreError.preconditionFailed }
        return etag
    }

    func remove(_ id: String, in collection: String, if condition: WriteCondition) throws -> Bool {
        let found = try document(id, in: collection)
        switch condition {
        case .any: break
        case .absent: guard found == nil else { throw StoreError.preconditionFailed }
        case .etag(let etag): guard found?.etag == etag else { throw StoreError.preconditionFailed }
        }
        guard found != nil else { return false }
        let statement = try database.cachedStatement(sql: "DELETE FROM documents WHERE collection = ? AND id = ?")
        try statement.execute(arguments: [collection, id])
        return true
    }

    func append(_ body: [UInt8], to stream: String) throws -> Int64 {
        guard StoreName.isCollection(stream) else { throw StoreError.badName }
        let counter = try database.cachedStatement(
            sql: """
                INSERT INTO streams (stream, last) VALUES (?, 1)
                ON CONFLICT (stream) DO UPDATE SET last = last + 1 RETURNING last
                """
        )
        guard let sequence = try Int64.fetchOne(counter, arguments: [stream]) else {
            throw StoreError.corrupt("streams/\(stream)")
        }
        try place(PlacedEvent(stream: stream, sequence: sequence, body: body))
        return sequence
    }

    /// - Throws: a `DatabaseError` of `SQLITE_CONSTRAINT` if the place is taken.
    func place(_ event: PlacedEvent) throws {
        guard StoreName.isCollection(event.stream) else { throw StoreError.badName }
        let insert = try database.cachedStatement(sql: "INSERT INTO events (stream, sequence, body) VALUES (?, ?, ?)")
        try insert.execute(arguments: [event.stream, event.sequence, Data(event.body)])
    }

    private static func document(_ row: Row) -> Document {
        Document(id: row[0], etag: row[1], body: bytes(row, 2))
    }

    private static func bytes(_ row: Row, _ column: Int) -> [UInt8] {
        let data: Data = row[column]
        return Array(data)
    }
}
