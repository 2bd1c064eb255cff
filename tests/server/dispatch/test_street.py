"""What drivers report, in whatever order it comes."""

import pytest
from sqlalchemy import select

from server.consignments import service as consignments
from server.dispatch.models import Shift, StreetFact
from server.dispatch.service import UnknownTask
from server.kit.outbox import emit
from server.kit.relay import relay_pending
from server.protocol.from_driver import (
    AcceptTasks,
    ArriveAtTasks,
    DeclineTask,
    Position,
    SetShift,
    StartTasks,
)
from server.tracking.events import DriverArrived

from .conftest import Town, corner


async def test_a_task_goes_its_way_from_the_pool_to_the_door(town: Town) -> None:
    driver = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    states = [(await town.task(consignment)).state]
    for command in (
        AcceptTasks(task_ids=(task_id,), occurred_at=town.now),
        StartTasks(task_ids=(task_id,), occurred_at=town.later(minutes=1)),
        ArriveAtTasks(task_ids=(task_id,), occurred_at=town.later(minutes=5)),
    ):
        await town.does(driver, command)
        states.append((await town.task(consignment)).state)
    await town.complete(driver, task_id)
    states.append((await town.task(consignment)).state)
    assert states == ["assigned", "accepted", "en_route", "arrived", "completed"]
    assert (await town.goods(consignment)).state == "delivered"
    assert await town.raised() == []


async def test_an_older_report_is_kept_but_turns_nothing_back(town: Town) -> None:
    driver = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    set_off_at = town.now
    town.later(minutes=10)
    await town.complete(driver, task_id)
    await town.does(driver, StartTasks(task_ids=(task_id,), occurred_at=set_off_at))
    assert (await town.task(consignment)).state == "completed"
    assert await town.facts(task_id) == [("CompleteTask", True), ("StartTasks", False)]


async def test_a_step_that_is_heard_of_after_the_next_one_is_only_written_down(
    town: Town,
) -> None:
    driver = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    accepted_at = town.now
    await town.does(driver, ArriveAtTasks(task_ids=(task_id,), occurred_at=town.later(minutes=9)))
    await town.start(driver, task_id)
    await town.does(driver, AcceptTasks(task_ids=(task_id,), occurred_at=accepted_at))
    assert (await town.task(consignment)).state == "arrived"
    assert await town.facts(task_id) == [
        ("ArriveAtTasks", True),
        ("StartTasks", False),
        ("AcceptTasks", False),
    ]


async def test_both_times_of_a_late_report_are_kept(town: Town) -> None:
    driver = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    happened_at = town.now
    heard_at = town.later(minutes=40)
    await town.complete(driver, task_id, occurred_at=happened_at)
    async with town.db.transaction() as session:
        fact = (await session.scalars(select(StreetFact))).one()
    assert (fact.occurred_at, fact.received_at) == (happened_at, heard_at)
    assert (await town.task(consignment)).finished_at == happened_at


async def test_the_same_command_twice_has_one_effect(town: Town) -> None:
    driver = await town.add_driver()
    _, task_id = await town.assign(corner(1, 1))
    command = AcceptTasks(task_ids=(task_id,), occurred_at=town.now)
    for _ in range(2):
        await town.does(driver, command, command_id="once")
    assert await town.facts(task_id) == [("AcceptTasks", True)]


async def test_a_task_that_was_never_the_drivers_is_unknown_to_them(town: Town) -> None:
    await town.add_driver()
    _, task_id = await town.assign(corner(1, 1))
    stranger = await town.add_driver()
    for wrong in (task_id, "no task at all", "00000000-0000-7000-8000-000000000000"):
        with pytest.raises(UnknownTask):
            await town.start(stranger, wrong)


async def test_setting_off_to_the_first_stop_puts_the_whole_run_out_for_delivery(
    town: Town,
) -> None:
    driver = await town.add_driver()
    first, task_id = await town.assign(corner(1, 1))
    second, _ = await town.assign(corner(2, 1))
    await town.start(driver, task_id)
    assert (await town.goods(first)).state == "out_for_delivery"
    assert (await town.goods(second)).state == "out_for_delivery"
    assert (await town.goods(second)).parcels[0].holder_id == driver
    assert await town.raised() == []


async def test_goods_are_out_from_the_start_even_when_the_arrival_is_heard_of_first(
    town: Town,
) -> None:
    driver = await town.add_driver()
    sent, task_id = await town.assign(corner(1, 1))
    set_off_at = town.now
    await town.does(driver, ArriveAtTasks(task_ids=(task_id,), occurred_at=town.later(minutes=9)))
    await town.does(driver, StartTasks(task_ids=(task_id,), occurred_at=set_off_at))
    async with town.db.transaction() as session:
        story = await consignments.story(session, sent.id)
    out = [entry for entry in story if entry.state == "out_for_delivery"]
    assert min(entry.occurred_at for entry in out) == set_off_at


async def test_a_fence_counts_only_for_the_stop_that_the_driver_is_heading_for(
    town: Town,
) -> None:
    driver = await town.add_driver()
    near, near_id = await town.assign(corner(1, 0))
    far, _ = await town.assign(corner(3, 0))
    await town.start(driver, near_id)
    stops = {(await town.task(each)).stop_id for each in (near, far)}
    async with town.db.transaction() as session:
        for stop_id in stops:
            assert stop_id is not None
            emit(
                session,
                DriverArrived(driver_id=driver, subject_id=stop_id, occurred_at=town.now),
            )
    await relay_pending(town.db)
    assert (await town.task(near)).state == "arrived"
    assert (await town.task(far)).state == "assigned"


async def test_a_declined_task_goes_back_to_the_pool_and_not_to_the_same_driver(
    town: Town,
) -> None:
    driver = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    await town.does(driver, DeclineTask(task_id=task_id, reason="too big", occurred_at=town.now))
    assert (await town.task(consignment)).state == "unassigned"
    assert await town.shown(driver) == {}
    assert await town.raised() == ["declined"]
    other = await town.add_driver()
    assert (await town.insert(consignment)).driver_id == other


async def test_declining_comes_too_late_for_a_driver_on_the_way(town: Town) -> None:
    driver = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    await town.start(driver, task_id)
    await town.does(driver, DeclineTask(task_id=task_id, reason="no", occurred_at=town.now))
    assert (await town.task(consignment)).state == "en_route"


async def test_the_end_of_a_shift_gives_back_what_was_not_done(town: Town) -> None:
    driver = await town.add_driver()
    done, done_id = await town.assign(corner(1, 1))
    undone, _ = await town.assign(corner(2, 1))
    await town.start(driver, done_id)
    await town.complete(driver, done_id)
    await town.does(driver, SetShift(change="end", occurred_at=town.later(hours=1)))
    assert (await town.task(undone)).state == "unassigned"
    assert (await town.task(done)).state == "completed"
    assert await town.raised() == ["left_undone", "not_unloaded"]


async def test_a_delivery_that_the_end_of_the_shift_overtook_is_nothing_strange(
    town: Town,
) -> None:
    driver = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    await town.start(driver, task_id)
    delivered_at = town.later(minutes=10)
    await town.does(driver, SetShift(change="end", occurred_at=town.later(minutes=30)))
    await town.complete(driver, task_id, occurred_at=delivered_at)
    assert (await town.task(consignment)).state == "completed"
    assert (await town.goods(consignment)).state == "delivered"
    assert await town.raised() == []


async def test_shift_reports_may_come_late_and_twice(town: Town) -> None:
    driver = await town.add_driver()
    began_at = town.now
    await town.does(driver, SetShift(change="break_start", occurred_at=town.later(hours=2)))
    await town.does(driver, SetShift(change="start", occurred_at=town.later(hours=1)))
    await town.does(driver, SetShift(change="start", occurred_at=began_at))
    await town.does(driver, SetShift(change="break_end", occurred_at=town.now))
    async with town.db.transaction() as session:
        shift = await session.get_one(Shift, town.shifts[driver])
    assert (shift.started_at, shift.breaks_taken, shift.on_break_at) == (began_at, 1, None)


async def test_working_time_without_a_shift_is_put_before_a_person(town: Town) -> None:
    driver = await town.add_driver()
    town.later(days=3)
    await town.does(driver, SetShift(change="start", occurred_at=town.now))
    assert await town.raised() == ["no_shift"]


@pytest.mark.parametrize(
    ("lon", "lat"), [(float("nan"), 47.0), (400.0, 47.0), (9.5, 91.0), (float("inf"), 0.0)]
)
async def test_a_nonsense_position_does_not_cost_the_report(
    town: Town, lon: float, lat: float
) -> None:
    driver = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    await town.complete(driver, task_id, position=Position(lon=lon, lat=lat))
    assert (await town.task(consignment)).state == "completed"
