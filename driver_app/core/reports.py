"""What all acts of a driver have in common: they are shown from what was reported, and reported in
one transaction, the files first, then the command in its lane.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from secrets import randbits
from typing import Any, cast
from uuid import UUID

from driver_app.core.day import Day
from driver_app.core.errors import AlreadyFinished
from driver_app.core.evidence import Evidence, File
from driver_app.core.outbox import Outbox
from driver_app.core.progress import CLOSED_BY_DRIVER, find_tasks, state_after
from driver_app.core.steps import ClockSteps, SinceBoot, find_since_boot
from driver_app.core.store import Store
from driver_app.core.view import Link, RunView, Shift, Snapshot, TaskView, show_run
from server.protocol.from_driver import BlobRef, Proof

Clock = Callable[[], datetime]


def read_clock() -> datetime:
    return datetime.now(UTC)


class Reports:
    """The run as the driver sees it, and the way of what the driver says to the office."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock = read_clock,
        device_model: str = "",
        since_boot: SinceBoot | None = None,
    ) -> None:
        self._store = store
        self._steps = watch_clock(store, clock, since_boot)
        self._outbox = Outbox(store)
        self._day = Day(store)
        self._clock = clock
        self._device_model = device_model

    def view(self) -> RunView:
        with self._store.reading() as db:
            pairing, lost = self._store.get_pairing(), self._store.get_setting("lost")
            barcodes = db.execute("SELECT barcode FROM loaded_parcels").fetchall()
            return show_run(
                Snapshot(
                    paired=pairing is not None,
                    revoked=pairing is not None and pairing.revoked,
                    link=cast(Link, self._store.get_setting("link") or "none"),
                    shift=cast(Shift, self._store.get_setting("shift") or "off"),
                    manifest=self._store.get_manifest(),
                    progress=self._store.get_progress(),
                    waiting=self._outbox.list_waiting(),
                    loaded_barcodes=frozenset(row["barcode"] for row in barcodes),
                    unsent_fixes=self._store.count_unsent_fixes(),
                    full_photos=self._outbox.count_full_photos(),
                    notices=self._store.list_notices(),
                    lost=None if lost is None else int(lost),
                )
            )

    def _require_open(self, task_id: str) -> TaskView | None:
        run = self.view()
        task = run.find_task(task_id)
        states = [task.state] if task else []
        for command in run.on_its_way:
            if task_id in find_tasks(command.body) and (state := state_after(command.body)):
                states.append(state)
        for state in states:
            if state in CLOSED_BY_DRIVER:
                raise AlreadyFinished(state=state)
        return task

    def _keep(self, evidence: Evidence) -> Proof:
        with self._store.transaction() as db:

            def keep(file: File) -> BlobRef:
                data, small = file.read(), file.read_small()
                return self._outbox.add_file(db, data, file.content_type, small=small)

            return Proof(
                photos=tuple(map(keep, evidence.photos)),
                signature=keep(evidence.signature) if evidence.signature else None,
                recipient_name=evidence.recipient_name,
                pin=evidence.pin,
                scans=evidence.scans,
                age_checked=evidence.age_checked,
                note=evidence.note,
            )

    def _send(self, body: Any, *, task_id: str | None = None, lane: str | None = None) -> str:
        """Queue the command in the lane of its stop; away from any stop, in `lane`."""
        task_ids = [task_id] if task_id else list(find_tasks(body))
        run = self.view()
        stop = run.find_stop_of(task_ids[0]) if task_ids else None
        if stop is not None:
            lane = f"stop:{stop.stop.id}"
        command_id = make_id(self._clock())
        with self._store.transaction() as db:
            self._steps.look()
            self._outbox.add_command(
                db,
                body,
                id=command_id,
                lane=lane or f"task:{task_ids[0]}",
                place=stop.stop.address if stop else "",
            )
        return command_id


def watch_clock(store: Store, clock: Clock, since_boot: SinceBoot | None = None) -> ClockSteps:
    """since_boot: of this phone, unless its clock is a made-up one."""
    if since_boot is None and clock is read_clock:
        since_boot = find_since_boot()
    return ClockSteps(store, clock, since_boot)


def make_id(now: datetime) -> str:
    """A UUID of version 7: unique even with a wrong clock, in order of time with a right one."""
    time_ms = int(now.timestamp() * 1000) & (2**48 - 1)
    return str(UUID(int=time_ms << 80 | 7 << 76 | randbits(12) << 64 | 2 << 62 | randbits(62)))
