"""What a dispatcher changes in a draft by hand: moving stops, locking them.

A moved stop must still be possible: the runs are timed anew, and if a rule breaks the move is
refused with the reasons. A booking's pickup and delivery move together.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from routing.plan import Route
from routing.problem import Problem, Step
from routing.roads import Roads
from server.dispatch.draft import DraftPlan, DraftRun, DraftStop, from_document, to_document
from server.dispatch.inputs import lock_depot
from server.dispatch.models import Plan
from server.dispatch.places_in_run import narrow, orders_with, sentences_of, time_order
from server.dispatch.planning import PlanView, find_plan, lock_plan, plan_view
from server.dispatch.problem import RoadMap, make_draft_run, make_problem, measure_roads
from server.dispatch.situation import Situation, Van, read_situation
from server.dispatch.staleness import refuse_stale
from server.kit.errors import Conflict, Invalid, NotFound

NOTICEABLE_S = 300
"""Who is reached so much later is told of."""


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
    move = await _prepare(session, plan, stop_id, to_shift_id, roads)
    orders = orders_with(move.blocks, move.moving)
    changed = move.time(orders[max(0, min(to_index, len(orders) - 1))])
    runs = [_replaced(run, changed) for run in draft.runs]
    if move.target is None:
        runs.append(changed[to_shift_id])
    return await _save(session, plan, [run for run in runs if run is not None])


class LaterStop(msgspec.Struct, frozen=True, kw_only=True):
    """A stop that would be reached noticeably later than the draft says now."""

    address: str
    waybill: str
    arrival_at: datetime
    later_s: int


class MoveEffect(msgspec.Struct, frozen=True, kw_only=True):
    """What moving a stop before stop `to_index` would do; refusal: why it cannot be done."""

    to_index: int
    added_cost_minor: int = 0
    added_distance_m: int = 0
    later: tuple[LaterStop, ...] = ()
    refusal: str | None = None


async def read_move_effects(
    session: AsyncSession, plan_id: UUID, stop_id: UUID, *, to_shift_id: UUID, roads: Roads
) -> tuple[MoveEffect, ...]:
    """What moving a stop would do, for every place in the run of a shift. Nothing is changed.

    Raises
    ------
    NotADraft, StopIsLocked, UnknownDraftStop, UnknownShiftOfPlan
    """
    move = await _prepare(session, await find_plan(session, plan_id), stop_id, to_shift_id, roads)
    return await asyncio.to_thread(_effects_of, move)


@dataclass(frozen=True, slots=True)
class _Move:
    """A stop on its way to another place, in the two runs that it concerns.

    blocks: the visits of the target's other stops. moving: those of the stop, and the other ends
    of its bookings.
    """

    situation: Situation
    road_map: RoadMap
    problem: Problem
    source: DraftRun
    target: DraftRun | None
    target_van: Van
    moving: list[Step]
    blocks: list[list[Step]]

    def time(self, order: Sequence[Step]) -> dict[UUID, DraftRun | None]:
        """Both runs, the target driven in this order; None when nothing is left of one."""
        changed = {self.target_van.shift_id: self._time(self.target_van, order)}
        if self.source is not self.target:
            kept = [
                step
                for each in self.source.stops
                for step in _steps(each)
                if step not in self.moving
            ]
            shift_id = self.source.shift_id
            van = next(van for van in self.situation.vans if van.shift_id == shift_id)
            changed[shift_id] = self._time(van, kept)
        return changed

    def _time(self, van: Van, steps: Sequence[Step]) -> DraftRun | None:
        if not steps:
            return None
        loaded = [
            Step(id=step.id, leg="pickup")
            for step in steps
            if step.leg == "delivery" and Step(id=step.id, leg="pickup") not in steps
        ]  # what is simply loaded at the depot has no stop in the draft
        timed = time_order(self.problem, van.name, [*loaded, *steps])
        if not isinstance(timed, Route):
            raise MoveNotPossible(reasons=sentences_of(timed))
        return make_draft_run(self.situation, self.road_map, timed)


async def _prepare(
    session: AsyncSession,
    plan: Plan,
    stop_id: UUID,
    to_shift_id: UUID,
    roads: Roads,
) -> _Move:
    if plan.state != "draft" or plan.draft is None:
        raise NotADraft(state=plan.state)
    draft = from_document(plan.draft)
    source, stop = _find_stop(draft, stop_id)
    if stop.locked:
        raise StopIsLocked
    whole = await read_situation(session, plan.depot_id, plan.day)
    target_van = next((van for van in whole.vans if van.shift_id == to_shift_id), None)
    if target_van is None:
        raise UnknownShiftOfPlan(shift_id=to_shift_id)
    target = next((run for run in draft.runs if run.shift_id == to_shift_id), None)
    shifts = {source.shift_id, to_shift_id}
    situation = narrow(
        whole,
        [van for van in whole.vans if van.shift_id in shifts],
        {
            visit.swap_of or visit.waybill
            for run in (source, target or source)
            for each in run.stops
            for visit in each.visits
        },
    )
    road_map = await measure_roads(situation, roads)
    moving = _steps(stop)
    if source is not target:
        moving = _with_partners(source, moving)
    blocks = [
        [step for step in _steps(each) if step not in moving]
        for each in (target.stops if target else ())
        if each.id != stop_id
    ]
    return _Move(
        situation=situation,
        road_map=road_map,
        problem=make_problem(situation, road_map),
        source=source,
        target=target,
        target_van=target_van,
        moving=moving,
        blocks=blocks,
    )


def _effects_of(move: _Move) -> tuple[MoveEffect, ...]:
    before = [run for run in (move.source, move.target) if run is not None]
    if move.source is move.target:
        before.pop()
    effects = []
    for index, order in enumerate(orders_with(move.blocks, move.moving)):
        try:
            after = [run for run in move.time(order).values() if run is not None]
        except MoveNotPossible as refusal:
            effects.append(MoveEffect(to_index=index, refusal=str(refusal)))
            continue
        effects.append(
            MoveEffect(
                to_index=index,
                added_cost_minor=_sum_costs(after) - _sum_costs(before),
                added_distance_m=_sum_metres(after) - _sum_metres(before),
                later=_later_stops(before, after),
            )
        )
    return tuple(effects)


def _sum_costs(runs: Iterable[DraftRun]) -> int:
    return sum(run.cost_minor for run in runs)


def _sum_metres(runs: Iterable[DraftRun]) -> int:
    return sum(run.distance_m for run in runs)


def _later_stops(before: Iterable[DraftRun], after: Iterable[DraftRun]) -> tuple[LaterStop, ...]:
    was = {
        (visit.waybill, visit.leg): stop.arrival_at
        for run in before
        for stop in run.stops
        for visit in stop.visits
    }
    later = []
    for run in after:
        for stop in run.stops:
            visit = stop.visits[0]
            arrived_at = was.get((visit.waybill, visit.leg), stop.arrival_at)
            later_s = int((stop.arrival_at - arrived_at).total_seconds())
            if later_s >= NOTICEABLE_S:
                later.append(
                    LaterStop(
                        address=stop.address,
                        waybill=visit.waybill,
                        arrival_at=stop.arrival_at,
                        later_s=later_s,
                    )
                )
    return tuple(later)


async def _open_draft(session: AsyncSession, plan_id: UUID) -> tuple[Plan, DraftPlan]:
    depot = await lock_depot(session, (await find_plan(session, plan_id)).depot_id)
    plan = await lock_plan(session, plan_id)
    if plan.state != "draft" or plan.draft is None:
        raise NotADraft(state=plan.state)
    draft = from_document(plan.draft)
    await refuse_stale(session, depot.id, plan.day, plan.input_version, draft)
    return plan, draft


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
