"""Everything that a plan of one depot and day depends on, read in one short transaction.

Plain values, so that the transaction can end before the long work begins. What it becomes for the
solver is the matter of `problem`.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service as consignments
from server.consignments.service import ConsignmentView
from server.dispatch.inputs import day_bounds, find_depot
from server.dispatch.lifecycle import FINAL, UNDER_WAY
from server.dispatch.models import Depot, Driver, Run, Shift, Stop, Task, Vehicle
from server.dispatch.tasks import ON_BOARD
from server.dispatch.work import Leg, NotPlannable, Work, group_work, size_of, with_handover
from server.kit import clock
from server.kit.geo import Position
from server.places import service as places
from server.places.service import PlaceView
from server.tracking import service as tracking

FRESH_FIX = timedelta(minutes=15)
Visit = tuple[str, Leg]
"""Waybill and end."""
ShiftRow = tuple[Shift, Driver, Vehicle]


@dataclass(frozen=True, slots=True)
class Rest:
    earliest_start_at: datetime
    latest_start_at: datetime
    duration_s: int


@dataclass(slots=True)
class Van:
    """One shift: a driver with a vehicle, where they are and what they have to do still.

    name: the vehicle's label, made unique. sequence: the visits left of its run, of which the
    first `fixed_count` are under way. on_board: what it carries besides, until the depot.
    """

    name: str
    shift_id: UUID
    driver_id: UUID
    vehicle_id: UUID
    label: str
    profile: str
    capacity: tuple[int, int, int]
    skills: frozenset[str]
    starts_at: datetime
    ends_at: datetime
    breaks: tuple[Rest, ...]
    position: Position
    run_id: UUID | None = None
    started: bool = False
    sequence: tuple[Visit, ...] = ()
    fixed_count: int = 0
    on_board: tuple[int, int, int] = (0, 0, 0)


@dataclass(slots=True)
class Situation:
    """locked: waybills that must stay with the shift they are mapped to."""

    depot_id: UUID
    depot_place_id: UUID
    depot_position: Position
    day: date
    day_start_at: datetime
    read_at: datetime
    input_version: int
    vans: list[Van]
    works: dict[str, Work]
    obstacles: list[NotPlannable]
    places: dict[UUID, PlaceView]
    locked: dict[str, UUID] = field(default_factory=dict)

    def van_of(self, driver_id: UUID | None) -> Van | None:
        return next((van for van in self.vans if van.driver_id == driver_id), None)


async def read_situation(
    session: AsyncSession,
    depot_id: UUID,
    day: date,
    *,
    with_pool: bool = True,
    also: Collection[UUID] = (),
    broken_down: Mapping[UUID, PlaceView] | None = None,
) -> Situation:
    """Read it.

    with_pool: what nobody has yet belongs to it. also: consignments that do in any case.
    broken_down: where the vehicles of these drivers stand, so that others fetch the parcels there.
    """
    depot = await find_depot(session, depot_id)
    day_start_at, day_end_at = day_bounds(depot, day)
    shifts = await _read_shifts(session, depot_id, day_start_at, day_end_at)
    runs = {
        run.shift_id: run
        for run in await session.scalars(
            select(Run).where(Run.shift_id.in_([shift.id for shift, _, _ in shifts]))
        )
    }
    run_ids = [run.id for run in runs.values() if run.state != "closed"]
    stops = {
        stop.id: stop
        for stop in await session.scalars(select(Stop).where(Stop.run_id.in_(run_ids)))
    }
    tasks = await _read_tasks(session, depot_id, day_end_at, stops, with_pool=with_pool, also=also)
    goods = await consignments.get_consignments(session, {task.consignment_id for task in tasks})
    found = await places.get_places(session, {task.place_id for task in tasks} | {depot.place_id})
    open_tasks = [task for task in tasks if task.state not in FINAL]
    works, obstacles = group_work(open_tasks, goods, found, day_start_at=day_start_at)
    situation = Situation(
        depot_id=depot_id,
        depot_place_id=depot.place_id,
        depot_position=depot.position,
        day=day,
        day_start_at=day_start_at,
        read_at=clock.now(),
        input_version=depot.input_version,
        vans=[],
        works={work.waybill: work for work in works},
        obstacles=obstacles,
        places=found,
    )
    names: set[str] = set()
    for shift, driver, vehicle in shifts:
        run = runs.get(shift.id)
        if shift.broken_down_at or shift.ended_at or (run and run.state == "closed"):
            continue
        mine = [
            task for task in tasks if run and task.stop_id and stops[task.stop_id].run_id == run.id
        ]
        van = _make_van(depot, (shift, driver, vehicle), run, situation)
        van.name = next(name for name in _names(vehicle.label) if name not in names)
        names.add(van.name)
        _read_progress(van, mine, stops, goods, situation)
        situation.vans.append(van)
    await _place_vans(session, situation)
    _settle_holders(situation, broken_down or {})
    return situation


async def _read_shifts(
    session: AsyncSession, depot_id: UUID, since: datetime, until: datetime
) -> list[ShiftRow]:
    rows = await session.execute(
        select(Shift, Driver, Vehicle)
        .join(Driver, Driver.person_id == Shift.driver_id)
        .join(Vehicle, Vehicle.id == Shift.vehicle_id)
        .where(
            Shift.depot_id == depot_id,
            Shift.starts_at >= since,
            Shift.starts_at < until,
            or_(Driver.active, Shift.started_at.is_not(None)),
            or_(Vehicle.active, Shift.started_at.is_not(None)),
        )
        .order_by(Shift.starts_at, Shift.id)
        .execution_options(populate_existing=True)
    )
    return [(shift, driver, vehicle) for shift, driver, vehicle in rows]


async def _read_tasks(
    session: AsyncSession,
    depot_id: UUID,
    day_end_at: datetime,
    stops: Collection[UUID],
    *,
    with_pool: bool,
    also: Collection[UUID],
) -> list[Task]:
    """The tasks of the runs, done ones included, and those of the pool that may be planned."""
    where: list[ColumnElement[bool]] = [Task.stop_id.in_(stops)]
    waiting = Task.state == "unassigned"
    if with_pool:
        due = or_(Task.window_start_at.is_(None), Task.window_start_at < day_end_at)
        where.append((Task.depot_id == depot_id) & waiting & due)
    if also:
        where.append(Task.consignment_id.in_(also) & waiting)
    found = await session.scalars(
        select(Task).where(or_(*where)).order_by(Task.id).execution_options(populate_existing=True)
    )
    return list(found)


def _names(label: str) -> Iterator[str]:
    """The label, and what to call the vehicle in its second and further shifts of the day."""
    yield label
    for number in count(2):
        yield f"{label} ({number})"


def _make_van(depot: Depot, row: ShiftRow, run: Run | None, now: Situation) -> Van:
    shift, driver, vehicle = row
    zone = ZoneInfo(depot.timezone)
    opens_at = datetime.combine(now.day, depot.opens_local, tzinfo=zone)
    closes_at = datetime.combine(now.day, depot.closes_local, tzinfo=zone)
    # A driver who has begun the shift may still stand in the depot; who set off to a stop does not.
    started = run is not None and run.state == "started"
    starts_at = shift.starts_at if started else max(shift.starts_at, opens_at)
    rests = [msgspec.convert(rest, Rest) for rest in shift.breaks][shift.breaks_taken :]
    starts_at = max(starts_at, now.read_at)
    return Van(
        name="",
        shift_id=shift.id,
        driver_id=shift.driver_id,
        vehicle_id=vehicle.id,
        label=vehicle.label,
        profile=vehicle.profile,
        capacity=(
            vehicle.capacity_weight_g,
            vehicle.capacity_volume_ml,
            vehicle.capacity_parcels,
        ),
        skills=frozenset(driver.skills) | frozenset(vehicle.skills),
        starts_at=starts_at,
        ends_at=max(min(shift.ends_at, closes_at), starts_at),
        # A rest whose time has passed was not reported or not taken; either way it is over.
        breaks=tuple(rest for rest in rests if rest.latest_start_at > starts_at),
        position=depot.position,
        run_id=run.id if run else None,
        started=started,
    )


def _read_progress(
    van: Van,
    tasks: list[Task],
    stops: dict[UUID, Stop],
    goods: dict[UUID, ConsignmentView],
    now: Situation,
) -> None:
    """Set what is left to do, what is under way, what is on board, and the last place visited."""
    tasks.sort(key=lambda task: (stops[_stop(task)].sequence, task.sequence))
    active = {task.stop_id for task in tasks if task.state in UNDER_WAY}
    works = {work.consignment_id: work for work in now.works.values()}
    begun: list[Visit] = []
    rest: list[Visit] = []
    for task in tasks:
        work = works.get(task.consignment_id)
        end = work and next((end for end in work.ends if end.task_id == task.id), None)
        if work and end and task.state not in FINAL:
            (begun if task.stop_id in active else rest).append((work.waybill, end.leg))
            if stops[_stop(task)].locked:
                now.locked[work.waybill] = van.shift_id
    van.sequence, van.fixed_count = _in_order(begun, rest)
    left_over = {
        task.consignment_id: goods[task.consignment_id]
        for task in tasks
        if task.state in FINAL and task.consignment_id not in works
    }
    van.on_board = _size_on_board(van.driver_id, left_over.values())
    done = [task for task in tasks if task.finished_at and task.finished_by == van.driver_id]
    at_door = [task for task in tasks if task.state == "arrived"]
    last = at_door[0] if at_door else max(done, key=_finished, default=None)
    if van.started and last and (position := now.places[last.place_id].position):
        van.position = position


def _in_order(begun: list[Visit], rest: list[Visit]) -> tuple[tuple[Visit, ...], int]:
    """The visits with every pickup before its delivery, and how many of them are under way.

    A driver may report a delivery as begun before its pickup; and an amended delivery went back to
    the pool while its pickup was under way, then the run still owes it.
    """
    fetched = sorted({name for name, leg in (*begun, *rest) if leg == "pickup"})
    fixed: list[Visit] = []
    order: list[Visit] = []
    early: list[Visit] = []
    for number, visit in enumerate((*begun, *rest)):
        seen = (visit[0], "pickup") in (*fixed, *order)
        if visit[1] == "delivery" and visit[0] in fetched and not seen:
            early.append(visit)
        elif number < len(begun):
            fixed.append(visit)
        else:
            order.append(visit)
    order += early
    owed: list[Visit] = [(name, "delivery") for name in fetched]
    order += [visit for visit in owed if visit not in (*fixed, *order)]
    return (*fixed, *order), len(fixed)


def _size_on_board(
    driver_id: UUID, consignments_done: Iterable[ConsignmentView]
) -> tuple[int, int, int]:
    """What failed deliveries and collected returns take up until they are back at the depot."""
    held = [
        size_of(one)
        for one in consignments_done
        if any(p.state in ON_BOARD and p.holder_id == driver_id for p in one.parcels)
    ]
    return (
        sum(size[0] for size in held),
        sum(size[1] for size in held),
        sum(size[2] for size in held),
    )


def _finished(task: Task) -> datetime:
    assert task.finished_at is not None
    return task.finished_at


def _stop(task: Task) -> UUID:
    assert task.stop_id is not None
    return task.stop_id


async def _place_vans(session: AsyncSession, now: Situation) -> None:
    """A driver on the way is where the phone says, if it said so lately."""
    moving = [van for van in now.vans if van.started]
    latest = await tracking.latest_positions(session, [van.driver_id for van in moving])
    for live in latest:
        van = now.van_of(live.driver_id)
        if van and now.read_at - live.taken_at <= FRESH_FIX:
            van.position = live.position


def _settle_holders(now: Situation, broken_down: Mapping[UUID, PlaceView]) -> None:
    """Say where parcels must be fetched first.

    Once somebody is on the road, what is in the depot must be fetched there by whoever brings it.
    What is in a vehicle that does not drive today can be planned only where that vehicle stands.
    """
    on_the_road = any(van.started for van in now.vans)
    for work in list(now.works.values()):
        van = now.van_of(work.holder_id or work.driver_id)
        if work.kind == "delivery" and work.holder_id and van is None:
            place = broken_down.get(work.holder_id)
            if place is not None and place.position is not None:
                now.places[place.id] = place
                now.works[work.waybill] = with_handover(work, place.id, place.position, "vehicle")
                continue
            del now.works[work.waybill]
            task_id = work.ends[0].task_id
            assert task_id is not None
            now.obstacles.append(NotPlannable(task_id, work.waybill, "in_vehicle"))
        elif work.at_depot and on_the_road and not (van and van.started):
            now.works[work.waybill] = with_handover(
                work, now.depot_place_id, now.depot_position, "depot"
            )
            if van:
                _fetch_first(van, work.waybill)


def _fetch_first(van: Van, waybill: str) -> None:
    rest: list[Visit] = [
        (name, "delivery" if name == waybill else leg) for name, leg in van.sequence
    ]
    van.sequence = ((waybill, "pickup"), *rest)
