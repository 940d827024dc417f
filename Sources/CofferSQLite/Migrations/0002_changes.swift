extension SQLiteSchema {
    /// Nothing: only one process writes to a SQLite file, so it knows of every change. The numbers of both drivers'
    /// migrations stay alike.
    static let changes0002 = "SELECT 1;"
}
