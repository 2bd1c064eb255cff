"""Reading runs: for dispatchers, for the live map, and for the public page of one consignment."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Row, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.arrivals import service as arrivals
from server.dispatch.breakdown import UnknownRun
from server.dispatch.lifecycle import FINAL, UNDER_WAY
from server.dispatch.manifest import STILL_TODAY
from server.dispatch.models import Run, Stop, Task
from server.dispatch.promises import end_of_promise, will_be_missed
from server.dispatch.tasks import TaskView, UnknownTask, task_view
from server.identity import service as identity
from server.kit import clock
from server.kit.geo import Position
from server.places import service as places

type StopRow = Row[Any]
"""The columns of a Stop."""

type TaskRow = Row[Any]
"""The columns of a Task."""

ETA_EARLY, ETA_LATE = timedelta(minutes=15), timedelta(minutes=30)
"""How much sooner and later than expected a customer is told to reckon with."""


class StopView(msgspec.Struct, frozen=True, kw_only=True):
    """state: waiting, under_way or done, by its tasks.

    eta_from_at, eta_until_at: the driver comes in between with a probability of 80 %;
    eta_likely_at: as probably before as after. None where there is no forecast (yet), or the
    driver has come. will_miss_window: by the forecast, what a task here was promised.
    """

    id: UUID
    sequence: int
    state: str
    place_id: UUID
    address: str
    position: Position | None
    planned_arrival_at: datetime
    planned_start_at: datetime
    planned_departure_at: datetime
    eta_from_at: datetime | None
    eta_likely_at: datetime | None
    eta_until_at: datetime | None
    will_miss_window: bool
    locked: bool
    tasks: tuple[TaskView, ...]


class RunView(msgspec.Struct, frozen=True, kw_only=True):
    """delay_s: how far behind its plan the driver left the last stop that was done."""

    id: UUID
    depot_id: UUID
    day: date
    plan_id: UUID | None
    shift_id: UUID
    driver_id: UUID
    driver_name: str
    vehicle_id: UUID
    state: str
    starts_at: datetime
    ends_at: datetime
    distance_m: int
    cost_minor: int
    delay_s: int
    stops: tuple[StopView, ...]


class StopProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far the driver is from one consignment's door. state: of its task.

    eta_from_at, eta_until_at: when to expect the driver; None once it is over or not planned. A
        forecast says it with a probability of 80 %; until there is one, the plan says it roughly.
    is_active_or_next: only then may others see where the driver is.
    """

    state: str
    kind: str
    planned_arrival_at: datetime | None = None
    eta_from_at: datetime | None = None
    eta_until_at: datetime | None = None
    stops_before: int | None = None
    is_active_or_next: bool = False
    driver_id: UUID | None = None
    run_id: UUID | None = None
    position: Position | None = None
    outcome_code: str | None = None
    finished_at: datetime | None = None


async def get_run(session: AsyncSession, run_id: UUID) -> RunView:
    run = await session.get(Run, run_id)
    if run is None:
        raise UnknownRun(run_id=run_id)
    return (await _views(session, [run]))[0]


async def list_runs(
    session: AsyncSession,
    *,
    depot_id: UUID | None = None,
    day: date | None = None,
    driver_id: UUID | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[RunView]:
    """Newest first."""
    query = select(Run).order_by(Run.id.desc()).limit(limit)
    for column, wanted in ((Run.depot_id, depot_id), (Run.day, day), (Run.driver_id, driver_id)):
        if wanted is not None:
            query = query.where(column == wanted)
    if after is not None:
        query = query.where(Run.id < after)
    return await _views(session, (await session.scalars(query)).all())


def _is_shown() -> ColumnElement[bool]:
    """Not over, or ended a short while ago."""
    return or_(Run.state != "closed", Run.closed_at > clock.now() - STILL_TODAY)


async def shown_run_ids(session: AsyncSession) -> Sequence[UUID]:
    """All that are not over or ended a short while ago, for who reads them part by part."""
    return (await session.scalars(select(Run.id).where(_is_shown()).order_by(Run.id))).all()


async def snapshot_of_runs(
    session: AsyncSession,
    run_ids: Collection[UUID] | None = None,
    *,
    depot_id: UUID | None = None,
    day: date | None = None,
) -> list[RunView]:
    """These runs, or all of a day, or all that are not over or ended a short while ago."""
    query = select(Run).order_by(Run.id)
    if run_ids is not None:
        query = query.where(Run.id.in_(run_ids))
    elif day is not None:
        query = query.where(Run.day == day)
    else:
        query = query.where(_is_shown())
    if depot_id is not None:
        query = query.where(Run.depot_id == depot_id)
    return await _views(session, (await session.scalars(query)).all())


async def run_context(session: AsyncSession, task_id: str, *, driver_id: UUID) -> tuple[UUID, UUID]:
    """Place and consignment of a task that is or was this driver's, for what else was handed over
    at its stop."""
    try:
        task = await session.get(Task, UUID(task_id))
    except ValueError:
        task = None
    if task is None or driver_id not in (task.driver_id, *task.past_drivers):
        raise UnknownTask(task_id=task_id[:80])
    return task.place_id, task.consignment_id


async def stop_progress(session: AsyncSession, consignment_id: UUID) -> StopProgress | None:
    """How far the door of a consignment is: of its delivery, or of the pickup of a return; None
    when nothing was ever to be driven."""
    task = await session.scalar(
        select(Task)
        .where(Task.consignment_id == consignment_id, Task.kind != "pickup")
        .order_by(Task.id.desc())
        .limit(1)
    )
    if task is None:
        return None
    ended = StopProgress(
        state=task.state,
        kind=task.kind,
        outcome_code=task.outcome_code,
        finished_at=task.finished_at,
    )
    if task.stop_id is None or task.state in FINAL:
        return ended
    stop = await session.get_one(Stop, task.stop_id)
    run = await session.get_one(Run, stop.run_id)
    (view,) = await _views(session, [run])
    ahead = [each for each in view.stops if each.sequence < stop.sequence and each.state != "done"]
    expected_at = max(
        stop.planned_arrival_at + timedelta(seconds=view.delay_s),
        clock.now() if run.state == "started" else stop.planned_arrival_at,
    )
    mine = next(each for each in view.stops if each.id == stop.id)
    return msgspec.structs.replace(
        ended,
        planned_arrival_at=stop.planned_arrival_at,
        eta_from_at=mine.eta_from_at or expected_at - ETA_EARLY,
        eta_until_at=mine.eta_until_at or expected_at + ETA_LATE,
        stops_before=len(ahead),
        is_active_or_next=run.state == "started" and (not ahead or mine.state == "under_way"),
        driver_id=run.driver_id,
        run_id=run.id,
        position=mine.position,
    )


async def _views(session: AsyncSession, runs: Sequence[Run]) -> list[RunView]:
    """Stops and tasks are read as plain rows: a big company's map shows ten thousand."""
    stops = (
        await session.execute(
            select(*Stop.__table__.c)
            .where(Stop.run_id.in_([run.id for run in runs]))
            .order_by(Stop.sequence)
        )
    ).all()
    stops_of: dict[UUID, list[StopRow]] = {run.id: [] for run in runs}
    for stop in stops:
        stops_of[stop.run_id].append(stop)
    tasks: dict[UUID, list[TaskRow]] = {stop.id: [] for stop in stops}
    for task in await session.execute(
        select(*Task.__table__.c).where(Task.stop_id.in_(tasks)).order_by(Task.sequence, Task.id)
    ):
        if task.stop_id is not None:
            tasks[task.stop_id].append(task)
    found = await places.get_places(session, {stop.place_id for stop in stops})
    people = await identity.get_people(session, {run.driver_id for run in runs})
    forecasts = await arrivals.forecasts_of(session, tasks)
    views = []
    for run in runs:
        mine = stops_of[run.id]
        views.append(
            RunView(
                id=run.id,
                depot_id=run.depot_id,
                day=run.day,
                plan_id=run.plan_id,
                shift_id=run.shift_id,
                driver_id=run.driver_id,
                driver_name=people[run.driver_id].name,
                vehicle_id=run.vehicle_id,
                state=run.state,
                starts_at=run.starts_at,
                ends_at=run.ends_at,
                distance_m=run.distance_m,
                cost_minor=run.cost_minor,
                delay_s=_delay_s(mine, tasks),
                stops=tuple(
                    _stop_view(stop, found[stop.place_id], tasks[stop.id], forecasts.get(stop.id))
                    for stop in mine
                ),
            )
        )
    return views


def _stop_view(
    stop: StopRow,
    place: places.PlaceView,
    tasks: list[TaskRow],
    forecast: arrivals.ForecastView | None,
) -> StopView:
    closes_at = end_of_promise(task.window_end_at for task in tasks)
    return StopView(
        id=stop.id,
        sequence=stop.sequence,
        state=_stop_state(tasks),
        place_id=stop.place_id,
        address=place.line,
        position=place.position,
        planned_arrival_at=stop.planned_arrival_at,
        planned_start_at=stop.planned_start_at,
        planned_departure_at=stop.planned_departure_at,
        eta_from_at=forecast.from_at if forecast else None,
        eta_likely_at=forecast.likely_at if forecast else None,
        eta_until_at=forecast.until_at if forecast else None,
        will_miss_window=will_be_missed(closes_at, forecast.likely_at if forecast else None),
        locked=stop.locked,
        tasks=tuple(map(task_view, tasks)),
    )


def _stop_state(tasks: list[TaskRow]) -> str:
    if all(task.state in FINAL for task in tasks):
        return "done"
    begun = any(task.state in (*UNDER_WAY, "completed", "failed") for task in tasks)
    return "under_way" if begun else "waiting"


def _delay_s(stops: list[StopRow], tasks: dict[UUID, list[TaskRow]]) -> int:
    for stop in reversed(stops):
        ends = [task.finished_at for task in tasks[stop.id] if task.finished_at]
        if ends and _stop_state(tasks[stop.id]) == "done":
            late: timedelta = max(ends) - stop.planned_departure_at
            return round(late.total_seconds())
    return 0
