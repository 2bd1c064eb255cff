"""One urgent piece of work into the runs of today: the cheapest place, and what it costs others.

The other visits keep their order and their drivers. Only when no run can take it otherwise do the
promises made to others give way, and then it is said which become late.
"""

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from routing.insert import NoPlace, insert
from routing.plan import Route
from routing.roads import Roads
from server.consignments import service as consignments
from server.dispatch.inputs import local_day, record_change
from server.dispatch.lifecycle import FINAL
from server.dispatch.manifest import issue_manifests
from server.dispatch.models import Run, Stop, Task
from server.dispatch.offers import offer
from server.dispatch.places_in_run import LateVisit, find_late
from server.dispatch.problem import (
    RoadMap,
    drop_lost_vans,
    make_draft_run,
    make_problem,
    measure_roads,
    present_plan,
)
from server.dispatch.publishing import apply_run, remove_empty_stops
from server.dispatch.situation import Situation, read_situation
from server.dispatch.tasks import lock_consignment_tasks, lock_tasks, tasks_of
from server.dispatch.work import without_deadline
from server.identity import service as identity
from server.kit import clock
from server.kit.errors import Conflict, NotFound


class NothingToInsert(NotFound):
    """Consignment {consignment_id} has no open task that could be put into a run."""

    code = "dispatch.nothing_to_insert"


class AlreadyInRun(Conflict):
    """Consignment {consignment_id} is in a run already."""

    code = "dispatch.already_in_run"


class CannotBePlanned(Conflict):
    """{waybill} cannot be put into a run: {sentence}"""

    code = "dispatch.cannot_be_planned"


class NoRunCanTakeIt(Conflict):
    """No run of today can take {waybill}: {reasons}"""

    code = "dispatch.no_run_can_take_it"


class InsertedWork(msgspec.Struct, frozen=True, kw_only=True):
    """Which run got it, when it will be done, what it costs more, and what becomes late by it."""

    run_id: UUID
    driver_id: UUID
    vehicle_label: str
    waybill: str
    planned_start_at: datetime
    added_cost_minor: int
    late: tuple[LateVisit, ...]


async def insert_urgent(
    session: AsyncSession,
    consignment_id: UUID,
    *,
    roads: Roads,
    by: str,
    answer_within_s: int | None = None,
) -> InsertedWork:
    """Put the open tasks of a consignment into a run of today, and tell its driver.

    answer_within_s: it is only offered; see offers.py.

    Raises
    ------
    NothingToInsert, AlreadyInRun, CannotBePlanned, NoRunCanTakeIt
    """
    depots, tasks = await lock_consignment_tasks(session, consignment_id)
    waiting = [task for task in tasks if task.state == "unassigned"]
    if not depots or not any(task.state not in FINAL for task in tasks):
        raise NothingToInsert(consignment_id=consignment_id)
    depot = depots[0]
    day = local_day(depot, clock.now())
    legs = await legs_of(session, consignment_id)
    situation = await read_situation(session, depot.id, day, with_pool=False, also=legs)
    if not waiting:
        raise AlreadyInRun(consignment_id=consignment_id)
    waybill = _name_of(situation, consignment_id, tasks)
    if waybill not in situation.works:
        sentence = next(one.sentence for one in situation.obstacles if one.waybill == waybill)
        raise CannotBePlanned(waybill=waybill, sentence=sentence)
    road_map = await measure_roads(situation, roads)
    await asyncio.to_thread(drop_lost_vans, situation, road_map)
    promises = dict(situation.works)
    before, route = await asyncio.to_thread(_find_route, situation, road_map, waybill)
    drafted = make_draft_run(situation, road_map, route)
    locked = await lock_run_tasks(session, [drafted.run_id], legs)
    had_it = {
        task.driver_id
        for task in locked.values()
        if task.driver_id not in (None, drafted.driver_id) and task.state not in FINAL
    }
    await apply_run(session, depot, day, drafted, locked)
    if answer_within_s is not None:
        offer(
            await tasks_of(session, consignment_id),
            until=clock.now() + timedelta(seconds=answer_within_s),
        )
    await remove_empty_stops(session, await _runs_of(session, [*filter(None, had_it)]))
    record_change(session, depot, f"{waybill} was put into a run.", first_day=day, last_day=day)
    await identity.record_audit(
        session, by=by, action="run.urgent_inserted", subject=f"run:{drafted.run_id}"
    )
    await issue_manifests(session, {drafted.driver_id, *filter(None, had_it)})
    return InsertedWork(
        run_id=drafted.run_id,
        driver_id=drafted.driver_id,
        vehicle_label=drafted.vehicle_label,
        waybill=waybill,
        planned_start_at=next(
            stop.start_at
            for stop in drafted.stops
            if any(visit.waybill == waybill for visit in stop.visits)
        ),
        added_cost_minor=route.cost - (before.cost if before else 0),
        late=find_late(situation, promises, [before], route),
    )


async def legs_of(session: AsyncSession, consignment_id: UUID) -> list[UUID]:
    """The consignment, and the other leg of its exchange."""
    consignment = await consignments.get_consignment(session, consignment_id)
    other_id = consignment.linked_consignment_id
    return [consignment_id, other_id] if other_id else [consignment_id]


async def _runs_of(session: AsyncSession, driver_ids: Collection[UUID]) -> Collection[UUID]:
    """Their runs that are not over."""
    found = await session.scalars(
        select(Run.id).where(Run.driver_id.in_(driver_ids), Run.state != "closed")
    )
    return found.all()


def _find_route(
    situation: Situation, road_map: RoadMap, waybill: str
) -> tuple[Route | None, Route]:
    """The run that takes the work, before and after."""
    problem = make_problem(situation, road_map)
    plan = present_plan(situation, problem)
    for van in situation.vans:
        route = plan.route_of(van.name)
        if route and any(visit.id == waybill for visit in route.visits):
            return route, route  # its other end is in this run already
    found = insert(problem, plan, waybill, most=1)
    if isinstance(found, NoPlace):
        situation.works[waybill] = without_deadline(situation.works[waybill])
        problem = make_problem(situation, road_map, yielding=True)
        found = insert(problem, present_plan(situation, problem), waybill, most=1)
    if isinstance(found, NoPlace):
        raise NoRunCanTakeIt(waybill=waybill, reasons=tell_reasons(found))
    return plan.route_of(found[0].vehicle_id), found[0].route


def _name_of(situation: Situation, consignment_id: UUID, tasks: Sequence[Task]) -> str:
    for work in situation.works.values():
        if consignment_id in (work.consignment_id, work.swap and work.swap.consignment_id):
            return work.waybill
    task_ids = {task.id for task in tasks}
    return next(one.waybill for one in situation.obstacles if one.task_id in task_ids)


def tell_reasons(found: NoPlace) -> str:
    """The reasons in sentences, the most frequent first."""
    told = " ".join(dict.fromkeys(reason.sentence for reason in found.reasons[:5]))
    return told or "No vehicle is left today."


async def lock_run_tasks(
    session: AsyncSession, run_ids: Collection[UUID], consignment_ids: Collection[UUID]
) -> dict[UUID, Task]:
    """Every task of these runs and consignments, locked."""
    stops = select(Stop.id).where(Stop.run_id.in_(run_ids))
    tasks = await lock_tasks(
        session, Task.stop_id.in_(stops) | Task.consignment_id.in_(consignment_ids)
    )
    return {task.id: task for task in tasks}
