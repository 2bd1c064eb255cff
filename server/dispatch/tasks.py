"""Tasks change with their consignments, and are tried again when they fail."""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
from server.consignments import service as consignments
from server.consignments.service import ConsignmentView
from server.dispatch.events import TaskChanged
from server.dispatch.exceptions import raise_exception
from server.dispatch.inputs import (
    day_bounds,
    local_day,
    lock_depot,
    lock_depots,
    record_task_change,
)
from server.dispatch.lifecycle import FINAL, TASK
from server.dispatch.models import Depot, Stop, Task
from server.kit import clock
from server.kit.errors import Conflict, Invalid, NotFound
from server.kit.ids import new_id
from server.kit.outbox import emit

SERVICE_S = {"delivery": 180, "pickup": 240, "return_pickup": 300}
"""How long a task takes at the door."""

HANDOVER_S = 30
"""How long it takes to take over the parcels of one task, at the depot or from another vehicle."""

MAX_ATTEMPTS = 3

ON_BOARD = ("collected", "loaded", "out_for_delivery", "attempted", "refused", "damaged")
"""States of parcels that are in the vehicle of the driver who holds them."""


class UnknownTask(NotFound):
    """There is no task {task_id}, or it was never yours."""

    code = "dispatch.unknown_task"


class NothingToRepeat(Conflict):
    """Only a failed task can be tried again, and only when nothing of it is still open."""

    code = "dispatch.nothing_to_repeat"


class DayIsOver(Invalid):
    """{day} is over. Choose today or a later day."""

    code = "dispatch.day_is_over"


class TaskView(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    consignment_id: UUID
    depot_id: UUID | None
    kind: str
    pickup_from: str | None
    state: str
    place_id: UUID
    window_start_at: datetime | None
    window_end_at: datetime | None
    service_s: int
    attempt: int
    stop_id: UUID | None
    driver_id: UUID | None
    outcome_code: str | None
    finished_at: datetime | None
    finished_by: UUID | None


def task_view(task: Task | Row[Any]) -> TaskView:
    return msgspec.convert(task, TaskView, from_attributes=True)


def service_s_of(kind: str, place_id: UUID) -> int:
    """The one place where a known slow or quick door will have its own time."""
    del place_id
    return SERVICE_S[kind]


def holder_of(consignment: ConsignmentView) -> UUID | None:
    """The driver in whose vehicle parcels of it are."""
    for parcel in consignment.parcels:
        if parcel.state in ON_BOARD and parcel.holder_id is not None:
            return parcel.holder_id
    return None


def new_task(consignment: ConsignmentView, kind: str) -> Task | None:
    """As the consignment asks for it, not stored yet; None when no door is meant."""
    party = consignment.consignee if kind == "delivery" else consignment.consignor
    if party.place_id is None:
        return None
    start_at, end_at = _window(consignment, kind)
    return Task(
        id=new_id(),
        consignment_id=consignment.id,
        kind=kind,
        pickup_from="consignor" if kind == "pickup" else None,
        state="unassigned",
        place_id=party.place_id,
        window_start_at=start_at,
        window_end_at=end_at,
        service_s=service_s_of(kind, party.place_id),
        attempt=1,
        barred_drivers=[],
        past_drivers=[],
        sequence=0,
        created_at=clock.now(),
        changed_at=clock.now(),
    )


def _window(consignment: ConsignmentView, kind: str) -> tuple[datetime | None, datetime | None]:
    """A booked pickup without a window of its own may be any time before the delivery's end."""
    start_at, end_at = consignment.window_start_at, consignment.window_end_at
    if kind == "pickup":
        return (
            consignment.pickup_window_start_at,
            consignment.pickup_window_end_at or end_at,
        )
    if kind == "return_pickup":
        return (
            consignment.pickup_window_start_at or start_at,
            consignment.pickup_window_end_at or end_at,
        )
    return start_at, end_at


async def tasks_of(session: AsyncSession, consignment_id: UUID) -> list[Task]:
    """All tasks of a consignment, oldest first, locked."""
    return await lock_tasks(session, Task.consignment_id == consignment_id)


async def lock_tasks(session: AsyncSession, *where: object) -> list[Task]:
    """Lock and read afresh; the depots must have been locked before."""
    found = await session.scalars(
        select(Task)
        .where(*where)  # type: ignore[arg-type]
        .order_by(Task.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(found)


async def lock_consignment_tasks(
    session: AsyncSession, consignment_id: UUID
) -> tuple[list[Depot], list[Task]]:
    """Lock the depots of a consignment's tasks, then the tasks."""
    depot_ids = await session.scalars(
        select(Task.depot_id).where(Task.consignment_id == consignment_id)
    )
    depots = await lock_depots(session, depot_ids)
    return depots, await tasks_of(session, consignment_id)


def move_task(
    session: AsyncSession,
    task: Task,
    state: str,
    *,
    run_id: UUID | None = None,
    outcome_code: str | None = None,
) -> None:
    """Move a locked task, and tell it."""
    TASK.check(task.state, state)
    task.state = state
    task.changed_at = clock.now()
    if outcome_code is not None:
        task.outcome_code = outcome_code
    emit(
        session,
        TaskChanged(
            task_id=task.id,
            consignment_id=task.consignment_id,
            stop_id=task.stop_id,
            run_id=run_id,
            driver_id=task.driver_id,
            state=state,
            outcome_code=task.outcome_code,
        ),
    )


async def release_task(session: AsyncSession, task: Task) -> UUID | None:
    """Take a task out of its run; its driver, who needs a new manifest. A stop that is left
    without tasks goes too."""
    driver_id, stop_id = task.driver_id, task.stop_id
    task.stop_id = task.driver_id = task.answer_by_at = None
    if stop_id is not None:
        await session.flush()
        if not await session.scalar(select(Task.id).where(Task.stop_id == stop_id).limit(1)):
            stop = await session.get(Stop, stop_id)
            assert stop is not None
            await session.delete(stop)
    return driver_id


async def back_to_pool(session: AsyncSession, depot: Depot, task: Task, what: str) -> UUID | None:
    """Unassign a task; the driver who had it."""
    driver_id = await release_task(session, task)
    move_task(session, task, "unassigned")
    record_task_change(session, depot, task, what)
    return driver_id


async def cancel_tasks(
    session: AsyncSession, consignment_id: UUID, *, because: str = "was cancelled"
) -> set[UUID]:
    """Cancel what is open; the drivers who need a new manifest."""
    depots, tasks = await lock_consignment_tasks(session, consignment_id)
    consignment = await consignments.get_consignment(session, consignment_id)
    changed_drivers: set[UUID] = set()
    for task in tasks:
        if task.state in FINAL:
            continue
        if holder_of(consignment):
            raise_exception(session, "cancelled_on_board", task=task, driver_id=task.driver_id)
        if driver_id := await release_task(session, task):
            changed_drivers.add(driver_id)
        move_task(session, task, "cancelled")
        for depot in depots:
            record_task_change(session, depot, task, f"{consignment.waybill} {because}.")
    await session.flush()
    return changed_drivers


async def plan_next_attempt(session: AsyncSession, depot: Depot, task: Task) -> Task | None:
    """Make the next attempt of a failed task, for the day after; None when it was the last one.

    A delivery that was attempted as often as was agreed goes back to its sender: see returns.
    """
    most = MAX_ATTEMPTS
    if task.kind == "delivery":
        agreed, attempts = await _attempts(session, task.consignment_id)
        if attempts >= agreed:
            return None
        most = max(most, agreed)
    if task.attempt >= most:
        raise_exception(session, "attempts_exhausted", task=task, attempts=task.attempt)
        return None
    failed_at = task.finished_at or clock.now()
    day = local_day(depot, failed_at) + timedelta(days=1)
    again = next_attempt(depot, task, day)
    session.add(again)
    record_task_change(session, depot, again, f"Attempt {again.attempt} of a failed task.")
    await session.flush()
    return again


async def _attempts(session: AsyncSession, consignment_id: UUID) -> tuple[int, int]:
    """How often somebody may stand at the door in vain, and how often somebody did."""
    consignment = await consignments.get_consignment(session, consignment_id)
    policy = await accounts.get_return_policy(session, consignment.account_id)
    return policy.attempts_max, await consignments.count_attempts(session, consignment_id)


def next_attempt(depot: Depot, task: Task, day: date) -> Task:
    """A copy of the task whose window lies on that day, at the same time of the day."""
    anchor_at = task.window_start_at or task.window_end_at
    days = (day - local_day(depot, anchor_at)).days if anchor_at else 0
    later = timedelta(days=max(days, 0))
    start_at = task.window_start_at and task.window_start_at + later
    return Task(
        id=new_id(),
        consignment_id=task.consignment_id,
        depot_id=depot.id,
        kind=task.kind,
        pickup_from=task.pickup_from,
        state="unassigned",
        place_id=task.place_id,
        window_start_at=start_at or day_bounds(depot, day)[0],
        window_end_at=task.window_end_at and task.window_end_at + later,
        service_s=task.service_s,
        attempt=task.attempt + 1,
        barred_drivers=[],
        past_drivers=[],
        sequence=0,
        created_at=clock.now(),
        changed_at=clock.now(),
    )


async def repeat_task(session: AsyncSession, task_id: UUID, *, day: date) -> TaskView:
    """A dispatcher lets a failed task be tried again; with a failed pickup its delivery too."""
    task = await session.get(Task, task_id)
    if task is None or task.depot_id is None:
        raise UnknownTask(task_id=task_id)
    depot = await lock_depot(session, task.depot_id)
    tasks = await tasks_of(session, task.consignment_id)
    if task.state != "failed" or any(each.state not in FINAL for each in tasks):
        raise NothingToRepeat
    if day < local_day(depot, clock.now()):
        raise DayIsOver(day=day)
    wanted = [task]
    if task.kind == "pickup":
        wanted += [each for each in tasks if each.kind == "delivery"][-1:]
    again = [next_attempt(depot, each, day) for each in wanted]
    session.add_all(again)
    record_task_change(session, depot, again[0], "A failed task is tried again.")
    await session.flush()
    return task_view(again[0])


async def get_task(session: AsyncSession, task_id: UUID) -> TaskView:
    task = await session.get(Task, task_id)
    if task is None:
        raise UnknownTask(task_id=task_id)
    return task_view(task)


async def list_tasks(session: AsyncSession, consignment_id: UUID) -> list[TaskView]:
    found = await session.scalars(
        select(Task).where(Task.consignment_id == consignment_id).order_by(Task.id)
    )
    return [task_view(task) for task in found]
