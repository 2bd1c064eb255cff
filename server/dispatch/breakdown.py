"""A van breaks down: the rest of its driver's day goes to other runs, one piece after the other.

What is still in the depot, or not fetched yet, is simply somebody else's. What is in the broken van
must be fetched where it stands. A promise to the customers of other runs is not broken for it, but
what comes from the broken van may be late rather than not come at all. What nobody can take goes
back to the pool, and a person is told why.
"""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from routing.insert import NoPlace, apply_insertion, insert
from routing.plan import Plan
from routing.roads import Roads
from server.dispatch.exceptions import raise_exception
from server.dispatch.inputs import lock_depot, record_change
from server.dispatch.lifecycle import FINAL, RUN
from server.dispatch.manifest import issue_manifests
from server.dispatch.models import Depot, Run, Shift, Stop, Task, Vehicle
from server.dispatch.planning import UnassignedWork
from server.dispatch.problem import (
    RoadMap,
    drop_lost_vans,
    make_draft_run,
    make_problem,
    measure_roads,
    present_plan,
)
from server.dispatch.publishing import apply_run
from server.dispatch.situation import Situation, read_situation
from server.dispatch.tasks import back_to_pool, lock_tasks
from server.dispatch.urgent import lock_run_tasks, tell_reasons
from server.dispatch.work import without_deadline
from server.identity import service as identity
from server.kit import clock
from server.kit.errors import Conflict, NotFound
from server.kit.geo import Position
from server.places import service as places
from server.places.service import Address, PlaceView
from server.tracking import service as tracking

FAR_OFF = datetime.max.replace(tzinfo=UTC)


class UnknownRun(NotFound):
    """There is no run {run_id}."""

    code = "dispatch.unknown_run"


class RunIsClosed(Conflict):
    """This run is over; there is nothing left to give to others."""

    code = "dispatch.run_is_closed"


class MovedWork(msgspec.Struct, frozen=True, kw_only=True):
    """late: after the time until which it was promised."""

    waybill: str
    run_id: UUID
    driver_id: UUID
    vehicle_label: str
    planned_start_at: datetime
    late: bool


class Reassignment(msgspec.Struct, frozen=True, kw_only=True):
    """Who got what, and what nobody could take."""

    moved: tuple[MovedWork, ...]
    unassigned: tuple[UnassignedWork, ...]


async def reassign_run(
    session: AsyncSession,
    run_id: UUID,
    *,
    roads: Roads,
    by: str,
    position: Position | None = None,
) -> Reassignment:
    """Close a run and give what is left of it to others.

    position: where the van stands; otherwise where it was last seen.

    Raises
    ------
    UnknownRun, RunIsClosed
    """
    run = await session.get(Run, run_id)
    if run is None:
        raise UnknownRun(run_id=run_id)
    depot = await lock_depot(session, run.depot_id)
    await session.refresh(run, with_for_update=True)
    if run.state == "closed":
        raise RunIsClosed
    place = await _place_of_van(session, depot, run, position)
    left = await _empty_run(session, depot, run)
    situation = await read_situation(
        session,
        depot.id,
        run.day,
        with_pool=False,
        also={task.consignment_id for task in left},
        broken_down={run.driver_id: place},
    )
    road_map = await measure_roads(situation, roads)
    await asyncio.to_thread(drop_lost_vans, situation, road_map)
    moved, reasons = await _give_away(session, depot, situation, road_map, left)
    unassigned = _tell_unassigned(session, situation, left, reasons)
    raise_exception(
        session,
        "breakdown",
        depot_id=depot.id,
        run_id=run.id,
        driver_id=run.driver_id,
        moved=len(moved),
        unassigned=[one.waybill for one in unassigned],
    )
    record_change(session, depot, "A vehicle broke down.", first_day=run.day, last_day=run.day)
    await identity.record_audit(session, by=by, action="run.reassigned", subject=f"run:{run_id}")
    await issue_manifests(session, {run.driver_id, *(each.driver_id for each in moved)})
    return Reassignment(moved=tuple(moved), unassigned=tuple(unassigned))


async def _place_of_van(
    session: AsyncSession, depot: Depot, run: Run, position: Position | None
) -> PlaceView:
    """Where others will find the van."""
    if position is None:
        latest = await tracking.latest_positions(session, [run.driver_id])
        position = latest[0].position if latest else await _last_stop(session, run)
    vehicle = await session.get_one(Vehicle, run.vehicle_id)
    return await places.create_place(
        session,
        Address(name=f"Vehicle {vehicle.label}", extra="Take over its parcels here."),
        position=position or depot.position,
    )


async def _last_stop(session: AsyncSession, run: Run) -> Position | None:
    place_id = await session.scalar(
        select(Task.place_id)
        .where(Task.finished_by == run.driver_id, Task.finished_at >= run.starts_at)
        .order_by(Task.finished_at.desc())
        .limit(1)
    )
    return (await places.get_places(session, [place_id]))[place_id].position if place_id else None


async def _empty_run(session: AsyncSession, depot: Depot, run: Run) -> list[Task]:
    """Close the run and its shift; what was left to do, in the order of the run."""
    RUN.check(run.state, "closed")
    run.state = "closed"
    run.closed_at = clock.now()
    shift = await session.get_one(Shift, run.shift_id)
    shift.broken_down_at = clock.now()
    sequences = {
        stop.id: stop.sequence
        for stop in await session.scalars(select(Stop).where(Stop.run_id == run.id))
    }
    left = await lock_tasks(session, Task.stop_id.in_(sequences), Task.state.not_in(FINAL))
    left.sort(key=lambda task: (sequences[task.stop_id] if task.stop_id else 0, task.sequence))
    for task in left:
        await back_to_pool(session, depot, task, "A vehicle broke down.")
    await tracking.set_fences(session, run.driver_id, [])
    await session.flush()
    return left


async def _give_away(
    session: AsyncSession,
    depot: Depot,
    situation: Situation,
    road_map: RoadMap,
    left: list[Task],
) -> tuple[list[MovedWork], dict[str, str]]:
    """Insert the work into the other runs; who got what, and why the rest could not be placed."""
    waiting = {task.consignment_id for task in left}
    names = [work.waybill for work in situation.works.values() if work.consignment_id in waiting]
    promised = {name: situation.works[name].ends[-1].end_at for name in names}
    plan, reasons = await asyncio.to_thread(_insert_all, situation, road_map, names)
    moved: list[MovedWork] = []
    for route in plan.routes:
        mine = {visit.id: visit for visit in route.visits if visit.id in promised}
        if not mine:
            continue
        drafted = make_draft_run(situation, road_map, route)
        tasks = await lock_run_tasks(session, [drafted.run_id], waiting)
        await apply_run(session, depot, situation.day, drafted, tasks)
        for stop in drafted.stops:
            for visit in stop.visits:
                until = promised.get(visit.waybill)
                if visit.waybill not in mine or visit.leg == "pickup":
                    continue
                moved.append(
                    MovedWork(
                        waybill=visit.waybill,
                        run_id=drafted.run_id,
                        driver_id=drafted.driver_id,
                        vehicle_label=drafted.vehicle_label,
                        planned_start_at=stop.start_at,
                        late=until is not None and stop.start_at > until,
                    )
                )
    return moved, reasons


def _insert_all(
    situation: Situation, road_map: RoadMap, names: list[str]
) -> tuple[Plan, dict[str, str]]:
    """Those with the earliest promise first; in a second round the rest, late if need be."""
    promises = {name: situation.works[name].ends[-1].end_at for name in names}
    waiting = sorted(names, key=lambda name: promises[name] or FAR_OFF)
    problem = make_problem(situation, road_map)
    plan = present_plan(situation, problem)
    reasons: dict[str, str] = {}
    for late in (False, True):
        if late:
            for name in waiting:
                situation.works[name] = without_deadline(situation.works[name])
            problem = make_problem(situation, road_map)
        still = []
        for name in waiting:
            found = insert(problem, plan, name, most=1)
            if isinstance(found, NoPlace):
                still.append(name)
                reasons[name] = tell_reasons(found)
            else:
                plan = apply_insertion(problem, plan, found[0], name)
                reasons.pop(name, None)
        waiting = still
    return plan, reasons


def _tell_unassigned(
    session: AsyncSession, situation: Situation, left: list[Task], reasons: dict[str, str]
) -> list[UnassignedWork]:
    """Put what nobody could take before a person."""
    by_consignment = {task.consignment_id: task for task in left}
    told = []
    for name, sentence in reasons.items():
        task = by_consignment[situation.works[name].consignment_id]
        raise_exception(session, "not_placed", task=task, reasons=sentence)
        told.append(
            UnassignedWork(task_id=task.id, waybill=name, code="not_placed", sentence=sentence)
        )
    by_id = {task.id: task for task in left}
    for one in situation.obstacles:
        if one.task_id not in by_id:
            continue  # something of another run
        raise_exception(session, "not_placed", task=by_id[one.task_id], reasons=one.sentence)
        told.append(
            UnassignedWork(
                task_id=one.task_id, waybill=one.waybill, code=one.code, sentence=one.sentence
            )
        )
    return told
