"""What a dispatcher changes in a draft by hand: moving stops, locking them.

A moved stop must still be possible: the runs are timed anew, and if a rule breaks the move is
refused with the reasons. A booking's pickup and delivery move together.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from routing.plan import Route
from routing.problem import Problem, Step
from routing.roads import Roads
from routing.schedule import schedule_route
from server.dispatch.draft import DraftPlan, DraftRun, DraftStop, from_document, to_document
from server.dispatch.inputs import lock_depot
from server.dispatch.models import Plan
from server.dispatch.planning import PlanView, find_plan, lock_plan, plan_view
from server.dispatch.problem import RoadMap, make_draft_run, make_problem, measure_roads
from server.dispatch.publishing import refuse_stale
from server.dispatch.situation import Situation, Van, read_situation
from server.kit.errors import Conflict, Invalid, NotFound


class NotADraft(Conflict):
    """Only a draft can be changed; this plan is {state}."""

    code = "dispatch.not_a_draft"


class UnknownDraftStop(NotFound):
    """This draft has no stop {stop_id}."""

    code = "dispatch.unknown_draft_stop"


class UnknownShiftOfPlan(NotFound):
    """No vehicle of this plan drives the shift {shift_id}."""

    code = "dispatch.unknown_shift_of_plan"


class StopIsLocked(Conflict):
    """This stop is locked. Unlock it before you move it."""

    code = "dispatch.stop_is_locked"


class MoveNotPossible(Invalid):
    """The stop cannot go there: {reasons}"""

    code = "dispatch.move_not_possible"


async def lock_stop(
    session: AsyncSession, plan_id: UUID, stop_id: UUID, *, locked: bool
) -> PlanView:
    """Keep a stop with its driver, in this draft and in plans made with its locks; or let it go."""
    plan, draft = await _open_draft(session, plan_id)
    _find_stop(draft, stop_id)
    runs = tuple(
        msgspec.structs.replace(
            run,
            stops=tuple(
                msgspec.structs.replace(stop, locked=locked) if stop.id == stop_id else stop
                for stop in run.stops
            ),
        )
        for run in draft.runs
    )
    return await _save(session, plan, runs)


async def move_stop(
    session: AsyncSession,
    plan_id: UUID,
    stop_id: UUID,
    *,
    to_shift_id: UUID,
    to_index: int,
    roads: Roads,
) -> PlanView:
    """Put a stop before the stop that is number `to_index` (from 0) of a shift's run, counted
    without the moved one.

    Raises
    ------
    StalePlan, StopIsLocked, MoveNotPossible
    """
    plan, draft = await _open_draft(session, plan_id)
    source, stop = _find_stop(draft, stop_id)
    if stop.locked:
        raise StopIsLocked
    situation = await read_situation(session, plan.depot_id, plan.day)
    target_van = next((van for van in situation.vans if van.shift_id == to_shift_id), None)
    if target_van is None:
        raise UnknownShiftOfPlan(shift_id=to_shift_id)
    road_map = await measure_roads(situation, roads)
    problem = make_problem(situation, road_map)
    target = next((run for run in draft.runs if run.shift_id == to_shift_id), None)
    moving = _steps(stop)
    if source is not target:
        moving = _with_partners(source, moving)
    kept = [step for each in source.stops for step in _steps(each) if step not in moving]
    before = [each for each in (target.stops if target else ()) if each.id != stop_id]
    at = max(0, min(to_index, len(before)))
    head, tail = before[:at], before[at:]
    placed = [
        *(step for each in head for step in _steps(each) if step not in moving),
        *moving,
        *(step for each in tail for step in _steps(each) if step not in moving),
    ]
    changed = {target_van.shift_id: _time(situation, road_map, problem, target_van, placed)}
    if source is not target:
        source_van = next(van for van in situation.vans if van.shift_id == source.shift_id)
        changed[source.shift_id] = _time(situation, road_map, problem, source_van, kept)
    runs = [_replaced(run, changed) for run in draft.runs]
    if target is None:
        runs.append(changed[to_shift_id])
    return await _save(session, plan, [run for run in runs if run is not None])


async def _open_draft(session: AsyncSession, plan_id: UUID) -> tuple[Plan, DraftPlan]:
    depot = await lock_depot(session, (await find_plan(session, plan_id)).depot_id)
    plan = await lock_plan(session, plan_id)
    if plan.state != "draft" or plan.draft is None:
        raise NotADraft(state=plan.state)
    await refuse_stale(session, depot, plan.day, plan.input_version)
    return plan, from_document(plan.draft)


def _find_stop(draft: DraftPlan, stop_id: UUID) -> tuple[DraftRun, DraftStop]:
    for run in draft.runs:
        for stop in run.stops:
            if stop.id == stop_id:
                return run, stop
    raise UnknownDraftStop(stop_id=stop_id)


def _steps(stop: DraftStop) -> list[Step]:
    return [Step(id=visit.waybill, leg=visit.leg) for visit in stop.visits if not visit.swap_of]


def _with_partners(run: DraftRun, moving: Sequence[Step]) -> list[Step]:
    """The steps, with the other ends of their bookings directly before and after them."""
    names = {step.id for step in moving}
    others = [
        step
        for stop in run.stops
        for step in _steps(stop)
        if step.id in names and step not in moving
    ]
    pickups = [step for step in others if step.leg == "pickup"]
    deliveries = [step for step in others if step.leg == "delivery"]
    return [*pickups, *moving, *deliveries]


def _time(
    situation: Situation, road_map: RoadMap, problem: Problem, van: Van, steps: Sequence[Step]
) -> DraftRun | None:
    """The run with these steps; None when nothing is left of it."""
    if not steps:
        return None
    loaded = [
        Step(id=step.id, leg="pickup")
        for step in steps
        if step.leg == "delivery" and Step(id=step.id, leg="pickup") not in steps
    ]  # what is simply loaded at the depot has no stop in the draft
    timed = schedule_route(problem, problem.vehicle_by_id[van.name], [*loaded, *steps])
    if not isinstance(timed, Route):
        raise MoveNotPossible(reasons=" ".join(reason.sentence for reason in timed))
    return make_draft_run(situation, road_map, timed)


def _replaced(run: DraftRun, changed: dict[UUID, DraftRun | None]) -> DraftRun | None:
    """The run as it is now, its stops with the ids and locks that they had."""
    if run.shift_id not in changed:
        return run
    new = changed[run.shift_id]
    if new is None:
        return None
    return msgspec.structs.replace(
        new, run_id=run.run_id, stops=tuple(_keep_identity(run.stops, new.stops))
    )


def _keep_identity(before: Sequence[DraftStop], after: Sequence[DraftStop]) -> Iterable[DraftStop]:
    free = list(before)
    for stop in after:
        names = {(visit.waybill, visit.leg) for visit in stop.visits}
        same = next((old for old in free if names & {(v.waybill, v.leg) for v in old.visits}), None)
        if same is None:
            yield stop
        else:
            free.remove(same)
            yield msgspec.structs.replace(stop, id=same.id, locked=same.locked)


async def _save(session: AsyncSession, plan: Plan, runs: Iterable[DraftRun | None]) -> PlanView:
    draft = DraftPlan(runs=tuple(run for run in runs if run is not None))
    plan.draft = to_document(draft)
    await session.flush()
    return await plan_view(session, plan)
