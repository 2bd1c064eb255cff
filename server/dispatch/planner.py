"""Makes the plans that were asked for; runs in the worker, any number of times.

A plan is taken with a lease on machine time that is renewed while it is solved, so one whose worker
was killed is taken again by another. The solver runs in a process of its own. A draft is saved only
if the inputs are still those that it was made from; otherwise the plan is made again, a few times.
"""

import asyncio
import logging
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, exists, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from routing.plan import Plan as RoutingPlan
from routing.plan import Progress
from routing.problem import Problem, ProblemError
from routing.process import Solving, SolvingUnfinished
from routing.road_errors import RoadsError
from routing.roads import Roads
from server.dispatch.draft import DraftPlan, from_document, to_document
from server.dispatch.inputs import lock_depot
from server.dispatch.models import Plan
from server.dispatch.planning import UnassignedWork, find_plan, to_unassigned
from server.dispatch.problem import (
    RoadMap,
    make_draft_run,
    make_problem,
    measure_roads,
    present_plan,
)
from server.dispatch.situation import Situation, read_situation
from server.dispatch.staleness import changes_since
from server.kit import clock
from server.kit.db import AWAY, Database, is_away
from server.kit.ids import new_id

log = logging.getLogger(__name__)

LEASE_S = 15.0
HEARTBEAT_S = 1.0
SWEEP_S = 0.5
MAX_ATTEMPTS = 3
"""How often a plan is made anew because its inputs changed under way."""

MOST_ATTEMPTS = 6
"""How often it is taken at all: one that kills its planner must not do so for ever."""


async def run_planner(
    db: Database, roads: Roads, stop: asyncio.Event, *, lease_s: float = LEASE_S
) -> None:
    """Make plans until `stop`; one at a time, in the order in which they were asked for."""
    while not stop.is_set():
        try:
            busy = await plan_next(db, roads, lease_s=lease_s)
        except AWAY as error:
            log.warning(
                "the planner lost the database; trying again: %s",
                error,
                exc_info=not is_away(error),
            )
            busy = False
        if not busy:
            try:
                await asyncio.wait_for(stop.wait(), SWEEP_S)
            except TimeoutError:
                continue


async def plan_next(db: Database, roads: Roads, *, lease_s: float = LEASE_S) -> bool:
    """Make the plan that has waited longest; False when none waits."""
    try:
        async with db.transaction() as session:
            plan = await _claim(session, new_id(), lease_s)
            if plan is None:
                return False
            situation = await read_situation(session, plan.depot_id, plan.day)
            if plan.keep_locks_of is not None:
                await _keep_locks(session, situation, plan.keep_locks_of)
            plan.input_version = situation.input_version
    except IntegrityError:
        return False  # another planner took a plan of the same depot and day at this very moment
    try:
        await _make(db, roads, plan, situation, lease_s)
    except AWAY:
        raise  # the lease runs out and the plan is taken again
    except Exception as error:  # the edge of one plan: whatever it is, its plan says so
        log.warning("plan %s failed", plan.id, exc_info=not isinstance(error, EXPECTED))
        await _fail(db, plan, str(error))
    return True


EXTENSIONS_MAX = 3
"""So often the budget is given again while work is left only for want of time, as on a busy
machine: nobody is helped by half a plan in time."""

EXPECTED = (ProblemError, RoadsError, RuntimeError)


async def _claim(session: AsyncSession, me: UUID, lease_s: float) -> Plan | None:
    """Take a queued plan, or one whose planner has died; never two of one depot and day."""
    now = clock.real_now()
    other = aliased(Plan)
    dead = and_(Plan.state == "solving", Plan.lease_until < now)
    taken = exists().where(
        other.depot_id == Plan.depot_id,
        other.day == Plan.day,
        other.state == "solving",
        other.id != Plan.id,
    )
    plan: Plan | None = await session.scalar(
        select(Plan)
        .where(or_(and_(Plan.state == "queued", ~taken), dead))
        .order_by(Plan.requested_at, Plan.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if plan is None:
        return None
    if plan.attempts >= MOST_ATTEMPTS:
        plan.state, plan.finished_at = "failed", clock.now()
        plan.failure = f"The planner died {plan.attempts} times while making it."
        return None
    plan.state = "solving"
    plan.attempts += 1
    plan.leased_by = me
    plan.lease_until = now + timedelta(seconds=lease_s)
    await session.flush()
    return plan


async def _keep_locks(session: AsyncSession, situation: Situation, plan_id: UUID) -> None:
    earlier = await find_plan(session, plan_id)
    for run in from_document(earlier.draft).runs if earlier.draft else ():
        for stop in run.stops:
            for visit in stop.visits:
                if stop.locked and visit.waybill in situation.works:
                    situation.locked[visit.waybill] = run.shift_id


async def _make(
    db: Database, roads: Roads, plan: Plan, situation: Situation, lease_s: float
) -> None:
    road_map = await measure_roads(situation, roads)
    problem = await asyncio.to_thread(make_problem, situation, road_map)
    start = present_plan(situation, problem)
    solved = await _solve(db, plan, problem, start if start.routes else None, lease_s)
    for _ in range(EXTENSIONS_MAX):
        if solved is None or all(one.code != "out_of_time" for one in solved.unassigned):
            break
        solved = await _solve(db, plan, problem, solved, lease_s)
    if solved is not None:
        await _save(db, plan, situation, road_map, solved)


async def _solve(
    db: Database, plan: Plan, problem: Problem, start: RoutingPlan | None, lease_s: float
) -> RoutingPlan | None:
    """The solver's plan; None when somebody gave it up or another planner took it over."""
    loop = asyncio.get_running_loop()
    latest: list[Progress] = []

    def note(progress: Progress) -> None:
        loop.call_soon_threadsafe(latest.append, progress)

    solving = await asyncio.to_thread(
        Solving, problem, budget_s=plan.budget_s, seed=plan.seed, start=start, progress=note
    )
    try:
        while True:
            try:
                return await asyncio.to_thread(solving.result, min(HEARTBEAT_S, lease_s / 3))
            except SolvingUnfinished:
                if not await _renew(db, plan, latest[-1] if latest else None, lease_s):
                    return None
    finally:
        solving.cancel()


async def _renew(db: Database, plan: Plan, progress: Progress | None, lease_s: float) -> bool:
    values: dict[str, Any] = {"lease_until": clock.real_now() + timedelta(seconds=lease_s)}
    if progress is not None:
        values["progress"] = {
            "elapsed_s": progress.elapsed_s,
            "unassigned": progress.unassigned,
            "cost_minor": progress.cost,
        }
    async with db.transaction() as session:
        mine = await session.scalar(
            update(Plan).where(*_still_mine(plan)).values(**values).returning(Plan.id)
        )
        return mine is not None


def _still_mine(plan: Plan) -> tuple[Any, ...]:
    return Plan.id == plan.id, Plan.state == "solving", Plan.leased_by == plan.leased_by


async def _save(
    db: Database, plan: Plan, situation: Situation, road_map: RoadMap, solved: RoutingPlan
) -> None:
    draft = DraftPlan(
        runs=tuple(make_draft_run(situation, road_map, route) for route in solved.routes)
    )
    async with db.transaction() as session:
        await lock_depot(session, plan.depot_id)
        changes = await changes_since(session, plan.depot_id, plan.day, plan.input_version, draft)
        values: dict[str, Any] = {
            "state": "draft",
            "draft": to_document(draft),
            "unassigned": to_unassigned(unassigned_of(situation, solved)),
            "finished_at": clock.now(),
        }
        if changes and plan.attempts < MAX_ATTEMPTS:
            values = {"state": "queued", "lease_until": None}
        elif changes:
            told = " ".join(change.what for change in changes[:5])
            values = {
                "state": "failed",
                "failure": f"The inputs kept changing while it was made: {told}",
                "finished_at": clock.now(),
            }
        await session.execute(update(Plan).where(*_still_mine(plan)).values(**values))


async def _fail(db: Database, plan: Plan, sentence: str) -> None:
    async with db.transaction() as session:
        await session.execute(
            update(Plan)
            .where(*_still_mine(plan))
            .values(state="failed", failure=sentence[:2000], finished_at=clock.now())
        )


def unassigned_of(situation: Situation, solved: RoutingPlan) -> list[UnassignedWork]:
    """What no run does, and what could not even be asked for."""
    left = []
    for one in solved.unassigned:
        task_id = next(end.task_id for end in situation.works[one.id].ends if end.task_id)
        left.append(
            UnassignedWork(task_id=task_id, waybill=one.id, code=one.code, sentence=one.sentence)
        )
        if (old := situation.works[one.id].swap) is not None:
            left.append(
                UnassignedWork(
                    task_id=old.task_id, waybill=old.waybill, code=one.code, sentence=one.sentence
                )
            )
    left += [
        UnassignedWork(
            task_id=each.task_id, waybill=each.waybill, code=each.code, sentence=each.sentence
        )
        for each in situation.obstacles
    ]
    return left
