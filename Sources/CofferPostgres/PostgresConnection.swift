import CPostgres
import Glibc

/// One session with the server. Every call blocks its thread until the server has answered.
@safe
final class PostgresConnection {
    private let connection: OpaquePointer
    /// Statements that this session has prepared, by their text.
    private var prepared: [String: String] = [:]
    private var isDismissed = false

    /// A value bound to `$1`, `$2`, … It is sent beside the statement, never in it.
    enum Parameter {
        case text(String)
        case bytes([UInt8])
        case integer(Int64)
    }

    /// Connects to the server.
    ///
    /// - Parameter url: A `postgres://` URL or a connection string as libpq takes it. What it leaves open is Coffer's:
    ///   five seconds to connect, half a minute until a silent server counts as lost, the primary of several hosts.
    /// - Throws: ``PostgresFailure/unreachable(_:)``.
    init(_ url: String) throws(PostgresFailure) {
        let settings = [
            ("connect_timeout", "5"), ("keepalives_idle", "15"), ("keepalives_interval", "5"), ("keepalives_count", "3"),
            ("tcp_user_timeout", "30000"), ("target_session_attrs", "read-write"), ("dbname", url),
            ("client_encoding", "UTF8"), ("application_name", "coffer"),
        ]
        let connection = unsafe withCStrings(settings.map(\.0)) { keywords in
            unsafe withCStrings(settings.map(\.1)) { values in unsafe PQconnectdbParams(keywords, values, 1) }
        }
        guard let connection = unsafe connection else { throw .unreachable("no memory") }
        unsafe self.connection = connection
        guard unsafe PQstatus(connection) == CONNECTION_OK else {
            // A partly initialised object still runs `deinit`, which frees the connection.
            throw .unreachable(unsafe String(cString: PQerrorMessage(connection)).trimmed)
        }
        unsafe PQsetNoticeProcessor(connection, { _, _ in }, nil)
        guard unsafe PQserverVersion(connection) >= 130_000 else { throw .unreachable("Coffer needs PostgreSQL 13 or newer") }
        do throws(PostgresFailure) {
            try configure()
        } catch {
            throw .unreachable(error.text)
        }
    }

    /// Session settings. A table scan would lock whole tables against serializable writers elsewhere, so small tables are
    /// read by index too; a replica that hangs in the middle of a transaction is put out; an acknowledged commit is on disk,
    /// whatever the server's default.
    private func configure() throws(PostgresFailure) {
        try run(
            """
            SET enable_seqscan = off;
            SET statement_timeout = '60s';
            SET idle_in_transaction_session_timeout = '60s';
            SET default_transaction_read_only = off;
            SET default_transaction_isolation = 'read committed';
            SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';
            """
        )
    }

    /// Whether the last call left the session usable.
    var isAlive: Bool { unsafe PQstatus(connection) == CONNECTION_OK && !isDismissed }

    /// Whether the server has not closed the session while it was idle. Does not wait.
    var isStillThere: Bool { unsafe PQconsumeInput(connection) == 1 && isAlive }

    /// Runs statements that take no parameters, several in one round trip. Gives the last one's rows, as text.
    @discardableResult
    func run(_ sql: String) throws(PostgresFailure) -> PostgresResult {
        try unsafe checked(PQexec(connection, sql))
    }

    /// The one value that a statement without parameters gives, or nil if it gives none.
    func text(_ sql: String) throws(PostgresFailure) -> String? {
        let rows = try run(sql)
        return rows.rowCount > 0 && !rows.isNull(0, 0) ? rows.text(0, 0) : nil
    }

    /// Runs one statement, prepared at its first use, with bound parameters; the rows are in binary format.
    @discardableResult
    func query(_ sql: String, _ parameters: [Parameter]) throws(PostgresFailure) -> PostgresResult {
        let name = try prepare(sql, parameters)
        // All values one after the other, with a byte behind each so that an empty one has an address too: null is SQL's null.
        var values: [UInt8] = []
        var offsets: [Int] = []
        var lengths: [Int32] = []
        for parameter in parameters {
            let bytes = parameter.binary
            guard let length = Int32(exactly: bytes.count) else { throw .refused(state: "54000", message: "a value is over 2 GiB") }
            offsets.append(values.count)
            lengths.append(length)
            values += bytes
            values.append(0)
        }
        let formats = [Int32](repeating: 1, count: parameters.count)
        let result = unsafe values.withUnsafeBytes { buffer in
            let base = unsafe buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
            let pointers = unsafe offsets.map { offset in unsafe base.map { unsafe $0 + offset } }
            return unsafe PQexecPrepared(connection, name, Int32(parameters.count), pointers, lengths, formats, 1)
        }
        return try unsafe checked(result)
    }

    /// Leaves a transaction without keeping anything. If that fails the connection is gone, and the transaction with it.
    func rollBack() {
        _ = unsafe PQexec(connection, "ROLLBACK").map { unsafe PostgresResult($0) }
    }

    private func prepare(_ sql: String, _ parameters: [Parameter]) throws(PostgresFailure) -> String {
        if let name = prepared[sql] { return name }
        let name = "c\(prepared.count)"
        let types = parameters.map(\.type)
        try unsafe checked(PQprepare(connection, name, sql, Int32(types.count), types))
        prepared[sql] = name
        return name
    }

    @discardableResult
    private func checked(_ pointer: OpaquePointer?) throws(PostgresFailure) -> PostgresResult {
        guard let pointer = unsafe pointer else {
            throw isAlive ? .refused(state: "", message: lastMessage) : .disconnected(lastMessage)
        }
        let result = unsafe PostgresResult(pointer)
        switch result.status {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
            return result
        default:
            // admin_shutdown, crash_shutdown: the server has said goodbye, whether or not its last packet is here.
            if result.state == "57P01" || result.state == "57P02" { isDismissed = true }
            throw isAlive ? .refused(state: result.state, message: result.message) : .disconnected(result.message)
        }
    }

    private var lastMessage: String { unsafe String(cString: PQerrorMessage(connection)).trimmed }

    deinit {
        unsafe PQfinish(connection)
    }
}

// SAFETY: a connection is used by one thread at a time: the one that took it from the pool.
extension PostgresConnection: @unchecked Sendable {}

extension PostgresConnection.Parameter {
    /// The type's object id, fixed by PostgreSQL's `pg_type.dat`.
    fileprivate var type: Oid {
        switch self {
        case .bytes: 17
        case .integer: 20
        case .text: 25
        }
    }

    fileprivate var binary: [UInt8] {
        switch self {
        case .text(let text): Array(text.utf8)
        case .bytes(let bytes): bytes
        case .integer(let value): (0..<8).map { UInt8(truncatingIfNeeded: value >> (56 - 8 * $0)) }
        }
    }
}

/// Calls `body` with an array of C strings that ends with a null pointer.
private func withCStrings<R>(_ texts: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> R) -> R {
    let copies = unsafe texts.map { unsafe strdup($0) }
    defer { for unsafe copy in unsafe copies { unsafe free(copy) } }
    let pointers = unsafe copies.map { unsafe UnsafePointer($0) } + [nil]
    return unsafe pointers.withUnsafeBufferPointer { buffer in
        guard let base = buffer.baseAddress else { preconditionFailure("the array ends with a null pointer") }
        return unsafe body(base)
    }
}
