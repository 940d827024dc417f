import CofferPlatform

/// One transaction on one connection. After a first failure of the server it is over: the failure is kept, so that a body
/// that passes over it cannot make a half transaction look whole.
final class PostgresTransaction: WriteTransaction {
    private let connection: PostgresConnection
    /// What ended the transaction before its body did.
    private(set) var failure: PostgresFailure?

    init(_ connection: PostgresConnection) {
        self.connection = connection
    }

    func document(_ id: String, in collection: String) throws -> Document? {
        guard StoreName.isID(id), StoreName.isCollection(collection) else { return nil }
        let rows = try query(
            "SELECT id, etag, body FROM coffer.documents WHERE collection = $1 AND id = $2", [.text(collection), .text(id)]
        )
        return rows.rowCount > 0 ? Self.document(rows, 0) : nil
    }

    func documents(in collection: String, prefix: String, after: String?, limit: Int) throws -> [Document] {
        guard limit > 0, StoreName.isCollection(collection), let range = StoreRange(prefix: prefix, after: after) else {
            return []
        }
        let rows =
            if let upper = range.upper {
                try query(
                    """
                    SELECT id, etag, body FROM coffer.documents WHERE collection = $1 AND id >= $2 AND id < $4
                    ORDER BY id LIMIT $3
                    """, [.text(collection), .text(range.lower), .integer(Int64(limit)), .text(upper)]
                )
            } else {
                try query(
                    "SELECT id, etag, body FROM coffer.documents WHERE collection = $1 AND id >= $2 ORDER BY id LIMIT $3",
                    [.text(collection), .text(range.lower), .integer(Int64(limit))]
                )
            }
        return (0..<rows.rowCount).map { Self.document(rows, $0) }
    }

    func events(in stream: String, after: Int64, limit: Int) throws -> [Event] {
        guard limit > 0, StoreName.isCollection(stream) else { return [] }
        let rows = try query(
            "SELECT sequence, body FROM coffer.events WHERE stream = $1 AND sequence > $2 ORDER BY sequence LIMIT $3",
            [.text(stream), .integer(after), .integer(Int64(limit))]
        )
        return (0..<rows.rowCount).map { Event(sequence: rows.integer($0, 0), body: rows.bytes($0, 1)) }
    }

    // An ETag is random, not counted: a database that was restored from a backup must not hand out, for other content,
    // an ETag that a client still holds.

    func put(_ id: String, in collection: String, body: [UInt8], if condition: WriteCondition) throws -> String {
        guard StoreName.isID(id), StoreName.isCollection(collection) else { throw StoreError.badName }
        var parameters: [PostgresConnection.Parameter] = [.text(collection), .text(id), .bytes(body)]
        let sql: String
        switch condition {
        case .any:
            sql = """
                INSERT INTO coffer.documents (collection, id, etag, body)
                VALUES ($1, $2, replace(gen_random_uuid()::text, '-', ''), $3)
                ON CONFLICT (collection, id) DO UPDATE SET etag = excluded.etag, body = excluded.body RETURNING etag
                """
        case .absent:
            sql = """
                INSERT INTO coffer.documents (collection, id, etag, body)
                VALUES ($1, $2, replace(gen_random_uuid()::text, '-', ''), $3)
                ON CONFLICT (collection, id) DO NOTHING RETURNING etag
                """
        case .etag(let etag):
            // Neither database holds a zero byte in a text, so no document has such an ETag.
            guard !etag.utf8.contains(0) else { throw StoreError.preconditionFailed }
            sql = """
                UPDATE coffer.documents SET etag = replace(gen_random_uuid()::text, '-', ''), body = $3
                WHERE collection = $1 AND id = $2 AND etag = $4 RETURNING etag
                """
            parameters.append(.text(etag))
        }
        let rows = try query(sql, parameters)
        guard rows.rowCount > 0 else { throw StoreError.preconditionFailed }
        return rows.text(0, 0)
    }

    func remove(_ id: String, in collection: String, if condition: WriteCondition) throws -> Bool {
        let found = try document(id, in: collection)
        switch condition {
        case .any: break
        case .absent: guard found == nil else { throw StoreError.preconditionFailed }
        case .etag(let etag): guard found?.etag == etag else { throw StoreError.preconditionFailed }
        }
        guard found != nil else { return false }
        try query("DELETE FROM coffer.documents WHERE collection = $1 AND id = $2", [.text(collection), .text(id)])
        return true
    }

    /// The counter's row stays locked until the commit, so sequence numbers become visible in their order and a follower
    /// that remembers the last one it saw misses none. A database sequence would be drawn in one order and committed in
    /// another.
    func append(_ body: [UInt8], to stream: String) throws -> Int64 {
        guard StoreName.isCollection(stream) else { throw StoreError.badName }
        let rows = try query(
            """
            WITH counter AS (
                INSERT INTO coffer.streams (stream, last) VALUES ($1, 1)
                ON CONFLICT (stream) DO UPDATE SET last = streams.last + 1 RETURNING last
            )
            INSERT INTO coffer.events (stream, sequence, body) SELECT $1, last, $2 FROM counter RETURNING sequence
            """, [.text(stream), .bytes(body)]
        )
        return rows.integer(0, 0)
    }

    @discardableResult
    private func query(_ sql: String, _ parameters: [PostgresConnection.Parameter]) throws -> PostgresResult {
        if let failure { throw failure }
        do {
            return try connection.query(sql, parameters)
        } catch {
            failure = error
            throw error
        }
    }

    private static func document(_ rows: PostgresResult, _ row: Int) -> Document {
        Document(id: rows.text(row, 0), etag: rows.text(row, 1), body: rows.bytes(row, 2))
    }
}
