"""What the driver sees: the manifest, moved forward by everything that the phone has done since.

Pure: `show_run(Snapshot) -> RunView`. Work that the server has not acknowledged is always in it,
also when a newer manifest has moved or removed the stop where it was done.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from driver_app.core.outbox import WaitingCommand
from driver_app.core.progress import FINISHED, TaskState, find_tasks, further, state_after
from driver_app.core.store import ReceivedNotice
from server.protocol.from_driver import ScanParcels
from server.protocol.to_driver import Manifest, ManifestStop, ManifestTask

Shift = Literal["off", "on", "break"]
Link = Literal["socket", "post", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All that the phone knows at one moment.

    progress: the states that the server has acknowledged, ahead of the manifest.
    waiting: every command without an Ack, in the order of the acts.
    """

    paired: bool
    revoked: bool
    link: Link
    shift: Shift
    manifest: Manifest | None
    progress: Mapping[str, TaskState]
    waiting: tuple[WaitingCommand, ...]
    loaded_barcodes: frozenset[str]
    unsent_fixes: int
    notices: tuple[ReceivedNotice, ...]
    full_photos: int = 0
    lost: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """One task as it is for the driver.

    waiting: something about it is still on its way.
    overruled: the server has cancelled it, the driver has done it: the dispatcher settles that.
    """

    task: ManifestTask
    state: TaskState
    waiting: bool
    overruled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StopView:
    """One stop. Its state is that of its furthest open task, or, when none is open, of its best."""

    stop: ManifestStop
    tasks: tuple[TaskView, ...]
    state: TaskState

    @property
    def finished(self) -> bool:
        return self.state in FINISHED


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """All that the screens show.

    on_its_way: commands without an answer, oldest first.
    needs_attention: commands that the server refused, with its reason.
    elsewhere: commands of either kind whose tasks are not in the manifest any more.
    full_photos: photos that the office has in a small size only, and waits for.
    lost: acts that went with the last wiping of this phone; None when it was not wiped, or has been
        paired since.
    """

    paired: bool
    revoked: bool
    link: Link
    shift: Shift
    manifest: Manifest | None
    stops: tuple[StopView, ...]
    next_stop: StopView | None
    finished_stops: int
    on_its_way: tuple[WaitingCommand, ...]
    needs_attention: tuple[WaitingCommand, ...]
    elsewhere: tuple[WaitingCommand, ...]
    loaded_barcodes: frozenset[str]
    unsent_fixes: int
    notices: tuple[ReceivedNotice, ...]
    full_photos: int = 0
    lost: int | None = None

    def find_task(self, task_id: str) -> TaskView | None:
        for stop in self.stops:
            for task in stop.tasks:
                if task.task.id == task_id:
                    return task
        return None

    def find_stop_of(self, task_id: str) -> StopView | None:
        for stop in self.stops:
            if any(task.task.id == task_id for task in stop.tasks):
                return stop
        return None


def show_run(snapshot: Snapshot) -> RunView:
    """Manifest + progress + waiting commands. A rejected command changes nothing that is shown:
    the driver sees it under 'needs attention' and the task as the server has it."""
    waiting_states: dict[str, TaskState] = {}
    for command in snapshot.waiting:
        state = None if command.rejected else state_after(command.body)
        if state is not None:
            for task_id in find_tasks(command.body):
                waiting_states[task_id] = further(waiting_states.get(task_id, state), state)
    manifest_stops = snapshot.manifest.stops if snapshot.manifest else ()
    stops = tuple(
        _show_stop(stop, snapshot.progress, waiting_states) for stop in manifest_stops if stop.tasks
    )
    known = {task.id for stop in manifest_stops for task in stop.tasks}
    return RunView(
        paired=snapshot.paired,
        revoked=snapshot.revoked,
        link=snapshot.link,
        shift=snapshot.shift,
        manifest=snapshot.manifest,
        stops=stops,
        next_stop=_find_next(stops),
        finished_stops=sum(stop.finished for stop in stops),
        on_its_way=tuple(command for command in snapshot.waiting if not command.rejected),
        needs_attention=tuple(command for command in snapshot.waiting if command.rejected),
        elsewhere=tuple(
            command
            for command in snapshot.waiting
            if (tasks := find_tasks(command.body)) and not known.intersection(tasks)
        ),
        loaded_barcodes=_show_loaded(snapshot),
        unsent_fixes=snapshot.unsent_fixes,
        notices=snapshot.notices,
        full_photos=snapshot.full_photos,
        lost=snapshot.lost,
    )


def _show_stop(
    stop: ManifestStop, progress: Mapping[str, TaskState], waiting: Mapping[str, TaskState]
) -> StopView:
    tasks = tuple(_show_task(task, progress, waiting) for task in stop.tasks)
    states = [task.state for task in tasks]
    open_states = [state for state in states if state not in FINISHED]
    furthest: TaskState = "assigned" if open_states else states[0]
    for state in open_states or states:
        furthest = further(furthest, state)
    return StopView(stop=stop, tasks=tasks, state=furthest)


def _show_task(
    task: ManifestTask, progress: Mapping[str, TaskState], waiting: Mapping[str, TaskState]
) -> TaskView:
    state: TaskState = further(task.state, progress.get(task.id, task.state))
    state = further(state, waiting.get(task.id, state))
    return TaskView(
        task=task,
        state=state,
        waiting=task.id in waiting,
        overruled=task.state == "cancelled" and state in ("completed", "failed"),
    )


def _find_next(stops: tuple[StopView, ...]) -> StopView | None:
    """Where the driver stands or is heading; else the first open stop."""
    for state in ("arrived", "en_route"):
        for stop in stops:
            if stop.state == state:
                return stop
    return next((stop for stop in stops if not stop.finished), None)


def _show_loaded(snapshot: Snapshot) -> frozenset[str]:
    loaded = set(snapshot.loaded_barcodes)
    for command in snapshot.waiting:
        if isinstance(command.body, ScanParcels) and not command.rejected:
            if command.body.purpose == "load":
                loaded.update(command.body.barcodes)
            else:
                loaded.difference_update(command.body.barcodes)
    return frozenset(loaded)
