"""What is known of runs under way: when drivers came to their stops and left them, where they
are. Read for many runs at once, as plain values: the transaction can end before the map is asked.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.dispatch.geofences import GeofenceView, geofences_of
from server.dispatch.lifecycle import FINAL, UNDER_WAY
from server.dispatch.models import Depot, Run, Shift, Stop, StreetFact, Task, Vehicle
from server.dispatch.promises import end_of_promise
from server.dispatch.situation import Rest
from server.kit import clock
from server.kit.geo import Position
from server.places import service as places
from server.tracking import service as tracking
from server.tracking.service import LivePosition, SignOfLife, TrailPoint

PATH_SPAN = timedelta(minutes=10)
REPORTS = ("StartTasks", "ArriveAtTasks", "SetShift")


@dataclass(slots=True)
class StopTimes:
    """A stop as it went so far. begun_at, arrived_at: as reported; left_at: when its last task
    ended. opens_at, closes_at: the narrowest window of its tasks."""

    id: UUID
    sequence: int
    position: Position | None
    leg_s: int
    planned_arrival_at: datetime
    planned_departure_at: datetime
    serve_s: float
    opens_at: datetime | None
    closes_at: datetime | None
    is_done: bool
    is_under_way: bool
    is_there: bool
    begun_at: datetime | None = None
    arrived_at: datetime | None = None
    left_at: datetime | None = None

    @property
    def turned_to_at(self) -> datetime | None:
        """When the driver could begin with the work there."""
        if self.arrived_at is None or self.opens_at is None:
            return self.arrived_at
        return max(self.arrived_at, self.opens_at)


@dataclass(slots=True)
class RunTimes:
    """rests: breaks that were reported, as (start, end or None), in order. planned_rests: those
    still to come. resting_until: when the present break should be over. path: where the driver was
    in the last PATH_SPAN. limits_mps: how fast may be driven where each of them was, None where
    the map does not say; empty when nobody has asked it."""

    run_id: UUID
    depot_id: UUID
    driver_id: UUID
    state: str
    zone: ZoneInfo
    profile: str
    depot_position: Position
    starts_at: datetime
    stops: list[StopTimes]
    planned_rests: list[Rest]
    resting_since: datetime | None
    resting_until: datetime | None
    max_speed_mps: float
    rests: list[tuple[datetime, datetime | None]] = field(default_factory=list)
    seen: LivePosition | None = None
    sign: SignOfLife | None = None
    geofences: Sequence[GeofenceView] = ()
    path: Sequence[TrailPoint] = ()
    limits_mps: Sequence[float | None] = ()

    @property
    def left(self) -> list[StopTimes]:
        """The stops that the driver has still to come to: the one under way first."""
        ahead = [stop for stop in self.stops if not stop.is_done and not stop.is_there]
        return sorted(ahead, key=lambda stop: (not stop.is_under_way, stop.sequence))

    @property
    def here(self) -> StopTimes | None:
        """The stop where the driver is."""
        return next((stop for stop in self.stops if stop.is_there), None)

    @property
    def last_left_at(self) -> datetime | None:
        """When the driver left the last stop that is done, or the depot."""
        ends = [stop.left_at for stop in self.stops if stop.is_done and stop.left_at]
        starts = [stop.begun_at for stop in self.stops if stop.begun_at]
        return max(ends, default=min(starts, default=None))

    def rested_s(self, since: datetime, until: datetime) -> float:
        """Seconds of reported breaks between two moments."""
        spans = [(max(start, since), min(end or until, until)) for start, end in self.rests]
        return sum(max((end - start).total_seconds(), 0.0) for start, end in spans)


async def read_run_times(session: AsyncSession, run_ids: Collection[UUID]) -> list[RunTimes]:
    rows = await session.execute(
        select(Run, Shift, Vehicle, Depot.timezone, Depot.position)
        .join(Shift, Shift.id == Run.shift_id)
        .join(Vehicle, Vehicle.id == Run.vehicle_id)
        .join(Depot, Depot.id == Run.depot_id)
        .where(Run.id.in_(run_ids))
        .order_by(Run.id)
        .execution_options(populate_existing=True)
    )
    runs = rows.all()
    stops = (
        await session.scalars(
            select(Stop)
            .where(Stop.run_id.in_([run.id for run, *_ in runs]))
            .order_by(Stop.sequence)
            .execution_options(populate_existing=True)
        )
    ).all()
    tasks: defaultdict[UUID, list[Task]] = defaultdict(list)
    for task in await session.scalars(
        select(Task)
        .where(Task.stop_id.in_([stop.id for stop in stops]))
        .order_by(Task.id)
        .execution_options(populate_existing=True)
    ):
        if task.stop_id is not None:
            tasks[task.stop_id].append(task)
    found = await places.get_places(session, {stop.place_id for stop in stops})
    facts = await _read_facts(session, tasks, [shift.id for _, shift, *_ in runs])
    live = {
        each.driver_id: each
        for each in await tracking.latest_positions(session, [run.driver_id for run, *_ in runs])
    }
    signs = await tracking.last_signs(session, [run.driver_id for run, *_ in runs])
    geofences = await geofences_of(session, {run.depot_id for run, *_ in runs})
    made = []
    paths = await tracking.breadcrumbs(
        session, {run.driver_id for run, *_ in runs}, since=clock.now() - PATH_SPAN
    )
    for run, shift, vehicle, timezone, depot_position in runs:
        mine = [
            _stop_times(stop, found[stop.place_id].position, tasks[stop.id])
            for stop in stops
            if stop.run_id == run.id
        ]
        rests = [msgspec.convert(rest, Rest) for rest in shift.breaks]
        since = shift.on_break_at
        times = RunTimes(
            run_id=run.id,
            depot_id=run.depot_id,
            driver_id=run.driver_id,
            state=run.state,
            zone=ZoneInfo(timezone),
            profile=vehicle.profile,
            depot_position=depot_position,
            starts_at=run.starts_at,
            stops=mine,
            planned_rests=rests[shift.breaks_taken :],
            resting_since=since,
            resting_until=_end_of_rest(rests, shift) if since else None,
            max_speed_mps=vehicle.max_speed_kmh / 3.6,
            seen=live.get(run.driver_id),
            sign=signs.get(run.driver_id),
            geofences=geofences[run.depot_id],
            path=paths.get(run.driver_id, ()),
        )
        _take_in_facts(times, tasks, facts, shift.id)
        made.append(times)
    return made


def _end_of_rest(rests: list[Rest], shift: Shift) -> datetime | None:
    if shift.on_break_at is None or not 0 < shift.breaks_taken <= len(rests):
        return None
    return shift.on_break_at + timedelta(seconds=rests[shift.breaks_taken - 1].duration_s)


async def _read_facts(
    session: AsyncSession, tasks: dict[UUID, list[Task]], shift_ids: Collection[UUID]
) -> list[StreetFact]:
    task_ids = [task.id for group in tasks.values() for task in group]
    rows = await session.scalars(
        select(StreetFact)
        .where(
            or_(StreetFact.task_id.in_(task_ids), StreetFact.shift_id.in_(shift_ids)),
            StreetFact.kind.in_(REPORTS),
        )
        .order_by(StreetFact.occurred_at, StreetFact.id)
    )
    return list(rows)


def _stop_times(stop: Stop, position: Position | None, tasks: list[Task]) -> StopTimes:
    is_done = bool(tasks) and all(task.state in FINAL for task in tasks)
    arrived = [task for task in tasks if task.state == "arrived"]
    ends = [task.finished_at for task in tasks if task.finished_at]
    return StopTimes(
        id=stop.id,
        sequence=stop.sequence,
        position=position,
        leg_s=stop.leg_s,
        planned_arrival_at=stop.planned_arrival_at,
        planned_departure_at=stop.planned_departure_at,
        serve_s=(stop.planned_departure_at - stop.planned_start_at).total_seconds(),
        opens_at=max(
            (task.window_start_at for task in tasks if task.window_start_at), default=None
        ),
        closes_at=end_of_promise(task.window_end_at for task in tasks),
        is_done=is_done,
        is_under_way=any(task.state in UNDER_WAY for task in tasks),
        is_there=not is_done and bool(arrived or ends),
        # A fence tells of an arrival without a report of the driver.
        arrived_at=min((task.changed_at for task in arrived), default=None),
        left_at=max(ends, default=None),
    )


def _take_in_facts(
    times: RunTimes,
    tasks: dict[UUID, list[Task]],
    facts: Iterable[StreetFact],
    shift_id: UUID,
) -> None:
    """facts: in the order in which they happened."""
    stops = {task.id: stop for stop in times.stops for task in tasks[stop.id]}
    for fact in facts:
        if fact.driver_id != times.driver_id:
            continue
        if fact.kind == "SetShift":
            if fact.shift_id == shift_id and fact.moved:
                _take_in_rest(times, fact)
            continue
        stop = stops.get(fact.task_id) if fact.task_id else None
        if stop is None:
            continue
        if fact.kind == "StartTasks":
            stop.begun_at = min(stop.begun_at or fact.occurred_at, fact.occurred_at)
        else:
            stop.arrived_at = min(stop.arrived_at or fact.occurred_at, fact.occurred_at)


def _take_in_rest(times: RunTimes, fact: StreetFact) -> None:
    change = fact.details.get("change")
    if change == "break_start":
        times.rests.append((fact.occurred_at, None))
    elif change in ("break_end", "end") and times.rests and times.rests[-1][1] is None:
        times.rests[-1] = times.rests[-1][0], fact.occurred_at
