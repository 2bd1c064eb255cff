"""What moving a stop of a draft would do, told before it is done."""

from datetime import timedelta
from uuid import UUID

import pytest

from server.dispatch import service as dispatch
from server.dispatch.draft_edits import MoveEffect, NotADraft, StopIsLocked
from server.dispatch.service import PlanView

from .conftest import MORNING, Town, corner


async def effects(
    town: Town, plan: PlanView, stop_id: UUID, shift_id: UUID
) -> tuple[MoveEffect, ...]:
    async with town.db.transaction() as session:
        return await dispatch.read_move_effects(
            session, plan.id, stop_id, to_shift_id=shift_id, roads=town.roads
        )


async def draft(town: Town) -> PlanView:
    await town.add_driver()
    await town.add_driver()
    for x in (1, 2, 3):
        await town.book(corner(x, 0), window_end_at=MORNING + timedelta(hours=4))
    await town.book(corner(4, 0), window_end_at=MORNING + timedelta(minutes=40))
    return await town.plan()


async def test_effect_that_is_told_is_the_effect_that_it_has(town: Town) -> None:
    plan = await draft(town)
    (run,) = plan.runs
    stop = next(each for each in run.stops if each.visits[0].leg == "job")
    for shift_id in town.shifts.values():
        for told in await effects(town, plan, stop.id, shift_id):
            async with town.db.transaction() as session:
                now = await dispatch.get_plan(session, plan.id)
                assert now.runs == plan.runs, "looking changes nothing"
            if told.refusal is not None:
                continue
            async with town.db.transaction() as session, session.begin_nested() as trial:
                moved = await dispatch.move_stop(
                    session,
                    plan.id,
                    stop.id,
                    to_shift_id=shift_id,
                    to_index=told.to_index,
                    roads=town.roads,
                )
                await trial.rollback()
            added = sum(each.cost_minor for each in moved.runs) - run.cost_minor
            assert added == told.added_cost_minor
            arrivals = {each.visits[0].waybill: each.arrival_at for each in run.stops}
            later = {
                each.visits[0].waybill
                for new in moved.runs
                for each in new.stops
                if each.arrival_at - arrivals[each.visits[0].waybill] >= timedelta(minutes=5)
            }
            assert {each.waybill for each in told.later} == later


async def test_place_that_breaks_a_promise_says_why(town: Town) -> None:
    plan = await draft(town)
    (run,) = plan.runs
    urgent = next(stop for stop in run.stops if stop.start_at < MORNING + timedelta(minutes=40))
    others = {shift for shift in town.shifts.values() if shift != run.shift_id}
    told = await effects(town, plan, urgent.id, run.shift_id)
    assert [each.to_index for each in told] == list(range(len(run.stops)))
    assert len(await effects(town, plan, urgent.id, others.pop())) == 1
    assert all(each.refusal is None or each.refusal.strip() for each in told)


async def test_only_a_free_stop_of_a_draft_is_looked_at(town: Town) -> None:
    plan = await draft(town)
    stop = plan.runs[0].stops[0]
    async with town.db.transaction() as session:
        await dispatch.lock_stop(session, plan.id, stop.id, locked=True)
    with pytest.raises(StopIsLocked):
        await effects(town, plan, stop.id, plan.runs[0].shift_id)
    await town.publish(plan)
    with pytest.raises(NotADraft):
        await effects(town, plan, stop.id, plan.runs[0].shift_id)
