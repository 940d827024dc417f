extension SQLiteSchema {
    /// Documents and events. Rows hold bodies of any size, for which SQLite advises tables with a rowid.
    static let records0001 = """
        CREATE TABLE documents (
            collection TEXT NOT NULL,
            id TEXT NOT NULL,
            etag TEXT NOT NULL,
            body BLOB NOT NULL,
            PRIMARY KEY (collection, id)
        ) STRICT;
        CREATE TABLE streams (
            stream TEXT NOT NULL PRIMARY KEY,
            last INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE events (
            stream TEXT NOT NULL,
            sequence INTEGER NOT NULL,
            body BLOB NOT NULL,
            PRIMARY KEY (stream, sequence)
        ) STRICT;
        """
}
