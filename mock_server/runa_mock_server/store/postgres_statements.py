"""Every statement of the PostgreSQL engine, by name.

A migration leads from one version of the schema to the next. Add one for each change; never change
one that was released.
"""

MIGRATIONS = (
    """
CREATE TABLE runa_version (version integer NOT NULL);
INSERT INTO runa_version VALUES (0);

CREATE TABLE runa_world (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    head bigint NOT NULL DEFAULT 0  -- locked by each append, so that rows are in order
) WITH (fillfactor = 10);
CREATE TABLE runa_log (
    world integer NOT NULL, seq bigint NOT NULL, account bigint NOT NULL, data bytea NOT NULL,
    PRIMARY KEY (world, seq)
);
CREATE TABLE runa_saved (
    world integer NOT NULL, name text NOT NULL, upto bigint NOT NULL, data bytea NOT NULL,
    PRIMARY KEY (world, name)
);
CREATE TABLE runa_entries (world integer PRIMARY KEY, number bigint NOT NULL)
    WITH (fillfactor = 10);
CREATE TABLE runa_journal (
    world integer NOT NULL, number bigint NOT NULL, entry bytea NOT NULL,
    PRIMARY KEY (world, number)
);

CREATE FUNCTION runa_append(
    of_world integer, mark bigint, accounts bigint[], records bytea[], blind boolean[],
    OUT head bigint, OUT complete boolean,
    OUT news_seqs bigint[], OUT news_accounts bigint[], OUT news_data bytea[]
) LANGUAGE plpgsql AS $$
DECLARE
    inserted bigint;
BEGIN
    SELECT world.head INTO STRICT head FROM runa_world AS world WHERE id = of_world FOR UPDATE;
    complete := head = mark;
    -- An answer is sent before its transaction ends. One that does not fit into the buffers on the
    -- way to a process that is stopped would keep the world locked, and all others waiting.
    IF head > mark AND head - mark <= 1000 THEN
        SELECT sum(octet_length(data)) <= 65536 INTO complete
        FROM runa_log WHERE world = of_world AND seq > mark;
    END IF;
    IF NOT complete THEN  -- the caller has much to read, or has seen rows that are not here
        RETURN;
    END IF;
    IF head > mark THEN
        SELECT array_agg(seq ORDER BY seq), array_agg(account ORDER BY seq),
            array_agg(data ORDER BY seq)
        INTO news_seqs, news_accounts, news_data
        FROM runa_log WHERE world = of_world AND seq > mark;
    END IF;
    INSERT INTO runa_log (world, seq, account, data)
    SELECT of_world, runa_append.head + row_number() OVER (ORDER BY place), account, data
    FROM unnest(accounts, records, blind)
        WITH ORDINALITY AS batch (account, data, is_blind, place)
    WHERE news_accounts IS NULL OR is_blind
        OR NOT (account = 0 OR 0 = ANY (news_accounts) OR account = ANY (news_accounts));
    GET DIAGNOSTICS inserted = ROW_COUNT;
    UPDATE runa_world AS world SET head = world.head + inserted WHERE id = of_world;
END $$;

CREATE FUNCTION runa_note(of_world integer, entries bytea[]) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    last bigint;
BEGIN
    UPDATE runa_entries SET number = number + cardinality(entries) WHERE world = of_world
    RETURNING number INTO STRICT last;
    INSERT INTO runa_journal (world, number, entry)
    SELECT of_world, last - cardinality(entries) + place, entry
    FROM unnest(entries) WITH ORDINALITY AS batch (entry, place);
    RETURN last;
END $$;
""",
)
VERSION = len(MIGRATIONS)

# Not `to_regclass`: what it remembers can be older than the lock of the schema.
HAS_VERSION = """
    SELECT EXISTS (
        SELECT FROM pg_class WHERE relname = 'runa_version' AND pg_table_is_visible(oid))"""
GET_VERSION = "SELECT version FROM runa_version"
SET_VERSION = "UPDATE runa_version SET version = $1"
LOCK_SCHEMA = "SELECT pg_advisory_xact_lock(hashtext('runa_mock schema'))"
ADD_WORLD = """
    WITH added AS (INSERT INTO runa_world (name) VALUES ($1) ON CONFLICT DO NOTHING RETURNING id)
    INSERT INTO runa_entries (world, number) SELECT id, 0 FROM added"""
GET_WORLD = "SELECT id, head FROM runa_world WHERE name = $1"
APPEND = """
    SELECT head, complete, news_seqs, news_accounts, news_data
    FROM runa_append($1, $2, $3::bigint[], $4::bytea[], $5::boolean[])"""
READ_ALL = """
    SELECT seq, account, data FROM runa_log WHERE world = $1 AND seq > $2 ORDER BY seq LIMIT $3"""
READ_ACCOUNTS = """
    SELECT seq, account, data FROM runa_log
    WHERE world = $1 AND seq > $2 AND account = ANY ($4::bigint[]) ORDER BY seq LIMIT $3"""
FETCH = "SELECT seq, data FROM runa_log WHERE world = $1 AND seq = ANY ($2::bigint[])"
SAVE = """
    INSERT INTO runa_saved AS saved (world, name, upto, data) VALUES ($1, $2, $3, $4)
    ON CONFLICT (world, name) DO UPDATE SET upto = excluded.upto, data = excluded.data
    WHERE excluded.upto >= saved.upto"""
LOAD = "SELECT upto, data FROM runa_saved WHERE world = $1 AND name = $2"
NOTE = "SELECT runa_note($1, $2::bytea[])"
READ_JOURNAL = """
    SELECT number, entry FROM runa_journal WHERE world = $1 AND number > $2
    ORDER BY number LIMIT $3"""
TRIM_JOURNAL = """
    DELETE FROM runa_journal WHERE world = $1
        AND number <= (SELECT number FROM runa_entries WHERE world = $1) - $2"""
COMPACT = """
    WITH gone AS (
        DELETE FROM runa_log WHERE world = $1 AND seq IN (
            SELECT seq FROM runa_log
            WHERE world = $1 AND seq <= $2 AND ($4::bigint[] IS NULL OR account = ANY ($4))
                AND seq < (SELECT max(seq) FROM runa_log WHERE world = $1)
            ORDER BY seq LIMIT $3)
        RETURNING 1)
    SELECT count(*) FROM gone"""
INFO = """
    SELECT head,
        (SELECT count(*) FROM runa_log WHERE world = $1) AS rows,
        (SELECT count(*) FROM runa_journal WHERE world = $1) AS journal,
        (SELECT sum(pg_total_relation_size(name::regclass))::bigint FROM unnest(ARRAY[
            'runa_log', 'runa_journal', 'runa_saved', 'runa_world', 'runa_entries']) AS name)
        AS size
    FROM runa_world WHERE id = $1"""
VACUUM = "VACUUM (FULL, ANALYZE) runa_log, runa_journal, runa_saved"
WAKE = "SELECT pg_notify('runa_world_' || $1::integer, $2)"
CHANNEL = "runa_world_{}"
