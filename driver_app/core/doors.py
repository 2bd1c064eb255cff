"""Photos of doors from earlier visits, fetched while there is network, for when there is none.

Files beside the database; which of them are wanted stands in the manifest. They can be fetched
again, so nothing is flushed, and what no stop shows any more is deleted.
"""

import hashlib
from pathlib import Path

from driver_app.core.store import Store

KINDS = {b"\xff\xd8": "jpg", b"\x89P": "png"}
"""By their first bytes: who shows them goes by the name."""


class Doors:
    """The photos that the phone has of the doors in its run."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._folder = store.door_folder
        self._version, self._complete = -1, False
        self._given_up: set[str] = set()

    def find(self, sha256: str) -> Path | None:
        """Where it is, if the phone has it."""
        paths = (self._folder / f"{sha256}.{kind}" for kind in KINDS.values())
        return next((path for path in paths if path.exists()), None)

    def find_missing(self) -> str | None:
        """The next one to be fetched, in the order of the stops. Asked several times a second, so
        that a run whose doors are all there must cost nothing."""
        version = self._store.get_manifest_version()
        if version != self._version:
            self._version, self._complete = version, False
            self._given_up.clear()
        if self._complete:
            return None
        manifest = self._store.get_manifest()
        wanted = [name for stop in manifest.stops for name in stop.photos] if manifest else []
        missing = (name for name in wanted if name not in self._given_up and not self.find(name))
        found = next(missing, None)
        if found is None:
            self._complete = True
            for path in self._folder.iterdir():
                if path.stem not in wanted:
                    path.unlink(missing_ok=True)
        return found

    def keep(self, sha256: str, data: bytes) -> None:
        """What the server gave; anything else than that very photo is not asked for again."""
        kind = KINDS.get(data[:2])
        if kind is None or hashlib.sha256(data).hexdigest() != sha256:
            self.give_up(sha256)
            return
        beside = self._folder / f"{sha256}.new"
        beside.write_bytes(data)
        beside.replace(self._folder / f"{sha256}.{kind}")

    def give_up(self, sha256: str) -> None:
        """Until the next manifest."""
        self._given_up.add(sha256)
