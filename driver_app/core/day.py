"""What the phone remembers of this day beside the work that is on its way: the run as the driver
last took note of it, the acts, and the parcels that were brought back."""

from collections.abc import Sequence
from typing import Any

from driver_app.core.store import Store
from server.protocol.codec import MalformedFrame, decode_part, encode_part
from server.protocol.envelope import FRAMES
from server.protocol.to_driver import Manifest


class Day:
    """One shift of the driver with whom the phone is paired."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get_seen_manifest(self) -> Manifest | None:
        """The run as the driver last took note of it."""
        body = self._store.get_setting("seen_manifest")
        try:
            return decode_part(Manifest, body) if body else None
        except MalformedFrame:
            return None

    def put_seen_manifest(self, manifest: Manifest) -> None:
        self._store.put_setting("seen_manifest", encode_part(manifest))

    def add_act(self, body: Any) -> None:
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO acts (frame, body) VALUES (?, ?)",
                (type(body).__name__, encode_part(body)),
            )

    def list_acts(self) -> tuple[Any, ...]:
        """What was done in this shift, the first first."""
        with self._store.reading() as db:
            rows = db.execute("SELECT frame, body FROM acts ORDER BY id").fetchall()
        return tuple(decode_part(FRAMES[row["frame"]], row["body"]) for row in rows)

    def add_brought_back(self, barcodes: Sequence[str]) -> None:
        with self._store.transaction() as db:
            db.executemany(
                "INSERT OR IGNORE INTO brought_back VALUES (?)", [(each,) for each in barcodes]
            )

    def list_brought_back(self) -> frozenset[str]:
        with self._store.reading() as db:
            return frozenset(row[0] for row in db.execute("SELECT barcode FROM brought_back"))

    def begin_day(self) -> None:
        """Yesterday's debrief is over."""
        with self._store.transaction() as db:
            db.execute("DELETE FROM acts")
            db.execute("DELETE FROM brought_back")
