"""What a dispatcher changes by hand in runs that drivers have: stops go to another driver, a whole
run is handed over, two drivers swap what is left.

What is under way stays, and so does what lies in a vehicle: parcels do not change vans by a click.
The order of what is not moved is kept. A promise that would be broken is told beforehand, and
broken only for a dispatcher who says so.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from routing.insert import NoPlace, apply_insertion, insert
from routing.plan import Route
from routing.problem import Step
from routing.roads import Roads
from server.dispatch.breakdown import RunIsClosed, UnknownRun
from server.dispatch.draft import DraftRun
from server.dispatch.inputs import lock_depot, record_change
from server.dispatch.lifecycle import FINAL
from server.dispatch.manifest import issue_manifests
from server.dispatch.models import Depot, Run, Stop, Task
from server.dispatch.places_in_run import (
    LateVisit,
    Timed,
    find_late,
    narrow,
    sentences_of,
    time_order,
)
from server.dispatch.problem import (
    RoadMap,
    bound_to,
    make_draft_run,
    make_problem,
    measure_roads,
    names_of_vans,
    present_plan,
    steps_of_van,
)
from server.dispatch.publishing import apply_run, remove_empty_stops
from server.dispatch.situation import Situation, Van, read_situation
from server.dispatch.urgent import lock_run_tasks, tell_reasons
from server.identity import service as identity
from server.kit.errors import Conflict, Invalid, NotFound


class UnknownStopOfRun(NotFound):
    """Nothing is left to do at one of these stops, or it belongs to another run by now."""

    code = "dispatch.unknown_stop_of_run"


class UnknownShiftOfDay(NotFound):
    """No vehicle of that depot and day drives the shift {shift_id}, or its shift is over."""

    code = "dispatch.unknown_shift_of_day"


class NothingToMove(Conflict):
    """Nothing is left in this run that could go to somebody else."""

    code = "dispatch.nothing_to_move"


class BoundToVehicle(Conflict):
    """{waybills} cannot change drivers: under way, locked, or in the vehicle {vehicle} already."""

    code = "dispatch.bound_to_vehicle"


class CannotBeDriven(Conflict):
    """{vehicle} cannot drive that: {reasons}"""

    code = "dispatch.cannot_be_driven"


class PromisesBroken(Conflict):
    """{count} promises would be broken: {waybills}. Accept that, or move it elsewhere."""

    code = "dispatch.promises_broken"


class SameRun(Invalid):
    """Choose another run than this one."""

    code = "dispatch.same_run"


class ChangedRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run as it is by the change. stop_ids: of the stops that came to it."""

    run_id: UUID
    shift_id: UUID
    driver_id: UUID
    vehicle_label: str
    stops: int
    added_cost_minor: int
    added_distance_m: int
    stop_ids: tuple[UUID, ...] = ()


class RunChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a change of runs does, or would do. late: promises kept before and broken by it."""

    runs: tuple[ChangedRun, ...]
    late: tuple[LateVisit, ...]
    is_done: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """accept_late: break promises for it. only_look: say what would happen, and change nothing."""

    by: str
    accept_late: bool = False
    only_look: bool = False


async def move_stops(
    session: AsyncSession,
    run_id: UUID,
    stop_ids: Collection[UUID],
    *,
    to_shift_id: UUID,
    roads: Roads,
    how: Manner,
) -> RunChange:
    """Give stops of a run to the driver of another shift, each where it costs least.

    stop_ids: none of them means all that is left: the run is handed over.

    Raises
    ------
    UnknownRun, RunIsClosed, UnknownStopOfRun, UnknownShiftOfDay, SameRun, NothingToMove,
    BoundToVehicle, CannotBeDriven, PromisesBroken
    """
    depot, run = await _lock_run(session, run_id)
    if run.shift_id == to_shift_id:
        raise SameRun
    edit = await _read_edit(session, depot, run, to_shift_id, roads)
    names = await _names_at(session, edit.situation, run, stop_ids)
    movable = _movable(edit, names, named=bool(stop_ids))
    found = await asyncio.to_thread(_place_all, edit, movable)
    return await _carry_out(session, depot, edit, found, how)


async def swap_runs(
    session: AsyncSession,
    run_id: UUID,
    *,
    with_run_id: UUID,
    roads: Roads,
    how: Manner,
) -> RunChange:
    """Give each of two drivers what is left of the other's run, in the order that it has.

    Raises: as move_stops.
    """
    if run_id == with_run_id:
        raise SameRun
    depot, run = await _lock_run(session, run_id)
    other = await session.get(Run, with_run_id)
    if other is None or (other.depot_id, other.day) != (run.depot_id, run.day):
        raise UnknownRun(run_id=with_run_id)
    edit = await _read_edit(session, depot, run, other.shift_id, roads)
    found = await asyncio.to_thread(_swap_all, edit)
    return await _carry_out(session, depot, edit, found, how)


@dataclass(frozen=True, slots=True)
class _Edit:
    """Two vehicles, what they have to do, how they drive it now."""

    situation: Situation
    road_map: RoadMap
    source: Van
    target: Van
    before: Mapping[str, Route | None]


@dataclass(frozen=True, slots=True)
class _Found:
    """The new routes of both vehicles."""

    source: Route
    target: Route


async def _lock_run(session: AsyncSession, run_id: UUID) -> tuple[Depot, Run]:
    run = await session.get(Run, run_id)
    if run is None:
        raise UnknownRun(run_id=run_id)
    depot = await lock_depot(session, run.depot_id)
    await session.refresh(run)
    if run.state == "closed":
        raise RunIsClosed
    return depot, run


async def _read_edit(
    session: AsyncSession, depot: Depot, run: Run, to_shift_id: UUID, roads: Roads
) -> _Edit:
    whole = await read_situation(session, depot.id, run.day, with_pool=False)
    vans = {van.shift_id: van for van in whole.vans}
    if to_shift_id not in vans or run.shift_id not in vans:
        raise UnknownShiftOfDay(shift_id=to_shift_id if to_shift_id not in vans else run.shift_id)
    source, target = vans[run.shift_id], vans[to_shift_id]
    situation = narrow(whole, [source, target], ())
    road_map = await measure_roads(situation, roads)
    problem = make_problem(situation, road_map)
    timed = {van.name: time_order(problem, van.name, steps_of_van(van)) for van in situation.vans}
    before = {
        van.name: _drivable(timed[van.name], van) if van.sequence else None
        for van in situation.vans
    }
    return _Edit(situation, road_map, source, target, before)


async def _names_at(
    session: AsyncSession, situation: Situation, run: Run, stop_ids: Collection[UUID]
) -> set[str]:
    """The work that is left at these stops, or at all stops of the run when none is named."""
    rows = await session.execute(
        select(Task.stop_id, Task.consignment_id)
        .join(Stop, Stop.id == Task.stop_id)
        .where(Stop.run_id == run.id, Task.state.not_in(FINAL))
    )
    left = [(stop_id, goods) for stop_id, goods in rows if not stop_ids or stop_id in stop_ids]
    if set(stop_ids) - {stop_id for stop_id, _ in left}:
        raise UnknownStopOfRun
    wanted = {consignment_id for _, consignment_id in left}
    return {
        work.waybill
        for work in situation.works.values()
        if work.consignment_id in wanted or (work.swap and work.swap.consignment_id in wanted)
    }


def _movable(edit: _Edit, names: Collection[str], *, named: bool) -> list[str]:
    """This work in the order of the run.

    named: somebody chose it, so what cannot go is refused; otherwise it simply stays.
    """
    van, stuck = edit.source, _stuck(edit.situation, edit.source) & {*names}
    if named and stuck:
        raise BoundToVehicle(waybills=", ".join(sorted(stuck)), vehicle=van.label)
    order = dict.fromkeys(name for name, _ in van.sequence if name in names and name not in stuck)
    if not order:
        raise NothingToMove
    return list(order)


def _stuck(situation: Situation, van: Van) -> set[str]:
    """The work of a vehicle that nobody else can do: begun, locked, or on board."""
    by_driver, by_shift = names_of_vans(situation)
    begun = {name for name, _ in van.sequence[: van.fixed_count]}
    return begun | {
        name
        for name, _ in van.sequence
        if bound_to(situation.works[name], situation, by_driver, by_shift)
    }


def _place_all(edit: _Edit, names: Sequence[str]) -> _Found:
    """Each piece of work where it costs least, on time if that can be, else late."""
    moving = set(names)
    rest = [step for step in steps_of_van(edit.source) if step.id not in moving]
    theirs = narrow(edit.situation, [edit.target], names)
    for yielding in (False, True):
        problem = make_problem(theirs, edit.road_map, yielding=yielding)
        plan = present_plan(theirs, problem)
        for name in names:
            found = insert(problem, plan, name, most=1)
            if isinstance(found, NoPlace):
                if yielding:
                    raise CannotBeDriven(vehicle=edit.target.label, reasons=tell_reasons(found))
                break
            plan = apply_insertion(problem, plan, found[0], name)
        else:
            route = plan.route_of(edit.target.name)
            assert route is not None  # it has at least what was just put into it
            kept = make_problem(edit.situation, edit.road_map)
            return _Found(_drivable(time_order(kept, edit.source.name, rest), edit.source), route)
    raise AssertionError("the second round ends the loop")


def _swap_all(edit: _Edit) -> _Found:
    mine, theirs = _free_steps(edit, edit.source), _free_steps(edit, edit.target)
    if not mine and not theirs:
        raise NothingToMove
    orders = {
        edit.source.name: [*_without(edit.source, mine), *theirs],
        edit.target.name: [*_without(edit.target, theirs), *mine],
    }

    def time_both(*, yielding: bool) -> tuple[Timed, Timed]:
        problem = make_problem(edit.situation, edit.road_map, yielding=yielding)
        first, second = (time_order(problem, name, order) for name, order in orders.items())
        return first, second

    first, second = time_both(yielding=False)
    if not (isinstance(first, Route) and isinstance(second, Route)):
        first, second = time_both(yielding=True)
    return _Found(_drivable(first, edit.source), _drivable(second, edit.target))


def _free_steps(edit: _Edit, van: Van) -> list[Step]:
    stuck = _stuck(edit.situation, van)
    return [step for step in steps_of_van(van) if step.id not in stuck]


def _without(van: Van, gone: Sequence[Step]) -> list[Step]:
    return [step for step in steps_of_van(van) if step not in gone]


def _drivable(timed: Timed, van: Van) -> Route:
    if isinstance(timed, Route):
        return timed
    raise CannotBeDriven(vehicle=van.label, reasons=sentences_of(timed))


async def _carry_out(
    session: AsyncSession,
    depot: Depot,
    edit: _Edit,
    found: _Found,
    how: Manner,
) -> RunChange:
    """Tell what it does and, unless somebody only looks, do it."""
    promises, before = edit.situation.works, list(edit.before.values())
    late = tuple(
        visit
        for route in (found.source, found.target)
        for visit in find_late(edit.situation, promises, before, route)
    )
    drafted = {
        van.name: make_draft_run(edit.situation, edit.road_map, route)
        for van, route in ((edit.target, found.target), (edit.source, found.source))
    }
    if late and not (how.accept_late or how.only_look):
        names = ", ".join(visit.waybill for visit in late[:5])
        raise PromisesBroken(count=len(late), waybills=names)
    stop_ids: dict[str, tuple[UUID, ...]] = {}
    if not how.only_look:
        stop_ids = await _apply(session, depot, edit, list(drafted.values()), by=how.by)
    return RunChange(
        runs=tuple(
            ChangedRun(
                run_id=run.run_id,
                shift_id=run.shift_id,
                driver_id=run.driver_id,
                vehicle_label=run.vehicle_label,
                stops=len(run.stops),
                added_cost_minor=run.cost_minor - (was.cost if was else 0),
                added_distance_m=run.distance_m - (was.distance_m if was else 0),
                stop_ids=stop_ids.get(name, ()),
            )
            for name, run in drafted.items()
            for was in (edit.before[name],)
        ),
        late=late,
        is_done=not how.only_look,
    )


async def _apply(
    session: AsyncSession, depot: Depot, edit: _Edit, drafted: Sequence[DraftRun], *, by: str
) -> dict[str, tuple[UUID, ...]]:
    """Put both runs into force; by vehicle, the stops that came to it."""
    day, run_ids = edit.situation.day, {run.run_id for run in drafted}
    goods = {work.consignment_id for work in edit.situation.works.values()}
    tasks = await lock_run_tasks(session, run_ids, goods)
    drivers_before = {task.id: task.driver_id for task in tasks.values()}
    for run in drafted:
        await apply_run(session, depot, day, run, tasks)
    await remove_empty_stops(session, run_ids)
    record_change(session, depot, "Stops were moved between runs.", first_day=day, last_day=day)
    for run in drafted:
        await identity.record_audit(
            session, by=by, action="run.edited", subject=f"run:{run.run_id}"
        )
    await issue_manifests(session, {run.driver_id for run in drafted})
    names = {
        run.driver_id: van.name
        for run in drafted
        for van in (edit.source, edit.target)
        if van.shift_id == run.shift_id
    }
    came: dict[str, dict[UUID, None]] = {}
    for task in tasks.values():
        if task.driver_id and task.stop_id and drivers_before[task.id] != task.driver_id:
            came.setdefault(names[task.driver_id], {})[task.stop_id] = None
    return {name: tuple(ids) for name, ids in came.items()}
