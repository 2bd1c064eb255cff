"""A van breaks down, and the others take over."""

from uuid import UUID

import pytest

from server.dispatch import service as dispatch
from server.dispatch.service import Reassignment, RunIsClosed
from server.kit.geo import Position

from .conftest import Town, corner


async def break_down(town: Town, driver_id: UUID, position: Position | None = None) -> Reassignment:
    async with town.db.transaction() as session:
        (run,) = await dispatch.list_runs(session, driver_id=driver_id)
        return await dispatch.reassign_run(
            session, run.id, roads=town.roads, position=position, by="test"
        )


async def test_goods_in_the_broken_van_are_fetched_where_it_stands(town: Town) -> None:
    broken = await town.add_driver()
    done, done_id = await town.assign(corner(1, 0))
    left, left_id = await town.assign(corner(5, 0))
    helper = await town.add_driver()
    await town.start(broken, done_id)
    town.later(minutes=5)
    await town.complete(broken, done_id)
    told = await break_down(town, broken, corner(3, 0))
    assert [(each.waybill, each.driver_id) for each in told.moved] == [(left.waybill, helper)]
    assert told.unassigned == ()
    stops = (await town.manifest(helper)).stops
    assert [task.kind for stop in stops for task in stop.tasks] == ["pickup", "delivery"]
    assert Position(stops[0].lon, stops[0].lat) == pytest.approx(corner(3, 0))
    assert stops[1].tasks[0].id == left_id
    fetch_id = stops[0].tasks[0].id
    await town.start(helper, fetch_id)
    await town.complete(helper, fetch_id, outcome_code="collected")
    goods = await town.goods(left)
    assert (goods.state, goods.parcels[0].holder_id) == ("out_for_delivery", helper)
    await town.complete(helper, left_id)
    assert (await town.goods(left)).state == "delivered"
    assert await town.raised() == ["breakdown"]
    assert (await town.goods(done)).state == "delivered"


async def test_the_broken_drivers_phone_keeps_only_what_was_done(town: Town) -> None:
    broken = await town.add_driver()
    _, done_id = await town.assign(corner(1, 0))
    await town.assign(corner(5, 0))
    await town.add_driver()
    await town.complete(broken, done_id)
    await break_down(town, broken)
    assert list(await town.shown(broken)) == [done_id]


async def test_before_leaving_the_depot_nothing_needs_to_be_fetched_elsewhere(
    town: Town,
) -> None:
    broken = await town.add_driver()
    await town.assign(corner(5, 0))
    helper = await town.add_driver()
    await break_down(town, broken)
    assert [task.kind for task in (await town.shown(helper)).values()] == ["delivery"]


async def test_what_nobody_can_take_goes_to_the_pool_with_the_reason(town: Town) -> None:
    broken = await town.add_driver(skills=("fridge",))
    cold, _ = await town.assign(corner(5, 0), skills=("fridge",))
    await town.add_driver()
    told = await break_down(town, broken)
    (one,) = told.unassigned
    assert one.waybill == cold.waybill
    assert "fridge" in one.sentence
    assert (await town.task(cold)).state == "unassigned"
    assert await town.raised() == ["breakdown", "not_placed"]


async def test_a_booking_not_yet_collected_is_simply_somebody_elses(town: Town) -> None:
    broken = await town.add_driver()
    booking = await town.book(corner(4, 0), pick_up_at=corner(2, 0))
    await town.insert(booking)
    helper = await town.add_driver()
    await break_down(town, broken)
    assert [task.kind for task in (await town.shown(helper)).values()] == ["pickup", "delivery"]
    assert (await town.task(booking)).driver_id == helper


async def test_a_handover_that_is_not_needed_any_more_leaves_the_run(town: Town) -> None:
    broken = await town.add_driver()
    first, first_id = await town.assign(corner(1, 0))
    second, second_id = await town.assign(corner(5, 0))
    helper = await town.add_driver()
    await town.complete(broken, first_id)
    await break_down(town, broken)
    assert len(await town.shown(helper)) == 2
    await town.complete(broken, second_id)  # the phone was offline
    assert await town.shown(helper) == {}
    assert (await town.goods(second)).state == "delivered"
    assert await town.raised() == ["breakdown", "done_by_another_driver"]
    assert (await town.goods(first)).state == "delivered"


async def test_two_vans_in_a_row_may_break_down(town: Town) -> None:
    first = await town.add_driver()
    _, done_id = await town.assign(corner(1, 0))
    left, left_id = await town.assign(corner(5, 0))
    await town.complete(first, done_id)
    second = await town.add_driver()
    await break_down(town, first, corner(2, 0))
    (fetch,) = [t for t in (await town.shown(second)).values() if t.kind == "pickup"]
    await town.complete(second, fetch.id, outcome_code="collected")
    third = await town.add_driver()
    await break_down(town, second, corner(3, 0))
    stops = (await town.manifest(third)).stops
    assert Position(stops[0].lon, stops[0].lat) == pytest.approx(corner(3, 0))
    await town.complete(third, stops[0].tasks[0].id, outcome_code="collected")
    await town.complete(third, left_id)
    assert (await town.goods(left)).state == "delivered"


async def test_a_run_breaks_down_once(town: Town) -> None:
    broken = await town.add_driver()
    await town.assign(corner(5, 0))
    await break_down(town, broken)
    with pytest.raises(RunIsClosed):
        await break_down(town, broken)
