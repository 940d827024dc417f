extension PostgresSchema {
    /// The audit log's blocks are appended at places that their writer chooses: their streams have no counters any more.
    static let chains0003 = "DELETE FROM coffer.streams WHERE stream >= 'audit/' AND stream < 'audit0';"
}
