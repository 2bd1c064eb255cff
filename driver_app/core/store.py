"""The phone's memory: one SQLite file that the screens and the background process share.

Durable before visible: WAL with synchronous=FULL, every change in one BEGIN IMMEDIATE. A process
may be killed at any instruction; what a method returned from is kept. The other process's commits
are noticed through `PRAGMA data_version` (`ChangeWatch`).

Not here: what commands mean (outbox.py, driver.py), what is shown (view.py).
"""

import os
import sqlite3
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from errno import ENOSPC
from pathlib import Path

from driver_app.core.errors import NotPaired, StorageFull, StoreTooNew
from driver_app.core.progress import TaskState
from driver_app.core.schema import MIGRATIONS
from driver_app.core.seal import NoSeal, Seal, SealBroken
from server.protocol.codec import MalformedFrame, decode_part, encode_part
from server.protocol.from_driver import Fix
from server.protocol.to_driver import Manifest, Notice

NOTICES_KEPT = 50
WORK_TABLES = ("command_blobs", "outbox", "blobs", "fixes")
DAY_TABLES = ("manifest", "progress", "loaded_parcels", "notices", "acts", "brought_back")
"""What the phone knows of one driver's day beside the work that was not sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """Whose phone this is, and on which server. tls_pin: the one key it may have (tls.py)."""

    server_url: str
    device_id: str
    driver_id: str
    token: str = field(repr=False)
    revoked: bool = False
    tls_pin: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedNotice:
    received_at: datetime
    code: str
    message: str


class Store:
    """The SQLite file in `folder`, and the folder of blobs beside it.

    Each process opens its own; inside a process several threads may share one.

    fsync: False only for simulated phones, which need not survive a power cut.
    seal: closes the token before it is written.
    """

    def __init__(self, folder: Path | str, *, fsync: bool = True, seal: Seal | None = None) -> None:
        self.fsync = fsync
        self._seal = seal or NoSeal()
        self._opened: tuple[str, str] | None = None
        self.folder = Path(folder)
        self.blob_folder = self.folder / "blobs"
        self.blob_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.door_folder = self.folder / "doors"
        self.door_folder.mkdir(mode=0o700, exist_ok=True)
        path = self.folder / "app.db"
        # Made before SQLite opens it, so that the token is never readable for others.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._lock = threading.RLock()
        self.db = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
        self.db.row_factory = sqlite3.Row
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute(f"PRAGMA synchronous = {'FULL' if fsync else 'OFF'}")
        self.db.execute("PRAGMA foreign_keys = ON")
        self.db.execute("PRAGMA journal_size_limit = 4194304")
        self._decoded: tuple[str, Manifest] | None = None
        self.migrate(MIGRATIONS)

    def close(self) -> None:
        self.db.close()

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """All or nothing, and nobody else writes meanwhile."""
        with self._within("BEGIN IMMEDIATE") as db:
            yield db

    @contextmanager
    def reading(self) -> Generator[sqlite3.Connection]:
        """Several reads that see one moment."""
        with self._within("BEGIN") as db:
            yield db

    @contextmanager
    def _within(self, begin: str) -> Generator[sqlite3.Connection]:
        with self._lock:
            if self.db.in_transaction:
                yield self.db
                return
            self.db.execute(begin)
            try:
                yield self.db
                self.db.execute("COMMIT")
            except BaseException as error:
                # SQLite has rolled back by itself when the storage is full.
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")
                if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL or (
                    isinstance(error, OSError) and error.errno == ENOSPC
                ):
                    raise StorageFull from error
                raise

    def migrate(self, migrations: tuple[tuple[str, ...], ...]) -> None:
        """Bring the file to the newest version; another process may be doing the same."""
        # Nothing is written without need: the app opens on a full storage, too.
        if self.db.execute("PRAGMA user_version").fetchone()[0] == len(migrations):
            return
        with self.transaction() as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version > len(migrations):
                raise StoreTooNew
            for statements in migrations[version:]:
                for statement in statements:
                    db.execute(statement)
            db.execute(f"PRAGMA user_version = {len(migrations)}")

    # Settings

    def get_setting(self, name: str) -> str | None:
        with self.reading() as db:
            row = db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return row["value"] if row else None

    def put_setting(self, name: str, value: str) -> None:
        with self.transaction() as db:
            db.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, value))

    # Pairing

    def get_pairing(self) -> Pairing | None:
        """None, too, when the token cannot be read any more: then the driver pairs once more, and
        what was not sent goes on."""
        with self.reading() as db:
            known = dict(tuple(row) for row in db.execute("SELECT name, value FROM settings"))
        if "token" not in known:
            return None
        try:
            token = self._open_token(known["token"])
        except SealBroken:
            return None
        return Pairing(
            server_url=known["server_url"],
            device_id=known["device_id"],
            driver_id=known["driver_id"],
            token=token,
            revoked=known["revoked"] == "1",
            tls_pin=known.get("tls_pin") or None,
        )

    def _open_token(self, sealed: str) -> str:
        """Sync asks several times a second, and the keystore is slow."""
        if self._opened is None or self._opened[0] != sealed:
            self._opened = (sealed, self._seal.open(sealed))
        return self._opened[1]

    def get_driver_id(self) -> str:
        driver_id = self.get_setting("driver_id")
        if driver_id is None:
            raise NotPaired
        return driver_id

    def save_pairing(self, pairing: Pairing) -> None:
        """Make it this driver's phone. Unsent work of the driver before stays in the file and is
        sent when he pairs again; it never goes out under another driver's name."""
        with self.transaction() as db:
            if self.get_setting("driver_id") not in (None, pairing.driver_id):
                for table in DAY_TABLES:
                    db.execute(f"DELETE FROM {table}")  # noqa: S608
                db.execute("DELETE FROM settings WHERE name = 'seen_manifest'")
                self.put_setting("shift", "off")
            # Whatever the server now says is newer, even if it counts from one again.
            db.execute("UPDATE manifest SET version = 0")
            self.put_setting("server_url", pairing.server_url)
            self.put_setting("device_id", pairing.device_id)
            self.put_setting("driver_id", pairing.driver_id)
            self.put_setting("token", self._seal.close(pairing.token))
            self.put_setting("revoked", "1" if pairing.revoked else "0")
            self.put_setting("tls_pin", pairing.tls_pin or "")
            db.execute("DELETE FROM settings WHERE name IN ('lost', 'last_words_until')")

    def mark_revoked(self, pairing: Pairing) -> None:
        """The server takes nothing from this pairing any more but what was not sent before
        (last_words.py). What the phone knew of the driver's day is wiped at once, overwritten in
        the file; what was not sent stays, unseen, until it is handed in."""
        self.db.execute("PRAGMA secure_delete = ON")
        with self.transaction() as db:
            if self.get_pairing() != pairing:
                return
            for table in DAY_TABLES:
                db.execute(f"DELETE FROM {table}")  # noqa: S608
            db.execute("DELETE FROM settings WHERE name IN ('seen_manifest', 'last_fix')")
            self.put_setting("shift", "off")
            self.put_setting("revoked", "1")
        self._decoded = None
        for path in self.door_folder.iterdir():
            path.unlink(missing_ok=True)
        self._empty_log()

    def count_lost_by_wiping(self) -> int:
        """Commands, of anybody who had this phone, that have had no effect: not sent, or refused
        and waiting for a person."""
        with self.reading() as db:
            (count,) = db.execute("SELECT count(*) FROM outbox").fetchone()
        return int(count)

    def wipe(self, pairing: Pairing, *, lost: int) -> bool:
        """Forget everything but how the screens look, overwritten in the file. False when it has
        meanwhile become somebody's phone, or more would be lost than was said."""
        self.db.execute("PRAGMA secure_delete = ON")
        with self.transaction() as db:
            if self.get_pairing() != pairing or self.count_lost_by_wiping() > lost:
                return False
            # Rows without files are noticed, files without rows are swept up only much later.
            photos = self.folder.glob("photo-*")
            for path in (*self.blob_folder.iterdir(), *self.door_folder.iterdir(), *photos):
                path.unlink(missing_ok=True)
            for table in (*DAY_TABLES, *WORK_TABLES):
                db.execute(f"DELETE FROM {table}")  # noqa: S608
            db.execute("DELETE FROM settings WHERE name NOT LIKE 'look~_%' ESCAPE '~'")
            self.put_setting("lost", str(lost))
        self._opened = None
        self._empty_log()
        return True

    def _empty_log(self) -> None:
        # The log still holds the pages as they were. With the other process in the middle of
        # reading it stays until the next commit but one.
        self.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    # Manifest

    def get_manifest(self) -> Manifest | None:
        with self.reading() as db:
            row = db.execute("SELECT body FROM manifest").fetchone()
        if row is None:
            return None
        if self._decoded is None or self._decoded[0] != row["body"]:
            try:
                self._decoded = (row["body"], decode_part(Manifest, row["body"]))
            except MalformedFrame:
                # Kept by an older app; the server sends it anew at the next connection.
                return None
        return self._decoded[1]

    def get_manifest_version(self) -> int:
        with self.reading() as db:
            row = db.execute("SELECT version FROM manifest").fetchone()
        return row["version"] if row else 0

    def save_manifest(self, manifest: Manifest) -> bool:
        """Replace the manifest. False for one older than ours, which is ignored."""
        with self.transaction() as db:
            held = self.get_manifest_version()
            if manifest.version < held:
                return False
            if manifest.version == held and manifest == self.get_manifest():
                return True
            db.execute(
                "INSERT OR REPLACE INTO manifest VALUES (1, ?, ?)",
                (manifest.version, encode_part(manifest)),
            )
            tasks = [task for stop in manifest.stops for task in stop.tasks]
            _keep_only(db, "progress", "task_id", {task.id for task in tasks})
            # A task that comes back after it was declined is offered anew.
            db.execute("DELETE FROM progress WHERE state = 'declined'")
            barcodes = {parcel.barcode for task in tasks for parcel in task.parcels}
            _keep_only(db, "loaded_parcels", "barcode", barcodes)
        return True

    def get_progress(self) -> dict[str, TaskState]:
        """How far the server has acknowledged each task, ahead of the manifest."""
        with self.reading() as db:
            rows = db.execute("SELECT task_id, state FROM progress").fetchall()
        return {row["task_id"]: row["state"] for row in rows}

    # Fixes

    def add_fix(self, make_fix: Callable[[int], Fix]) -> Fix:
        """Keep a fix under the next seq of this phone."""
        with self.transaction() as db:
            cursor = db.execute(
                "INSERT INTO fixes (driver_id, body) VALUES (?, '')", (self.get_driver_id(),)
            )
            assert cursor.lastrowid is not None
            fix = make_fix(cursor.lastrowid)
            # The fixes are deleted when the server has them; acts still say where they were done.
            self.put_setting("last_fix", encode_part(fix))
            db.execute("UPDATE fixes SET body = ? WHERE seq = ?", (encode_part(fix), fix.seq))
        return fix

    def get_last_fix(self) -> Fix | None:
        """The newest fix of this phone, sent or not."""
        body = self.get_setting("last_fix")
        return decode_part(Fix, body) if body else None

    def list_unsent_fixes(self, limit: int) -> list[Fix]:
        """The oldest fixes of the paired driver."""
        with self.reading() as db:
            rows = db.execute(
                "SELECT body FROM fixes WHERE driver_id = ? AND NOT refused ORDER BY seq LIMIT ?",
                (self.get_driver_id(), limit),
            ).fetchall()
        return [decode_part(Fix, row["body"]) for row in rows]

    def count_unsent_fixes(self) -> int:
        with self.reading() as db:
            (count,) = db.execute(
                "SELECT count(*) FROM fixes WHERE NOT refused AND driver_id ="
                " (SELECT value FROM settings WHERE name = 'driver_id')"
            ).fetchone()
        return int(count)

    def forget_fixes(self, through: int) -> None:
        """The server has stored them."""
        with self.transaction() as db:
            db.execute(
                "DELETE FROM fixes WHERE driver_id = ? AND seq <= ? AND NOT refused",
                (self.get_driver_id(), through),
            )

    def count_fixes_from(self, seq: int) -> None:
        """The next fix gets a number above `seq`. A phone that was restored from a backup would
        otherwise count again what the server already has, and its positions would be ignored."""
        with self.transaction() as db:
            db.execute("UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = 'fixes'", (seq,))

    def set_fix_aside(self, seq: int) -> None:
        """The server refused this very fix for good; it must not hold up the others."""
        with self.transaction() as db:
            db.execute("UPDATE fixes SET refused = 1 WHERE seq = ?", (seq,))

    # Notices

    def add_notice(self, notice: Notice, received_at: datetime) -> None:
        with self.transaction() as db:
            db.execute(
                "INSERT INTO notices (received_at, code, message) VALUES (?, ?, ?)",
                (received_at.isoformat(), notice.code, notice.message),
            )
            db.execute(
                "DELETE FROM notices WHERE id <= (SELECT max(id) FROM notices) - ?", (NOTICES_KEPT,)
            )

    def list_notices(self) -> tuple[ReceivedNotice, ...]:
        """Newest first."""
        with self.reading() as db:
            rows = db.execute(
                "SELECT received_at, code, message FROM notices ORDER BY id DESC"
            ).fetchall()
        return tuple(
            ReceivedNotice(
                received_at=datetime.fromisoformat(row["received_at"]),
                code=row["code"],
                message=row["message"],
            )
            for row in rows
        )


class ChangeWatch:
    """Tells cheaply whether anybody, here or in another process, has committed since last asked."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._seen: tuple[int, int] | None = None

    def has_changed(self) -> bool:
        """True the first time, then whenever there was a commit since the call before."""
        (others,) = self._store.db.execute("PRAGMA data_version").fetchone()
        now = (others, self._store.db.total_changes)
        changed = now != self._seen
        self._seen = now
        return changed


def _keep_only(db: sqlite3.Connection, table: str, column: str, kept: set[str]) -> None:
    gone = [
        (row[0],)
        for row in db.execute(f"SELECT {column} FROM {table}")  # noqa: S608
        if row[0] not in kept
    ]
    db.executemany(f"DELETE FROM {table} WHERE {column} = ?", gone)  # noqa: S608
