extension PostgresSchema {
    /// Which documents changed, by the transaction that changed them. A trigger writes it, so that no writer can leave it
    /// out: neither a replica of an older version, nor a person with `psql`.
    static let changes0002 = """
        CREATE TABLE coffer.changes (
            transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
            collection text COLLATE "C" NOT NULL,
            id text COLLATE "C" NOT NULL
        );
        CREATE INDEX changes_transaction ON coffer.changes (transaction);
        CREATE FUNCTION coffer.note_change() RETURNS trigger LANGUAGE plpgsql AS $note$
        BEGIN
            IF TG_OP = 'DELETE' THEN
                INSERT INTO coffer.changes (collection, id) VALUES (OLD.collection, OLD.id);
            ELSE
                INSERT INTO coffer.changes (collection, id) VALUES (NEW.collection, NEW.id);
            END IF;
            RETURN NULL;
        END
        $note$;
        CREATE TRIGGER note_change AFTER INSERT OR UPDATE OR DELETE ON coffer.documents
            FOR EACH ROW EXECUTE FUNCTION coffer.note_change();
        """
}
