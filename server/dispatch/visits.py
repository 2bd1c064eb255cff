"""What the work at the doors came to, for those who charge, pay or count cash for it."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Numeric, cast, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from server.dispatch.door import HANDOVERS, MOST_CASH_MINOR
from server.dispatch.models import Depot, Shift, Stop, StreetFact, Task


class DoorVisit(msgspec.Struct, frozen=True, kw_only=True):
    """A task that was done at a door, or tried in vain.

    state: completed or failed. driver_id: who reported it.
    begun_at: when the driver could turn to it: came to the stop, ended the task before it there,
        and its window was open; None when no arrival was reported.
    straight_m: the planned way by road from the pickup, when the driver came straight from it.
    timezone: of the depot.
    """

    task_id: UUID
    consignment_id: UUID
    depot_id: UUID
    kind: str
    state: str
    attempt: int
    outcome_code: str
    driver_id: UUID
    stop_id: UUID | None
    begun_at: datetime | None
    finished_at: datetime
    straight_m: int | None
    timezone: str


class CashReport(msgspec.Struct, frozen=True, kw_only=True):
    """Cash that a driver said was taken for a task; the first report of it counts.

    amount_minor: in the currency of the consignment; negative when it was paid out.
    """

    task_id: UUID
    consignment_id: UUID
    driver_id: UUID
    amount_minor: int
    occurred_at: datetime


class WorkedShift(msgspec.Struct, frozen=True, kw_only=True):
    """A shift as it was worked. break_s: as far as the driver reported start and end."""

    shift_id: UUID
    started_at: datetime
    ended_at: datetime
    break_s: int


async def visits_of(session: AsyncSession, consignment_id: UUID) -> list[DoorVisit]:
    """All visits to the doors of a consignment, in the order in which they ended."""
    return await _visits(session, Task.consignment_id == consignment_id)


async def visits_by(
    session: AsyncSession, driver_id: UUID, *, since: datetime, until: datetime
) -> list[DoorVisit]:
    """All visits of a driver that ended in since <= finished_at < until, in their order."""
    reported = select(StreetFact.task_id).where(
        StreetFact.driver_id == driver_id,
        StreetFact.occurred_at >= since,
        StreetFact.occurred_at < until,
        StreetFact.kind.in_(("CompleteTask", "FailTask")),
        StreetFact.moved,
    )
    return await _visits(session, Task.id.in_(reported) & (Task.finished_by == driver_id))


async def cash_reports(
    session: AsyncSession,
    *,
    consignment_id: UUID | None = None,
    driver_id: UUID | None = None,
    since: datetime | None = None,
) -> list[CashReport]:
    """What drivers said they took, also for tasks that had ended before."""
    amount = cast(StreetFact.details["cash_minor"].astext, Numeric)
    query = (
        select(StreetFact, Task.consignment_id)
        .join(Task, Task.id == StreetFact.task_id)
        .where(StreetFact.kind == "CompleteTask", amount.between(-MOST_CASH_MINOR, MOST_CASH_MINOR))
        .where(amount != 0)
        .order_by(StreetFact.task_id, StreetFact.received_at, StreetFact.id)
        .ext(distinct_on(StreetFact.task_id))
    )
    if consignment_id is not None:
        query = query.where(Task.consignment_id == consignment_id)
    if driver_id is not None:
        by_driver = select(StreetFact.task_id).where(StreetFact.driver_id == driver_id)
        if since is not None:
            by_driver = by_driver.where(StreetFact.occurred_at >= since)
        query = query.where(StreetFact.task_id.in_(by_driver))
    reports = [
        CashReport(
            task_id=fact.task_id,
            consignment_id=of_consignment,
            driver_id=fact.driver_id,
            amount_minor=fact.details["cash_minor"],
            occurred_at=fact.occurred_at,
        )
        for fact, of_consignment in await session.execute(query)
        if fact.task_id is not None
    ]
    return [each for each in reports if driver_id in (None, each.driver_id)]


async def worked_shifts(
    session: AsyncSession, driver_id: UUID, *, since: datetime, until: datetime
) -> list[WorkedShift]:
    """The shifts that a driver ended in since <= ended_at < until."""
    shifts = (
        await session.scalars(
            select(Shift)
            .where(
                Shift.driver_id == driver_id,
                Shift.started_at.is_not(None),
                Shift.ended_at >= since,
                Shift.ended_at < until,
            )
            .order_by(Shift.ended_at)
        )
    ).all()
    facts = await session.scalars(
        select(StreetFact)
        .where(
            StreetFact.shift_id.in_([shift.id for shift in shifts]),
            StreetFact.kind == "SetShift",
            StreetFact.moved,
        )
        .order_by(StreetFact.occurred_at)
    )
    breaks: dict[UUID, list[StreetFact]] = {shift.id: [] for shift in shifts}
    for fact in facts:
        if fact.shift_id is not None:
            breaks[fact.shift_id].append(fact)
    return [
        WorkedShift(
            shift_id=shift.id,
            started_at=shift.started_at,
            ended_at=shift.ended_at,
            break_s=_break_s(breaks[shift.id]),
        )
        for shift in shifts
        if shift.started_at is not None and shift.ended_at is not None
    ]


def _break_s(facts: Iterable[StreetFact]) -> int:
    """facts: in the order in which they happened."""
    rest, since = timedelta(0), None
    for fact in facts:
        match fact.details.get("change"):
            case "break_start":
                since = fact.occurred_at
            case "break_end" | "end" if since is not None:
                rest += fact.occurred_at - since
                since = None
    return round(rest.total_seconds())


async def _visits(session: AsyncSession, which: ColumnElement[bool]) -> list[DoorVisit]:
    rows = (
        await session.execute(
            select(Task, Depot.timezone)
            .join(Depot, Depot.id == Task.depot_id)
            .where(
                which,
                Task.state.in_(("completed", "failed")),
                Task.finished_at.is_not(None),
                Task.finished_by.is_not(None),
            )
            .order_by(Task.finished_at, Task.id)
        )
    ).all()
    tasks = [task for task, _ in rows if task.pickup_from not in HANDOVERS]
    arrivals = await _arrivals(session, tasks)
    neighbours = await _ends_at_stops(session, tasks)
    straight = await _straight_ways(session, tasks)
    zones = {task.id: zone for task, zone in rows}
    return [
        DoorVisit(
            task_id=task.id,
            consignment_id=task.consignment_id,
            depot_id=task.depot_id,
            kind=task.kind,
            state=task.state,
            attempt=task.attempt,
            outcome_code=task.outcome_code or "",
            driver_id=task.finished_by,
            stop_id=task.stop_id,
            begun_at=_begun_at(task, arrivals.get(task.id), neighbours),
            finished_at=task.finished_at,
            straight_m=straight.get(task.id),
            timezone=zones[task.id],
        )
        for task in tasks
        if task.finished_by and task.finished_at and task.depot_id
    ]


async def _arrivals(session: AsyncSession, tasks: Sequence[Task]) -> dict[UUID, datetime]:
    """Task -> when the driver who ended it reported to have come, also if it was no news."""
    facts = await session.scalars(
        select(StreetFact).where(
            StreetFact.task_id.in_([task.id for task in tasks]), StreetFact.kind == "ArriveAtTasks"
        )
    )
    drivers = {task.id: task.finished_by for task in tasks}
    arrivals: dict[UUID, datetime] = {}
    for fact in facts:
        if fact.task_id is not None and fact.driver_id == drivers[fact.task_id]:
            before = arrivals.get(fact.task_id, fact.occurred_at)
            arrivals[fact.task_id] = min(before, fact.occurred_at)
    return arrivals


async def _ends_at_stops(
    session: AsyncSession, tasks: Sequence[Task]
) -> dict[UUID, list[tuple[datetime, UUID]]]:
    """Stop -> when its tasks ended."""
    stop_ids = {task.stop_id for task in tasks if task.stop_id is not None}
    ends: dict[UUID, list[tuple[datetime, UUID]]] = {stop_id: [] for stop_id in stop_ids}
    for stop_id, finished_at, task_id in await session.execute(
        select(Task.stop_id, Task.finished_at, Task.id).where(
            Task.stop_id.in_(stop_ids), Task.finished_at.is_not(None)
        )
    ):
        if stop_id is not None and finished_at is not None:
            ends[stop_id].append((finished_at, task_id))
    return ends


def _begun_at(
    task: Task, arrived_at: datetime | None, ends: dict[UUID, list[tuple[datetime, UUID]]]
) -> datetime | None:
    """Nobody pays for another's time at the same stop, nor for a driver who came too early."""
    if arrived_at is None or task.finished_at is None:
        return None
    mine = (task.finished_at, task.id)
    others = ends.get(task.stop_id, []) if task.stop_id else []
    earlier = [ended_at for ended_at, task_id in others if (ended_at, task_id) < mine]
    opens = [task.window_start_at] if task.window_start_at else []
    return min(max([arrived_at, *earlier, *opens]), task.finished_at)


async def _straight_ways(session: AsyncSession, tasks: Sequence[Task]) -> dict[UUID, int]:
    """Delivery task -> the leg from the pickup, where that was the stop before it."""
    here, before, pickup = aliased(Stop), aliased(Stop), aliased(Task)
    rows = await session.execute(
        select(Task.id, here.leg_m)
        .join(here, here.id == Task.stop_id)
        .join(before, (before.run_id == here.run_id) & (before.sequence == here.sequence - 1))
        .join(pickup, pickup.stop_id == before.id)
        .where(
            Task.id.in_([task.id for task in tasks]),
            Task.kind == "delivery",
            pickup.consignment_id == Task.consignment_id,
            pickup.pickup_from == "consignor",
            pickup.state == "completed",
        )
    )
    return dict(rows.all())
