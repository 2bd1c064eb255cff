"""One urgent piece of work into the runs of today."""

from datetime import timedelta

import pytest

from server.dispatch.urgent import AlreadyInRun, CannotBePlanned, NoRunCanTakeIt, NothingToInsert

from .conftest import MORNING, Town, corner


async def test_the_cheapest_run_gets_it_and_its_driver_is_told(town: Town) -> None:
    driver = await town.add_driver()
    await town.assign(corner(5, 5))
    before = await town.manifest(driver)
    other = await town.add_driver()
    urgent = await town.book(corner(4, 4))
    told = await town.insert(urgent)
    assert told.driver_id == driver  # the other van would have to leave the depot for it
    assert told.late == ()
    assert told.added_cost_minor >= 0
    now = await town.manifest(driver)
    assert now.version == before.version + 1
    assert now.stops[0].tasks[0].waybill == urgent.waybill
    assert (await town.manifest(other)).version == 0


async def test_a_driver_on_the_road_fetches_depot_goods_first(town: Town) -> None:
    driver = await town.add_driver()
    _, task_id = await town.assign(corner(2, 0))
    await town.assign(corner(4, 0))
    await town.start(driver, task_id)
    town.later(minutes=5)
    await town.complete(driver, task_id)
    urgent = await town.book(corner(1, 1))
    await town.insert(urgent)
    shown = [task for task in (await town.shown(driver)).values() if task.waybill == urgent.waybill]
    assert [(task.kind, task.state) for task in shown] == [
        ("pickup", "assigned"),
        ("delivery", "assigned"),
    ]
    fetch, bring = shown
    assert fetch.instructions == "Load these parcels at the depot."
    await town.start(driver, fetch.id)
    await town.complete(driver, fetch.id, outcome_code="collected")
    assert (await town.goods(urgent)).state == "loaded"
    await town.start(driver, bring.id)
    await town.complete(driver, bring.id)
    assert (await town.goods(urgent)).state == "delivered"
    assert await town.raised() == []


async def test_work_that_has_begun_stays_first(town: Town) -> None:
    driver = await town.add_driver()
    _, begun_id = await town.assign(corner(8, 0))
    await town.start(driver, begun_id)
    booking = await town.book(corner(2, 0), pick_up_at=corner(1, 0))
    await town.insert(booking)
    manifest = await town.manifest(driver)
    assert manifest.stops[0].tasks[0].id == begun_id


async def test_promises_give_way_only_when_nothing_else_helps(town: Town) -> None:
    await town.add_driver()
    tight = MORNING + timedelta(minutes=6)
    first, _ = await town.assign(corner(8, 0), window_end_at=tight)
    urgent = await town.book(corner(-8, 0), window_end_at=tight)
    told = await town.insert(urgent)
    assert {visit.waybill for visit in told.late} <= {first.waybill, urgent.waybill}
    assert told.late
    assert all(visit.planned_start_at > visit.promised_until for visit in told.late)


async def test_it_says_why_no_run_can_take_it(town: Town) -> None:
    await town.add_driver()
    with pytest.raises(NoRunCanTakeIt, match="fridge"):
        await town.insert(await town.book(corner(1, 1), skills=("fridge",)))
    with pytest.raises(CannotBePlanned, match="pin"):
        await town.insert(await town.book(None))


async def test_only_what_waits_can_be_inserted(town: Town) -> None:
    driver = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    with pytest.raises(AlreadyInRun):
        await town.insert(consignment)
    await town.complete(driver, task_id)
    with pytest.raises(NothingToInsert):
        await town.insert(consignment)


async def test_without_a_shift_today_there_is_no_run(town: Town) -> None:
    with pytest.raises(NoRunCanTakeIt):
        await town.insert(await town.book(corner(1, 1)))
