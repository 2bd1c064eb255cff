"""Commands, and the files they refer to, from the tap until the server has them.

A command gets its id once; the server dedupes on it, so sending again is always safe. Only when
the server has refused it, and so done nothing, does another try get another id. Commands
about one stop share a lane: they go in order, one in flight. Lanes do not wait for each other, and
a rejected command leaves its lane. A lease says who is sending; it runs out, so that a killed
process holds nothing up. A command goes only after all its files are uploaded; a file is deleted
only after its last command was acknowledged.

Not here: sockets and HTTP (sync.py).
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from driver_app.core.errors import UnknownCommand
from driver_app.core.files import Files, names_of
from driver_app.core.progress import find_tasks, further, state_after
from server.protocol.codec import decode_part, encode_part
from server.protocol.envelope import FRAMES
from server.protocol.from_driver import BlobRef, ScanParcels

MENDS = 5
"""How often a command is repeated because the server misses its files, before a person looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingCommand:
    """A command that the server has not acknowledged.

    place: where it happened, in words, also when the manifest does not know the task any more.
    reject_code, reject_message: why the server cannot use it; None while it is on its way.
    """

    id: str
    lane: str
    body: Any
    place: str
    attempts: int
    reject_code: str | None
    reject_message: str | None

    @property
    def rejected(self) -> bool:
        return self.reject_code is not None


class Outbox(Files):
    """The commands and blobs in the store, for the driver that the phone is paired with."""

    # Filling

    def add_command(
        self, db: sqlite3.Connection, body: Any, *, id: str, lane: str, place: str
    ) -> None:
        """Queue a command, in the transaction in which its files were added."""
        text = encode_part(body)
        # What this phone could not read back, the server could not either.
        decode_part(type(body), text)
        driver_id = self._store.get_driver_id()
        tasks = find_tasks(body)
        # Unsent work keeps its order even if the plan has moved the task to another stop.
        for command in self.list_waiting():
            if set(tasks) & set(find_tasks(command.body)):
                lane, place = command.lane, place or command.place
        db.execute(
            "INSERT INTO outbox (id, driver_id, lane, frame, body, place)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (id, driver_id, lane, type(body).__name__, text, place),
        )
        db.executemany(
            "INSERT OR IGNORE INTO command_blobs VALUES (?, ?)",
            [(id, sha256) for blob in list_files(body) for sha256 in names_of(blob)],
        )

    # Reading

    def list_waiting(self) -> tuple[WaitingCommand, ...]:
        """All that is not acknowledged, in the order in which it happened."""
        with self._store.reading() as db:
            rows = db.execute(
                "SELECT * FROM outbox WHERE driver_id ="
                " (SELECT value FROM settings WHERE name = 'driver_id') ORDER BY position"
            ).fetchall()
        return tuple(_to_command(row) for row in rows)

    def count_unsent(self) -> int:
        """Commands on their way; rejected ones wait for a person, not for the network."""
        with self._store.reading() as db:
            (count,) = db.execute(
                "SELECT count(*) FROM outbox WHERE state <> 'rejected' AND driver_id ="
                " (SELECT value FROM settings WHERE name = 'driver_id')"
            ).fetchone()
        return int(count)

    # Sending commands

    def lease(
        self, owner: str, *, now_s: float, lease_s: float, limit: int
    ) -> list[WaitingCommand]:
        """The commands that may go now: the first of each lane, its files uploaded, and nobody
        else sending it.

        Those tried least go first: one that the server stumbles over holds up only its lane.

        now_s: a clock that no one sets (time.monotonic). It starts anew with the phone; a lease
            that ends further away than any lease can is from before that and counts for nothing.
        """
        with self._store.transaction() as db:
            rows = db.execute(
                """SELECT * FROM outbox AS head
                WHERE driver_id = :driver_id AND state <> 'rejected'
                AND (state = 'queued' OR lease_ends_s <= :now_s OR lease_ends_s > :now_s + :lease_s)
                AND NOT EXISTS (
                    SELECT 1 FROM outbox AS earlier
                    WHERE earlier.driver_id = head.driver_id AND earlier.lane = head.lane
                    AND earlier.position < head.position AND earlier.state <> 'rejected')
                AND NOT EXISTS (
                    SELECT 1 FROM command_blobs JOIN blobs USING (sha256)
                    WHERE command_id = head.id AND NOT uploaded AND NOT later)
                ORDER BY attempts, position LIMIT :limit""",
                {
                    "driver_id": self._store.get_driver_id(),
                    "now_s": now_s,
                    "lease_s": lease_s,
                    "limit": limit,
                },
            ).fetchall()
            db.executemany(
                "UPDATE outbox SET state = 'leased', leased_by = ?, lease_ends_s = ?,"
                " attempts = attempts + 1 WHERE id = ?",
                [(owner, now_s + lease_s, row["id"]) for row in rows],
            )
        return [_to_command(row) for row in rows]

    def release(self, owner: str) -> None:
        """Its connection is gone: no answer will come to what this owner has sent."""
        with self._store.transaction() as db:
            db.execute(
                "UPDATE outbox SET state = 'queued', leased_by = NULL, lease_ends_s = NULL"
                " WHERE state = 'leased' AND leased_by = ?",
                (owner,),
            )

    def acknowledge(self, command_ids: Iterable[str]) -> None:
        """The server has them for good: forget them, and the files that only they needed."""
        with self._store.transaction() as db:
            for command_id in command_ids:
                row = db.execute("SELECT * FROM outbox WHERE id = ?", (command_id,)).fetchone()
                if row is not None:
                    self._keep_effect(db, _to_command(row).body)
                    self._forget(db, command_id)

    def reject(self, command_id: str, code: str, message: str) -> None:
        """The server can never use it: it leaves its lane and waits for a person."""
        with self._store.transaction() as db:
            db.execute(
                "UPDATE outbox SET state = 'rejected', leased_by = NULL, lease_ends_s = NULL,"
                " reject_code = ?, reject_message = ? WHERE id = ?",
                (code, message, command_id),
            )

    # Files that cannot be uploaded

    def reject_file(self, sha256: str, code: str, message: str) -> None:
        """The file can never be uploaded: what refers to it waits for a person."""
        with self._store.transaction() as db:
            for (command_id,) in db.execute(
                "SELECT command_id FROM command_blobs WHERE sha256 = ?", (sha256,)
            ).fetchall():
                self.reject(command_id, code, message)

    def go_without_file(self, sha256: str) -> None:
        """The file can never be uploaded, and no person will look after it: what refers to it is
        told without it."""
        with self._store.transaction() as db:
            for (command_id,) in db.execute(
                "SELECT command_id FROM command_blobs WHERE sha256 = ?", (sha256,)
            ).fetchall():
                row = db.execute("SELECT * FROM outbox WHERE id = ?", (command_id,)).fetchone()
                body = _without_files(_to_command(row).body, {sha256})
                db.execute(
                    "UPDATE outbox SET body = ? WHERE id = ?", (encode_part(body), command_id)
                )
                self._unlink_unused(db, command_id, keep=list_files(body))

    def upload_again(self, command_id: str, *, new_id: str) -> bool:
        """The server misses files of this command: they go once more, and then the command under
        a new id. False when that was tried often enough."""
        with self._store.transaction() as db:
            row = db.execute("SELECT attempts FROM outbox WHERE id = ?", (command_id,)).fetchone()
            if row is None or row["attempts"] >= MENDS:
                return False
            db.execute(
                "UPDATE blobs SET uploaded = 0 WHERE NOT later AND sha256 IN"
                " (SELECT sha256 FROM command_blobs WHERE command_id = ?)",
                (command_id,),
            )
            db.execute(
                "UPDATE outbox SET id = ?, state = 'queued', leased_by = NULL,"
                " lease_ends_s = NULL WHERE id = ?",
                (new_id, command_id),
            )
        return True

    # What needs attention

    def send_again(self, command_id: str, *, new_id: str, without_files: bool = False) -> None:
        """Put a rejected command back into its lane, under a new id.

        without_files: leave out the files that could not be uploaded; the fact itself counts more.
        """
        with self._store.transaction() as db:
            row = self._get_rejected(db, command_id)
            if without_files:
                command = _to_command(row)
                body = _without_files(command.body, self._list_missing(db, command_id))
                db.execute(
                    "UPDATE outbox SET body = ? WHERE id = ?", (encode_part(body), command_id)
                )
                self._unlink_unused(db, command_id, keep=list_files(body))
            db.execute(
                "UPDATE outbox SET id = ?, state = 'queued', attempts = 0, reject_code = NULL,"
                " reject_message = NULL WHERE id = ?",
                (new_id, command_id),
            )

    def dismiss(self, command_id: str) -> None:
        """A person has seen to it; only a rejected command can be thrown away."""
        with self._store.transaction() as db:
            self._get_rejected(db, command_id)
            db.execute(
                "UPDATE blobs SET later = 0 WHERE sha256 IN"
                " (SELECT sha256 FROM command_blobs WHERE command_id = ?)",
                (command_id,),
            )
            self._forget(db, command_id)

    # Inside one transaction

    def _keep_effect(self, db: sqlite3.Connection, body: Any) -> None:
        """Until a manifest says it too, the screen must not fall back to before the tap."""
        state = state_after(body)
        if state is not None:
            held = self._store.get_progress()
            db.executemany(
                "INSERT OR REPLACE INTO progress VALUES (?, ?)",
                [(task, further(held.get(task, state), state)) for task in find_tasks(body)],
            )
        if isinstance(body, ScanParcels):
            statement = (
                "INSERT OR IGNORE INTO loaded_parcels VALUES (?)"
                if body.purpose == "load"
                else "DELETE FROM loaded_parcels WHERE barcode = ?"
            )
            db.executemany(statement, [(barcode,) for barcode in body.barcodes])

    def _forget(self, db: sqlite3.Connection, command_id: str) -> None:
        self._unlink_unused(db, command_id, keep=())
        db.execute("DELETE FROM outbox WHERE id = ?", (command_id,))

    def _unlink_unused(
        self, db: sqlite3.Connection, command_id: str, *, keep: Sequence[BlobRef]
    ) -> None:
        kept = {sha256 for blob in keep for sha256 in names_of(blob)}
        for (sha256,) in db.execute(
            "SELECT sha256 FROM command_blobs WHERE command_id = ?", (command_id,)
        ).fetchall():
            if sha256 in kept:
                continue
            db.execute(
                "DELETE FROM command_blobs WHERE command_id = ? AND sha256 = ?",
                (command_id, sha256),
            )
            self._delete_unless_needed(db, sha256)

    def _get_rejected(self, db: sqlite3.Connection, command_id: str) -> sqlite3.Row:
        row: sqlite3.Row | None = db.execute(
            "SELECT * FROM outbox WHERE id = ? AND state = 'rejected'", (command_id,)
        ).fetchone()
        if row is None:
            raise UnknownCommand
        return row

    def _list_missing(self, db: sqlite3.Connection, command_id: str) -> set[str]:
        return {
            row["sha256"]
            for row in db.execute(
                "SELECT sha256 FROM command_blobs JOIN blobs USING (sha256)"
                " WHERE command_id = ? AND NOT uploaded AND NOT later",
                (command_id,),
            )
        }


def list_files(body: Any) -> tuple[BlobRef, ...]:
    """The files that a command refers to."""
    proof = getattr(body, "proof", None)
    if proof is None:
        return ()
    return (*proof.photos, *([proof.signature] if proof.signature else []))


def _without_files(body: Any, missing: set[str]) -> Any:
    proof = body.proof
    photos = tuple(photo for photo in proof.photos if not missing.intersection(names_of(photo)))
    signature = proof.signature
    if signature is not None and signature.sha256 in missing:
        signature = None
    return replace(body, proof=replace(proof, photos=photos, signature=signature))


def _to_command(row: sqlite3.Row) -> WaitingCommand:
    return WaitingCommand(
        id=row["id"],
        lane=row["lane"],
        body=decode_part(FRAMES[row["frame"]], row["body"]),
        place=row["place"],
        attempts=row["attempts"],
        reject_code=row["reject_code"],
        reject_message=row["reject_message"],
    )
