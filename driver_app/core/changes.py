"""What has moved in a run since the driver last looked. Pure; the screen says it in words.

Only what a driver acts on counts: stops that come, go or change places, another task or proof at a
door, and a time that moved by more than `LATER_S`.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from server.protocol.to_driver import Manifest, ManifestStop, ManifestTask

LATER_S = 600
_OVER = ("completed", "failed", "cancelled")

Kind = Literal["added", "removed", "moved", "later", "tasks", "next"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """number, old: the stop's place in the run, from 1; 0 when it has or had none."""

    kind: Kind
    place: str
    number: int = 0
    old: int = 0
    at: datetime | None = None


def list_changes(before: Manifest | None, after: Manifest | None) -> tuple[Change, ...]:
    """Nothing when there is nothing to compare with: another run is not a changed one."""
    if before is None or after is None or before.run_id != after.run_id:
        return ()
    old = {stop.id: (number, stop) for number, stop in _open_stops(before)}
    new = {stop.id: (number, stop) for number, stop in _open_stops(after)}
    # What the driver has finished meanwhile did not drop out of the run.
    kept = {stop.id for stop in after.stops}
    changes = [
        Change(kind="removed", place=stop.address, old=number)
        for stop_id, (number, stop) in old.items()
        if stop_id not in kept
    ]
    moved = _find_moved(
        [each for each in old if each in new], [each for each in new if each in old]
    )
    for stop_id, (number, stop) in new.items():
        if stop_id not in old:
            changes.append(Change(kind="added", place=stop.address, number=number))
            continue
        was_number, was = old[stop_id]
        if _demands(was) != _demands(stop):
            changes.append(Change(kind="tasks", place=stop.address, number=number))
        if stop_id in moved:
            changes.append(Change(kind="moved", place=stop.address, number=number, old=was_number))
        elif (stop.planned_arrival_at - was.planned_arrival_at).total_seconds() > LATER_S:
            changes.append(
                Change(kind="later", place=stop.address, number=number, at=stop.planned_arrival_at)
            )
    first_old, first_new = next(iter(old), None), next(iter(new), None)
    if changes and first_new is not None and first_new != first_old and first_old in kept:
        changes.append(Change(kind="next", place=new[first_new][1].address))
    return tuple(changes)


def _open_stops(manifest: Manifest) -> list[tuple[int, ManifestStop]]:
    return [
        (number, stop)
        for number, stop in enumerate(manifest.stops, start=1)
        if any(task.state not in _OVER for task in stop.tasks)
    ]


def _demands(stop: ManifestStop) -> tuple[str, str, frozenset[ManifestTask]]:
    """All that the driver must know there, apart from how far each task is."""
    tasks = frozenset(
        replace(task, state="assigned", contact_phone="")
        for task in stop.tasks
        if task.state not in ("completed", "failed")
    )
    return stop.address, stop.access_note, tasks


def _find_moved(before: list[str], after: list[str]) -> set[str]:
    """The fewest stops that need to change places: those outside the longest common order."""
    position = {stop_id: index for index, stop_id in enumerate(before)}
    best: list[tuple[int, int | None]] = []
    for index, stop_id in enumerate(after):
        length, previous = max(
            (
                (best[earlier][0], earlier)
                for earlier in range(index)
                if position[after[earlier]] < position[stop_id]
            ),
            default=(0, None),
        )
        best.append((length + 1, previous))
    at: int | None = max(range(len(best)), key=lambda index: best[index][0], default=None)
    kept = set()
    while at is not None:
        kept.add(after[at])
        at = best[at][1]
    return set(after) - kept
