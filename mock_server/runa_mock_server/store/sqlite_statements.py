"""Every statement of the SQLite engine, by name.

A migration leads from one version of the schema to the next. Add one for each change; never change
one that was released.
"""

APPLICATION = b"RUNA"
"""What kind of file it is: bytes 68 to 71 of its header."""

MIGRATIONS = (
    (
        "CREATE TABLE log (seq INTEGER PRIMARY KEY, account INTEGER NOT NULL, data TEXT NOT NULL)",
        "CREATE TABLE saved (name TEXT PRIMARY KEY, upto INTEGER NOT NULL, data BLOB NOT NULL)",
        "CREATE TABLE journal (number INTEGER PRIMARY KEY AUTOINCREMENT, entry TEXT NOT NULL)",
        # For people with an SQLite tool; nothing of ours reads them. SQLite takes the columns from
        # the row that has the maximum. The fields are those of `to_row` in `orders/order.py`.
        """
        CREATE VIEW orders AS SELECT
            row.key AS id,
            account,
            max(seq) AS seq,
            json_extract(row.value, '$[0]') AS position,
            strftime('%Y-%m-%dT%H:%M:%fZ', json_extract(row.value, '$[1]') / 1e6, 'unixepoch')
                AS created_at,
            json_extract(row.value, '$[5]') AS failed,
            json_extract(row.value, '$[7]') AS idempotency_key,
            json_extract(row.value, '$[8]') AS currency,
            json_extract(row.value, '$[9]') AS payment_currency,
            json_extract(row.value, '$[10]') AS total_price_cents,
            json_extract(row.value, '$[13]') AS items
        FROM log, json_each(data, '$.rows') AS row GROUP BY account, row.key""",
        """
        CREATE VIEW keys AS SELECT
            json_extract(data, '$.key.name') AS name,
            account,
            max(seq) AS seq,
            coalesce(json_extract(data, '$.key.status'), 202) AS status,
            json_extract(data, '$.key.order') AS order_position,
            json_extract(data, '$.key.body') AS body
        FROM log WHERE json_extract(data, '$.key.name') IS NOT NULL
        GROUP BY account, json_extract(data, '$.key.name')""",
    ),
)
VERSION = len(MIGRATIONS)

GET_VERSION = "PRAGMA user_version"
SET_VERSION = "PRAGMA user_version = {}"
SET_APPLICATION = f"PRAGMA application_id = {int.from_bytes(APPLICATION)}"
USE_WAL = "PRAGMA journal_mode = WAL"
# Pages of the log: a checkpoint waits for the disk, and rare ones cost less in all.
SET_CHECKPOINTS = "PRAGMA wal_autocheckpoint = 4000"
SET_SYNCHRONOUS = "PRAGMA synchronous = {}"
LOCK = "BEGIN EXCLUSIVE"
NO_FILE_BESIDE = "PRAGMA journal_mode = MEMORY"
BEGIN = "BEGIN IMMEDIATE"
COMMIT = "COMMIT"
ROLLBACK = "ROLLBACK"
# Bytes are kept as text, so that every tool shows them and `json_extract` reads them.
ADD_ROW = "INSERT INTO log (seq, account, data) VALUES (?, ?, CAST(? AS TEXT))"
GET_HEAD = "SELECT coalesce(max(seq), 0) FROM log"
READ_ALL = "SELECT seq, account, data FROM log WHERE seq > ? ORDER BY seq LIMIT ?"
READ_ACCOUNTS = """
    SELECT seq, account, data FROM log
    WHERE account IN (SELECT value FROM json_each(?)) AND seq > ? ORDER BY seq LIMIT ?"""
FETCH = "SELECT seq, data FROM log WHERE seq IN (SELECT value FROM json_each(?))"
SAVE = """
    INSERT INTO saved (name, upto, data) VALUES (?, ?, ?) ON CONFLICT (name)
    DO UPDATE SET upto = excluded.upto, data = excluded.data WHERE excluded.upto >= upto"""
LOAD = "SELECT upto, data FROM saved WHERE name = ?"
ADD_ENTRY = "INSERT INTO journal (number, entry) VALUES (?, CAST(? AS TEXT))"
GET_LAST_ENTRY = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'journal'"
READ_JOURNAL = "SELECT number, entry FROM journal WHERE number > ? ORDER BY number LIMIT ?"
TRIM_JOURNAL = "DELETE FROM journal WHERE number <= ?"
COMPACT_ALL = """
    DELETE FROM log WHERE seq IN (
        SELECT seq FROM log WHERE seq <= ? AND seq < (SELECT max(seq) FROM log)
        ORDER BY seq LIMIT ?)"""
COMPACT_ACCOUNTS = """
    DELETE FROM log WHERE seq IN (
        SELECT seq FROM log
        WHERE account IN (SELECT value FROM json_each(?))
            AND seq <= ? AND seq < (SELECT max(seq) FROM log) ORDER BY seq LIMIT ?)"""
COUNT = "SELECT (SELECT count(*) FROM log), (SELECT count(*) FROM journal)"
VACUUM = "VACUUM"
CHECKPOINT = "PRAGMA wal_checkpoint(TRUNCATE)"
