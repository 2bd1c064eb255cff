"""What a driver can do. Each act is one transaction: the files, then the command in its lane; what
the screen shows is derived from that. Everything works without network.

The screens and the simulator call this; neither writes to the store in any other way.
"""

from collections.abc import Sequence
from datetime import datetime
from math import isfinite
from typing import Literal

from driver_app.core.changes import Change, list_changes
from driver_app.core.debrief import Debrief, reckon_up
from driver_app.core.errors import (
    NothingToSend,
    WrongShiftChange,
)
from driver_app.core.evidence import NO_EVIDENCE, Evidence, File, require_proof
from driver_app.core.pairing import ask_for_pairing
from driver_app.core.progress import TaskState, further
from driver_app.core.reports import Clock, Reports, make_id, read_clock
from driver_app.core.store import Pairing
from driver_app.core.view import Shift
from server.protocol.from_driver import (
    AcceptTasks,
    AddEvidence,
    ArriveAtTasks,
    CollectReturn,
    CompleteTask,
    CostKind,
    DeclineTask,
    FailTask,
    Fix,
    HandedOverParcel,
    ParcelOutcome,
    Position,
    ReportCost,
    ScanParcels,
    SendMessage,
    SetShift,
    StartTasks,
)

__all__ = ["Clock", "Driver", "Evidence", "File", "make_id", "read_clock"]

_SHIFT_AFTER: dict[tuple[Shift, str], Shift] = {
    ("off", "start"): "on",
    ("on", "break_start"): "break",
    ("break", "break_end"): "on",
    ("on", "end"): "off",
    ("break", "end"): "off",
}


class Driver(Reports):
    """One driver's phone, over a store of its own.

    clock: the phone's clock; it may be wrong or run fast, the server corrects by `sent_at`.
    """

    # Pairing

    def pair(self, server_url: str, code: str, tls_pin: str | None = None) -> Pairing:
        """Make this the phone of the driver for whom the dispatcher made the code. Needs network,
        and blocks while it asks."""
        pairing = ask_for_pairing(server_url, code, self._device_model, tls_pin)
        self._store.save_pairing(pairing)
        return pairing

    # What is shown

    def list_changes(self) -> tuple[Change, ...]:
        """What has moved in the run since the driver last took note of it."""
        with self._store.reading():
            seen, now = self._day.get_seen_manifest(), self._store.get_manifest()
        return list_changes(seen, now)

    def take_note_of_run(self) -> None:
        """The driver knows the run as it is now."""
        with self._store.transaction():
            manifest = self._store.get_manifest()
            if manifest is not None:
                self._day.put_seen_manifest(manifest)

    def debrief(self) -> Debrief:
        with self._store.reading():
            return reckon_up(self.view(), self._day.list_acts(), self._day.list_brought_back())

    def here_since(self, task_id: str) -> datetime | None:
        """When the driver said to have come to the stop of this task, in this shift."""
        return next(
            (
                act.occurred_at
                for act in self._day.list_acts()
                if isinstance(act, ArriveAtTasks) and task_id in act.task_ids
            ),
            None,
        )

    def list_written(self) -> tuple[SendMessage, ...]:
        """What the driver wrote to the office in this shift, sent or not."""
        return tuple(act for act in self._day.list_acts() if isinstance(act, SendMessage))

    # On the way

    def accept(self, task_ids: Sequence[str], position: Position | None = None) -> None:
        """Take the tasks; those that are further on already stay as they are."""
        self._move_on(AcceptTasks, "accepted", task_ids, position)

    def start(self, task_ids: Sequence[str], position: Position | None = None) -> None:
        """Set off to the stop of these tasks."""
        self._move_on(StartTasks, "en_route", task_ids, position)

    def arrive(self, task_ids: Sequence[str], position: Position | None = None) -> None:
        """Be at the stop of these tasks."""
        self._move_on(ArriveAtTasks, "arrived", task_ids, position)

    def decline(self, task_id: str, reason: str, position: Position | None = None) -> str:
        with self._store.transaction():
            self._require_open(task_id)
            return self._send(
                DeclineTask(
                    task_id=task_id, reason=reason, occurred_at=self._clock(), position=position
                )
            )

    # At the door

    def complete(
        self,
        task_id: str,
        outcome_code: str,
        evidence: Evidence = NO_EVIDENCE,
        *,
        parcels: Sequence[ParcelOutcome] = (),
        cash_minor: int | None = None,
        position: Position | None = None,
    ) -> str:
        """Delivered or picked up, wholly or in part. A task that the server has meanwhile taken
        back is completed all the same: it happened.

        parcels: only those whose outcome is not the task's.
        """
        with self._store.transaction():
            task = self._require_open(task_id)
            if task is not None:
                require_proof(task.task, evidence, parcels)
            body = CompleteTask(
                task_id=task_id,
                outcome_code=outcome_code,
                occurred_at=self._clock(),
                position=position,
                parcels=tuple(parcels),
                proof=self._keep(evidence),
                cash_minor=cash_minor,
            )
            self._day.add_act(body)
            return self._send(body)

    def fail(
        self,
        task_id: str,
        outcome_code: str,
        evidence: Evidence = NO_EVIDENCE,
        *,
        position: Position | None = None,
    ) -> str:
        """It could not be done; the evidence shows the attempt."""
        with self._store.transaction():
            self._require_open(task_id)
            return self._send(
                FailTask(
                    task_id=task_id,
                    outcome_code=outcome_code,
                    occurred_at=self._clock(),
                    position=position,
                    proof=self._keep(evidence),
                )
            )

    def collect_return(
        self,
        parcels: Sequence[HandedOverParcel],
        *,
        at_task_id: str | None = None,
        reason: str = "",
        evidence: Evidence = NO_EVIDENCE,
        position: Position | None = None,
    ) -> str:
        """Take goods that nobody announced. (An announced return is a task: `complete`.)"""
        if not parcels:
            raise NothingToSend(thing="parcel")
        with self._store.transaction():
            body = CollectReturn(
                occurred_at=self._clock(),
                parcels=tuple(parcels),
                at_task_id=at_task_id,
                reason=reason,
                position=position,
                proof=self._keep(evidence),
            )
            self._day.add_act(body)
            return self._send(body, task_id=at_task_id, lane="returns")

    # Afterwards, and beside the work

    def add_evidence(
        self, task_id: str, photos: Sequence[File], position: Position | None = None
    ) -> str:
        """Photos of what was reported already."""
        if not photos:
            raise NothingToSend(thing="photo")
        with self._store.transaction():
            return self._send(
                AddEvidence(
                    task_id=task_id,
                    occurred_at=self._clock(),
                    position=position,
                    proof=self._keep(Evidence(photos=tuple(photos))),
                )
            )

    def report_cost(
        self,
        kind: CostKind,
        amount_minor: int,
        currency: str,
        *,
        at_task_id: str | None = None,
        note: str = "",
        receipts: Sequence[File] = (),
        position: Position | None = None,
    ) -> str:
        """Something was paid on the way. receipts: photos of them."""
        if amount_minor <= 0:
            raise NothingToSend(thing="amount")
        with self._store.transaction():
            return self._send(
                ReportCost(
                    kind=kind,
                    amount_minor=amount_minor,
                    currency=currency,
                    occurred_at=self._clock(),
                    at_task_id=at_task_id,
                    note=note,
                    position=position,
                    proof=self._keep(Evidence(photos=tuple(receipts))),
                ),
                task_id=at_task_id,
                lane="costs",
            )

    def write_to_office(self, text: str, position: Position | None = None) -> str:
        if not text.strip():
            raise NothingToSend(thing="word")
        with self._store.transaction():
            body = SendMessage(text=text.strip(), occurred_at=self._clock(), position=position)
            self._day.add_act(body)
            return self._send(body, lane="messages")

    # The van and the shift

    def scan(
        self,
        barcodes: Sequence[str],
        purpose: Literal["load", "unload"],
        position: Position | None = None,
    ) -> str:
        """Parcels loaded into the van, or brought back to the depot."""
        if not barcodes:
            raise NothingToSend(thing="parcel")
        with self._store.transaction():
            body = ScanParcels(
                barcodes=tuple(barcodes),
                purpose=purpose,
                occurred_at=self._clock(),
                position=position,
            )
            if purpose == "unload":
                self._day.add_brought_back(barcodes)
            return self._send(body, lane="scans")

    def set_shift(
        self,
        change: Literal["start", "break_start", "break_end", "end"],
        *,
        odometer_km: int | None = None,
        position: Position | None = None,
    ) -> str:
        with self._store.transaction():
            shift = self.view().shift
            after = _SHIFT_AFTER.get((shift, change))
            if after is None:
                raise WrongShiftChange(shift=shift, change=change)
            self._store.put_setting("shift", after)
            if change == "start":
                self._day.begin_day()
            body = SetShift(
                change=change,
                occurred_at=self._clock(),
                position=position,
                odometer_km=odometer_km,
            )
            return self._send(body, lane="shift")

    def record_fix(
        self,
        lon: float,
        lat: float,
        accuracy_m: float,
        *,
        speed_mps: float | None = None,
        heading_deg: float | None = None,
        taken_at: datetime | None = None,
    ) -> Fix | None:
        """Keep a GPS reading. None, and nothing kept, off duty or on a break (a driver is not
        followed then, whatever the device delivers) and when the reading is not a number."""
        numbers = (lon, lat, accuracy_m, speed_mps or 0.0, heading_deg or 0.0)
        if not all(map(isfinite, numbers)) or self._store.get_setting("shift") != "on":
            return None
        self._steps.look()
        return self._store.add_fix(
            lambda seq: Fix(
                seq=seq,
                taken_at=taken_at or self._clock(),
                lon=lon,
                lat=lat,
                accuracy_m=accuracy_m,
                speed_mps=speed_mps,
                heading_deg=heading_deg,
            )
        )

    # What needs attention

    def send_again(self, command_id: str, *, without_files: bool = False) -> None:
        """Try a refused command once more, if need be without the files that are damaged. It goes
        under a new id, because the server repeats its answer to the old one."""
        self._outbox.send_again(
            command_id, new_id=make_id(self._clock()), without_files=without_files
        )

    def dismiss(self, command_id: str) -> None:
        """Throw a refused command away: the driver has settled it with the dispatcher."""
        self._outbox.dismiss(command_id)

    # Inside one transaction

    def _move_on(
        self,
        command: type[AcceptTasks] | type[StartTasks] | type[ArriveAtTasks],
        state: TaskState,
        task_ids: Sequence[str],
        position: Position | None,
    ) -> None:
        with self._store.transaction():
            run = self.view()
            by_stop: dict[str | None, list[str]] = {}
            for task_id in dict.fromkeys(task_ids):
                task, stop = run.find_task(task_id), run.find_stop_of(task_id)
                if task is None or further(task.state, state) != task.state:
                    by_stop.setdefault(stop.stop.id if stop else None, []).append(task_id)
            for tasks in by_stop.values():
                body = command(task_ids=tuple(tasks), occurred_at=self._clock(), position=position)
                if isinstance(body, ArriveAtTasks):
                    self._day.add_act(body)
                self._send(body)
