"""From a draft to runs that drivers have: the one way by which tasks get into runs.

A published plan, an urgent insertion and the rest of a broken van's day all end in `apply_run`:
what drivers have done or begun stays, the rest of the run becomes what the draft says.
"""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service as consignments
from server.dispatch.draft import DraftPlan, DraftRun, DraftStop, from_document
from server.dispatch.events import PlanPublished
from server.dispatch.inputs import lock_depot, record_change
from server.dispatch.lifecycle import FINAL, PLAN, TASK, UNDER_WAY
from server.dispatch.manifest import issue_manifests
from server.dispatch.models import Depot, Run, Stop, Task
from server.dispatch.planning import PlanView, find_plan, lock_plan, plan_view
from server.dispatch.staleness import StalePlan, refuse_stale
from server.dispatch.tasks import HANDOVER_S, back_to_pool, holder_of, lock_tasks
from server.kit import clock
from server.kit.ids import new_id
from server.kit.outbox import emit


async def publish_plan(session: AsyncSession, plan_id: UUID, *, by: str) -> PlanView:
    """Put a draft into force: its runs go to the drivers' phones.

    Raises
    ------
    StalePlan
        When the pool, the fleet, the shifts or what drivers have begun changed since.
    """
    depot = await lock_depot(session, (await find_plan(session, plan_id)).depot_id)
    plan = await lock_plan(session, plan_id)
    PLAN.check(plan.state, "published")
    assert plan.draft is not None  # a plan in the state draft has one
    draft = from_document(plan.draft)
    await refuse_stale(session, depot.id, plan.day, plan.input_version, draft)
    runs = await _lock_runs(session, depot.id, plan.day)
    changed = await _apply_draft(session, depot, plan.day, draft, runs, plan_id=plan_id)
    plan.state = "published"
    plan.published_at = clock.now()
    plan.published_by = by
    record_change(
        session, depot, "Another plan was published.", first_day=plan.day, last_day=plan.day
    )
    plan.input_version = depot.input_version
    await session.flush()
    await issue_manifests(session, changed)
    emit(session, PlanPublished(plan_id=plan.id))
    return await plan_view(session, plan)


async def _lock_runs(session: AsyncSession, depot_id: UUID, day: date) -> dict[UUID, Run]:
    found = await session.scalars(
        select(Run)
        .where(Run.depot_id == depot_id, Run.day == day, Run.state != "closed")
        .order_by(Run.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {run.id: run for run in found}


async def _apply_draft(
    session: AsyncSession,
    depot: Depot,
    day: date,
    draft: DraftPlan,
    runs: dict[UUID, Run],
    *,
    plan_id: UUID,
) -> set[UUID]:
    """Make the runs what the draft says; the drivers whose manifests change."""
    in_runs = Task.stop_id.in_(select(Stop.id).where(Stop.run_id.in_(runs)))
    tasks = {
        task.id: task for task in await lock_tasks(session, in_runs | Task.id.in_(draft.task_ids))
    }
    await _refuse_overtaken(session, draft, tasks)
    changed: set[UUID] = {run.driver_id for run in runs.values()}
    for drafted in draft.runs:
        changed.add(drafted.driver_id)
        await apply_run(session, depot, day, drafted, tasks, plan_id=plan_id)
    for task in tasks.values():
        if task.state not in FINAL and task.stop_id and task.id not in draft.task_ids:
            await back_to_pool(session, depot, task, "A plan left a task out.")
    await remove_empty_stops(session, runs)
    return changed


async def _refuse_overtaken(
    session: AsyncSession, draft: DraftPlan, tasks: dict[UUID, Task]
) -> None:
    """What a driver has loaded or begun since cannot simply go to another one."""
    goods = await consignments.get_consignments(
        session, {task.consignment_id for task in tasks.values()}
    )
    taken = []
    for run in draft.runs:
        for stop in run.stops:
            for visit in stop.visits:
                task = tasks.get(visit.task_id) if visit.task_id else None
                if task is None or task.state in FINAL:
                    continue
                if task.state in UNDER_WAY and task.driver_id != run.driver_id:
                    taken.append(f"Another driver is on the way with {visit.waybill}.")
                holder_id = holder_of(goods[task.consignment_id])
                if visit.leg == "job" and holder_id not in (None, run.driver_id):
                    taken.append(f"Another driver has loaded {visit.waybill}.")
    if taken:
        raise StalePlan(taken)


async def apply_run(
    session: AsyncSession,
    depot: Depot,
    day: date,
    drafted: DraftRun,
    tasks: dict[UUID, Task],
    *,
    plan_id: UUID | None = None,
) -> Run:
    """Make what is left of one run what the draft says. `tasks` holds all of its tasks, locked.

    Stops keep their ids where they can, so that phones and screens know them again.
    """
    run = await session.get(Run, drafted.run_id)
    if run is None:
        run = _new_run(depot, day, drafted)
        session.add(run)
        await session.flush()
    run.plan_id = plan_id or run.plan_id
    run.starts_at = min(run.starts_at, drafted.starts_at)
    run.ends_at = drafted.ends_at
    before = {
        stop.id: stop
        for stop in await session.scalars(
            select(Stop).where(Stop.run_id == run.id).order_by(Stop.sequence)
        )
    }
    placed: list[UUID] = []
    for stop in drafted.stops:
        wanted = _open_tasks(session, stop, tasks, depot)
        if not wanted:
            continue  # all of it was done in the meantime
        held = next(
            (
                task.stop_id
                for task in wanted
                if task.stop_id in before and task.stop_id not in placed
            ),
            None,
        )
        row = before[held] if held else _new_stop(run, stop)
        session.add(row)
        await session.flush()
        under_way = any(task.state in UNDER_WAY for task in wanted)
        if not under_way:
            row.planned_arrival_at = stop.arrival_at
            row.planned_start_at = stop.start_at
            row.planned_departure_at = stop.departure_at
            row.leg_m, row.leg_s = stop.leg_m, stop.leg_s
        row.place_id = stop.place_id
        row.locked = stop.locked
        for sequence, task in enumerate(wanted):
            _assign(task, run, row, sequence)
        placed.append(row.id)
    done = {task.stop_id for task in tasks.values() if task.state in FINAL}
    behind = [stop_id for stop_id in before if stop_id not in placed and stop_id in done]
    others = [stop_id for stop_id in before if stop_id not in placed and stop_id not in done]
    driven_m = sum(before[stop_id].leg_m for stop_id in behind)
    for sequence, stop_id in enumerate((*behind, *placed, *others)):
        stop_row = await session.get_one(Stop, stop_id)
        stop_row.sequence = sequence
    run.distance_m = drafted.distance_m + driven_m
    run.cost_minor = drafted.cost_minor
    await session.flush()
    return run


def _open_tasks(
    session: AsyncSession, stop: DraftStop, tasks: dict[UUID, Task], depot: Depot
) -> list[Task]:
    """The tasks of a drafted stop that are still to do; handovers become tasks here."""
    found = []
    for visit in stop.visits:
        if visit.task_id is None:
            task = _new_handover(stop, visit.consignment_id, visit.pickup_from or "depot", depot)
            session.add(task)
            found.append(task)
        elif (task_or_none := tasks.get(visit.task_id)) and task_or_none.state not in FINAL:
            found.append(task_or_none)
    return found


def _new_handover(stop: DraftStop, consignment_id: UUID, pickup_from: str, depot: Depot) -> Task:
    return Task(
        id=new_id(),
        consignment_id=consignment_id,
        depot_id=depot.id,
        kind="pickup",
        pickup_from=pickup_from,
        state="unassigned",
        place_id=stop.place_id,
        service_s=HANDOVER_S,
        attempt=1,
        barred_drivers=[],
        past_drivers=[],
        sequence=0,
        created_at=clock.now(),
        changed_at=clock.now(),
    )


def _assign(task: Task, run: Run, stop: Stop, sequence: int) -> None:
    """A task that its driver had already keeps its state; for another one it begins anew."""
    if task.driver_id != run.driver_id:
        if task.state != "unassigned":
            TASK.check(task.state, "unassigned")
        task.state = "assigned"
        task.driver_id = run.driver_id
        task.past_drivers = sorted({*task.past_drivers, run.driver_id})
        task.changed_at = clock.now()
    task.stop_id = stop.id
    task.sequence = sequence


def _new_run(depot: Depot, day: date, drafted: DraftRun) -> Run:
    return Run(
        id=drafted.run_id,
        depot_id=depot.id,
        day=day,
        shift_id=drafted.shift_id,
        driver_id=drafted.driver_id,
        vehicle_id=drafted.vehicle_id,
        state="published",
        starts_at=drafted.starts_at,
        ends_at=drafted.ends_at,
        distance_m=0,
        cost_minor=0,
        published_at=clock.now(),
    )


def _new_stop(run: Run, stop: DraftStop) -> Stop:
    return Stop(
        id=new_id(),
        run_id=run.id,
        sequence=0,
        place_id=stop.place_id,
        leg_m=stop.leg_m,
        leg_s=stop.leg_s,
        planned_arrival_at=stop.arrival_at,
        planned_start_at=stop.start_at,
        planned_departure_at=stop.departure_at,
        locked=stop.locked,
    )


async def remove_empty_stops(session: AsyncSession, runs: Iterable[UUID]) -> None:
    """Stops all of whose tasks went to other runs."""
    await session.flush()
    used = select(Task.stop_id).where(Task.stop_id.is_not(None))
    for stop in await session.scalars(
        select(Stop).where(Stop.run_id.in_(runs), Stop.id.not_in(used))
    ):
        await session.delete(stop)
    await session.flush()
