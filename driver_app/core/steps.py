"""The phone's clock may be set while work waits: by hand, by the network, two hours back.

The server puts the time of an act right by how wrong the phone's clock is when the act is sent. Had
the clock been right at the act, and was set back since, that would move the act by two hours. So
what waits always tells its time by the clock as it is now: a step is seen by comparing the clock
with the time since the phone was started, which nobody can set, and everything that waits is moved
by as much.

Across a restart of the phone no step can be seen.
"""

import math
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from driver_app.core.store import Store
from server.protocol.codec import decode_part, encode_part
from server.protocol.envelope import FRAMES
from server.protocol.from_driver import Fix

STEP_MIN_S = 30.0
"""Less is the clock being slewed, and less than the server cares for."""
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

SinceBoot = Callable[[], tuple[str, float]]
"""Which start of the phone it is, and the seconds since then, those asleep too."""


def read_since_boot() -> tuple[str, float]:
    return BOOT_ID.read_text().strip(), time.clock_gettime(time.CLOCK_BOOTTIME)


def find_since_boot() -> SinceBoot | None:
    """None where the system does not tell it; then no step is seen."""
    try:
        read_since_boot()
    except (OSError, AttributeError):
        return None
    return read_since_boot


class ClockSteps:
    """Looks whether the clock was set, and moves what waits.

    since_boot: None when the clock may run fast, as in a simulation, or nothing is known.
    """

    def __init__(
        self, store: Store, clock: Callable[[], datetime], since_boot: SinceBoot | None
    ) -> None:
        self._store = store
        self._clock = clock
        self._since_boot = since_boot

    def look(self) -> None:
        """Before the time is told to anybody, and before an act is added to those that wait."""
        if self._since_boot is None:
            return
        boot, since_s = self._since_boot()
        began_s = self._clock().timestamp() - since_s
        if abs(self._find_step_s(boot, began_s)) < STEP_MIN_S:
            return
        with self._store.transaction():
            # The other process may have seen it meanwhile.
            step_s = self._find_step_s(boot, began_s)
            if abs(step_s) >= STEP_MIN_S:
                self._store.put_setting("clock_began", f"{boot} {began_s!r}")
                if step_s != math.inf:
                    self._move(timedelta(seconds=step_s))

    def _find_step_s(self, boot: str, began_s: float) -> float:
        """How far the clock was set forward since the last look; endless, when that was before the
        phone was started."""
        known_boot, _, known_s = (self._store.get_setting("clock_began") or "").partition(" ")
        return began_s - float(known_s) if known_boot == boot else math.inf

    def _move(self, step: timedelta) -> None:
        with self._store.transaction() as db:
            for table in ("outbox", "acts"):
                rows = db.execute(f"SELECT rowid, frame, body FROM {table}").fetchall()  # noqa: S608
                db.executemany(
                    f"UPDATE {table} SET body = ? WHERE rowid = ?",  # noqa: S608
                    [
                        (_moved(FRAMES[row["frame"]], row["body"], "occurred_at", step), row[0])
                        for row in rows
                    ],
                )
            fixes = db.execute("SELECT seq, body FROM fixes").fetchall()
            db.executemany(
                "UPDATE fixes SET body = ? WHERE seq = ?",
                [(_moved(Fix, row["body"], "taken_at", step), row["seq"]) for row in fixes],
            )
            if last := self._store.get_setting("last_fix"):
                self._store.put_setting("last_fix", _moved(Fix, last, "taken_at", step))


def _moved(kind: type[Any], text: str, field: str, step: timedelta) -> str:
    body = decode_part(kind, text)
    return encode_part(replace(body, **{field: getattr(body, field) + step}))
