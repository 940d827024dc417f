extension PostgresSchema {
    /// Documents and events. The collation "C" makes PostgreSQL compare texts byte by byte.
    static let records0001 = """
        CREATE TABLE coffer.documents (
            collection text COLLATE "C" NOT NULL,
            id text COLLATE "C" NOT NULL,
            etag text COLLATE "C" NOT NULL,
            body bytea NOT NULL,
            PRIMARY KEY (collection, id)
        );
        CREATE TABLE coffer.streams (
            stream text COLLATE "C" NOT NULL PRIMARY KEY,
            last bigint NOT NULL
        );
        CREATE TABLE coffer.events (
            stream text COLLATE "C" NOT NULL,
            sequence bigint NOT NULL,
            body bytea NOT NULL,
            PRIMARY KEY (stream, sequence)
        );
        """
}
