"""The tables of the phone's SQLite file, and how an older file becomes a newer one."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
        """CREATE TABLE manifest (
            one INTEGER PRIMARY KEY CHECK (one = 1),
            version INTEGER NOT NULL,
            body TEXT NOT NULL)""",
        "CREATE TABLE progress (task_id TEXT PRIMARY KEY, state TEXT NOT NULL)",
        "CREATE TABLE loaded_parcels (barcode TEXT PRIMARY KEY)",
        """CREATE TABLE outbox (
            position INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            driver_id TEXT NOT NULL,
            lane TEXT NOT NULL,
            frame TEXT NOT NULL,
            body TEXT NOT NULL,
            place TEXT NOT NULL,
            state TEXT NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'leased', 'rejected')),
            attempts INTEGER NOT NULL DEFAULT 0,
            leased_by TEXT,
            lease_ends_s REAL,
            reject_code TEXT,
            reject_message TEXT)""",
        "CREATE INDEX outbox_lane ON outbox (driver_id, lane, position) WHERE state <> 'rejected'",
        """CREATE TABLE blobs (
            sha256 TEXT PRIMARY KEY,
            size_bytes INTEGER NOT NULL,
            content_type TEXT NOT NULL,
            uploaded INTEGER NOT NULL DEFAULT 0)""",
        """CREATE TABLE command_blobs (
            command_id TEXT NOT NULL REFERENCES outbox (id)
                ON DELETE CASCADE ON UPDATE CASCADE,
            sha256 TEXT NOT NULL REFERENCES blobs (sha256),
            PRIMARY KEY (command_id, sha256)) WITHOUT ROWID""",
        "CREATE INDEX command_blobs_of_blob ON command_blobs (sha256)",
        # AUTOINCREMENT: a seq is never given twice, not even after its row was acknowledged
        # and deleted; the server dedupes on it.
        """CREATE TABLE fixes (
            seq INTEGER PRIMARY KEY AUTOINCREMENT,
            driver_id TEXT NOT NULL,
            refused INTEGER NOT NULL DEFAULT 0,
            body TEXT NOT NULL)""",
        """CREATE TABLE notices (
            id INTEGER PRIMARY KEY,
            received_at TEXT NOT NULL,
            code TEXT NOT NULL,
            message TEXT NOT NULL)""",
    ),
    (
        # What was done in this shift, kept after the server has it: for the debrief.
        """CREATE TABLE acts (
            id INTEGER PRIMARY KEY,
            frame TEXT NOT NULL,
            body TEXT NOT NULL)""",
        "CREATE TABLE brought_back (barcode TEXT PRIMARY KEY)",
    ),
    (
        # Of photos in two sizes the small one goes before the command. The full one goes whenever
        # there is a good network, also long after its command was acknowledged.
        "ALTER TABLE blobs ADD COLUMN later INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE blobs ADD COLUMN driver_id TEXT",
    ),
)
"""One tuple of statements per version of the file (`PRAGMA user_version`). Append only; a
migration keeps the outbox, the fixes and the blobs: they may be yesterday's unsent work."""
