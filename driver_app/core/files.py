"""Files that commands refer to, from the tap until the server has them.

A file is kept under its hash, durably, before its row is. Of a photo in two sizes the command waits
for the small one only; the full one belongs to no command once that was acknowledged, and stays
until it is uploaded.
"""

import hashlib
import os
import sqlite3
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from driver_app.core.store import Store
from server.protocol.from_driver import BlobRef

SMALL_FILE_BYTES = 32 * 1024
FULL_ONES = (
    "later AND NOT uploaded AND driver_id = (SELECT value FROM settings WHERE name = 'driver_id')"
)


class Files:
    """The blobs in the store and in its folder."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add_file(
        self,
        db: sqlite3.Connection,
        data: bytes,
        content_type: str,
        *,
        small: bytes | None = None,
    ) -> BlobRef:
        """Keep a file under its hash: first the file, durably, then its row.

        Within the caller's transaction, so that nobody deletes an equal file in between.

        small: the same photo, smaller. Then the command waits for that one only.
        """
        if small is None or len(small) >= len(data):
            return self._add_one(db, data, content_type, later=False)
        first = self._add_one(db, small, content_type, later=False)
        full = self._add_one(db, data, content_type, later=True)
        return replace(full, small_sha256=first.sha256)

    def _add_one(
        self, db: sqlite3.Connection, data: bytes, content_type: str, *, later: bool
    ) -> BlobRef:
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.path_of(sha256)
        if not path.exists():
            temporary = path.with_name(f"{sha256}.{uuid4().hex}.tmp")
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                self._fsync(file.fileno())
            temporary.replace(path)
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                self._fsync(folder)
            finally:
                os.close(folder)
        db.execute(
            "INSERT INTO blobs (sha256, size_bytes, content_type, later, driver_id)"
            " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET later = min(later, excluded.later)",
            (sha256, len(data), content_type, later, self._store.get_driver_id()),
        )
        return BlobRef(sha256=sha256, size_bytes=len(data), content_type=content_type)

    def find_next_upload(
        self, set_aside: Collection[str] = (), *, full: bool = True
    ) -> BlobRef | None:
        """What is small, such as signatures, first; then the file that the oldest waiting command
        needs; then, if `full`, photos of which the server has a small one. Apart from those set
        aside."""
        with self._store.reading() as db:
            rows = db.execute(
                """SELECT sha256, size_bytes, content_type
                FROM blobs JOIN command_blobs USING (sha256)
                JOIN outbox ON outbox.id = command_id
                WHERE NOT uploaded AND NOT later AND state <> 'rejected' AND outbox.driver_id =
                    (SELECT value FROM settings WHERE name = 'driver_id')
                ORDER BY size_bytes > ?, position""",
                (SMALL_FILE_BYTES,),
            ).fetchall()
            if full:
                rows += db.execute(
                    f"SELECT sha256, size_bytes, content_type FROM blobs WHERE {FULL_ONES}"  # noqa: S608
                    " ORDER BY rowid"
                ).fetchall()
        return next((BlobRef(**dict(row)) for row in rows if row["sha256"] not in set_aside), None)

    def count_full_photos(self) -> int:
        """Photos that have gone in a small size only."""
        with self._store.reading() as db:
            (count,) = db.execute(f"SELECT count(*) FROM blobs WHERE {FULL_ONES}").fetchone()  # noqa: S608
        return int(count)

    def mark_uploaded(self, sha256: str) -> None:
        with self._store.transaction() as db:
            db.execute("UPDATE blobs SET uploaded = 1 WHERE sha256 = ?", (sha256,))
            self._delete_unless_needed(db, sha256)

    def give_up_full_photo(self, sha256: str) -> bool:
        """The full size can never be uploaded; the small one has to do. False when the file is
        no such one."""
        with self._store.transaction() as db:
            is_one = db.execute(
                "SELECT 1 FROM blobs WHERE sha256 = ? AND later", (sha256,)
            ).fetchone()
            if is_one:
                self.mark_uploaded(sha256)
        return is_one is not None

    def is_intact(self, blob: BlobRef) -> bool:
        """Whether the file on the phone still is what its name says."""
        try:
            data = self.path_of(blob.sha256).read_bytes()
        except FileNotFoundError:
            return False
        return hashlib.sha256(data).hexdigest() == blob.sha256

    def path_of(self, sha256: str) -> Path:
        return self._store.blob_folder / sha256

    def sweep_strays(self, *, older_than_s: float, now_s: float) -> None:
        """Delete files that no row knows: a process was killed between the file and the row.

        now_s: the time of the system's clock, which also dated the files.
        """
        with self._store.transaction() as db:
            known = {row["sha256"] for row in db.execute("SELECT sha256 FROM blobs")}
            for path in self._store.blob_folder.iterdir():
                if path.name not in known and path.stat().st_mtime < now_s - older_than_s:
                    path.unlink()

    # Inside one transaction

    def _fsync(self, descriptor: int) -> None:
        if self._store.fsync:
            os.fsync(descriptor)

    def _delete_unless_needed(self, db: sqlite3.Connection, sha256: str) -> None:
        """By a command, or, as the full size of a photo, by the office."""
        deleted = db.execute(
            "DELETE FROM blobs WHERE sha256 = :sha256 AND (uploaded OR NOT later)"
            " AND NOT EXISTS (SELECT 1 FROM command_blobs WHERE sha256 = :sha256)",
            {"sha256": sha256},
        )
        if deleted.rowcount:
            # Inside the transaction: nobody can be adding an equal file meanwhile. Killed before
            # the commit, the command goes once more, and its file is at the server.
            self.path_of(sha256).unlink(missing_ok=True)


def names_of(file: BlobRef) -> tuple[str, ...]:
    return (file.sha256, file.small_sha256) if file.small_sha256 else (file.sha256,)
