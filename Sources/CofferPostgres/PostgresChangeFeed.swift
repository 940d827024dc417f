package import CofferPlatform
import Synchronization

/// Follows what every replica writes, by comparing snapshots: a change is new if its transaction is visible now and was not
/// in the snapshot of the look before. No writer waits for another because of it, and none that commits late is missed.
///
/// The looks run on a connection of their own. A new connection begins anew, because what an old snapshot says of
/// transactions holds for the server that took it.
package final class PostgresChangeFeed: ChangeFeed {
    /// How long a snapshot is good for. Rows of ``coffer.changes`` are kept for much longer than that.
    private static let longestGap: Duration = .seconds(60)
    private static let kept: Duration = .seconds(600)
    /// With more changes than this at once it is cheaper to begin anew.
    private static let mostChanges: Int64 = 10_000

    private struct State {
        var connection: PostgresConnection?
        /// The last snapshot, and a moment before it was taken.
        var last: (snapshot: String, taken: ContinuousClock.Instant)?
        /// The oldest transaction that ran at a moment: what changed before it may be removed when ``kept`` has passed.
        var horizon: (transaction: String, seen: ContinuousClock.Instant)?
    }

    private let url: String
    private let state = Mutex(State())

    init(url: String) {
        self.url = url
    }

    package func changes() throws -> StoreChanges {
        do {
            return try state.withLock { try look(&$0) }
        } catch let failure as PostgresFailure {
            throw StoreError.unavailable(failure.text)
        }
    }

    private func look(_ state: inout State) throws -> StoreChanges {
        let last = state.last
        // Whatever goes wrong from here, the next look begins anew.
        state.last = nil
        if state.connection?.isStillThere != true {
            state.connection = try PostgresConnection(url)
            return try begin(&state)
        }
        guard let connection = state.connection, let last else { return try begin(&state) }
        let now = ContinuousClock.now
        let rows = try connection.query(
            """
            SELECT now.snapshot::text, changes.collection, changes.id, pg_snapshot_xmin(now.snapshot)::text
            FROM (SELECT pg_current_snapshot() AS snapshot) AS now
            LEFT JOIN coffer.changes ON changes.transaction >= pg_snapshot_xmin($1::text::pg_snapshot)
                AND NOT pg_visible_in_snapshot(changes.transaction, $1::text::pg_snapshot)
            LIMIT $2
            """, [.text(last.snapshot), .integer(Self.mostChanges)]
        )
        guard rows.rowCount > 0, ContinuousClock.now - last.taken < Self.longestGap else { return try begin(&state) }
        state.last = (rows.text(0, 0), now)
        try removeOld(&state, connection, oldest: rows.text(0, 3), now)
        guard rows.rowCount < Self.mostChanges else { return .unknown }
        if rows.isNull(0, 1) { return .documents([]) }
        return .documents((0..<rows.rowCount).map { DocumentName(collection: rows.text($0, 1), id: rows.text($0, 2)) })
    }

    private func begin(_ state: inout State) throws -> StoreChanges {
        let now = ContinuousClock.now
        guard let connection = state.connection, let snapshot = try connection.text("SELECT pg_current_snapshot()::text") else {
            throw PostgresFailure.disconnected("no snapshot")
        }
        state.last = (snapshot, now)
        return .unknown
    }

    /// Removes, every ten minutes, what had been committed ten minutes before.
    private func removeOld(
        _ state: inout State, _ connection: PostgresConnection, oldest: String, _ now: ContinuousClock.Instant
    ) throws(PostgresFailure) {
        guard let horizon = state.horizon else {
            state.horizon = (oldest, now)
            return
        }
        guard now - horizon.seen > Self.kept else { return }
        state.horizon = (oldest, now)
        try connection.query(
            "DELETE FROM coffer.changes WHERE transaction < $1::text::xid8", [.text(horizon.transaction)])
    }
}

extension PostgresStore {
    /// Follows what every process writes to this database, this one included.
    package func changeFeed() -> PostgresChangeFeed {
        PostgresChangeFeed(url: url)
    }
}
