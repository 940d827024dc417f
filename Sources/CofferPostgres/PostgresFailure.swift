/// What a call on a connection can end with. Never leaves this module: ``PostgresStore`` retries or translates it.
enum PostgresFailure: Error {
    /// The server refused a statement; `state` is the SQLSTATE.
    case refused(state: String, message: String)
    /// The connection is gone. Nothing is known of a statement that was under way.
    case disconnected(String)
    /// No connection could be made.
    case unreachable(String)

    /// Whether the same transaction, run again, may succeed: serialization_failure or deadlock_detected.
    var isConflict: Bool {
        if case .refused(let state, _) = self { state == "40001" || state == "40P01" } else { false }
    }

    /// Whether a row with this key is there: unique_violation.
    var isTaken: Bool {
        if case .refused(state: "23505", _) = self { true } else { false }
    }

    /// For the log.
    var text: String {
        switch self {
        case .refused(let state, let message): "PostgreSQL refused (\(state)): \(message)"
        case .disconnected(let message): "the connection to PostgreSQL was lost: \(message)"
        case .unreachable(let message): "PostgreSQL cannot be reached: \(message)"
        }
    }
}
