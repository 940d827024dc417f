import CPostgres

/// The rows that a statement gave, all in PostgreSQL's binary format. Freed with the object.
@safe
final class PostgresResult {
    private let result: OpaquePointer

    /// Takes over `result`.
    init(_ result: OpaquePointer) {
        unsafe self.result = result
    }

    var rowCount: Int { Int(unsafe PQntuples(result)) }

    /// What the server did, such as `COMMIT`.
    var command: String { unsafe String(cString: PQcmdStatus(result)) }

    var status: ExecStatusType { unsafe PQresultStatus(result) }

    /// Five characters, or empty if the failure is not the server's.
    var state: String {
        guard let text = unsafe PQresultErrorField(result, PostgresResult.sqlStateField) else { return "" }
        return unsafe String(cString: text)
    }

    /// The server's sentence, without the detail that may quote values.
    var message: String {
        guard let text = unsafe PQresultErrorField(result, PostgresResult.primaryMessageField) else {
            return unsafe String(cString: PQresultErrorMessage(result)).trimmed
        }
        return unsafe String(cString: text).trimmed
    }

    func isNull(_ row: Int, _ column: Int) -> Bool {
        unsafe PQgetisnull(result, Int32(row), Int32(column)) == 1
    }

    /// A value's bytes; empty if it is null or not there.
    func bytes(_ row: Int, _ column: Int) -> [UInt8] {
        let count = Int(unsafe PQgetlength(result, Int32(row), Int32(column)))
        guard count > 0, let start = unsafe PQgetvalue(result, Int32(row), Int32(column)) else { return [] }
        // SAFETY: libpq keeps `count` bytes at `start` as long as the result lives.
        return unsafe Array(UnsafeRawBufferPointer(start: start, count: count))
    }

    func text(_ row: Int, _ column: Int) -> String {
        String(decoding: bytes(row, column), as: UTF8.self)
    }

    /// A `bigint`: eight bytes, big-endian.
    func integer(_ row: Int, _ column: Int) -> Int64 {
        Int64(bitPattern: bytes(row, column).reduce(0) { $0 << 8 | UInt64($1) })
    }

    deinit {
        unsafe PQclear(result)
    }

    // The header defines these as character constants, which Swift does not import.
    private static let sqlStateField = Int32(UInt8(ascii: "C"))
    private static let primaryMessageField = Int32(UInt8(ascii: "M"))
}

extension String {
    /// libpq ends its messages with a line break.
    var trimmed: String {
        var text = self[...]
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return text.split(whereSeparator: \.isNewline).joined(separator: "; ")
    }
}
