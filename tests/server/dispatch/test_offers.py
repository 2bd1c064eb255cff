"""Urgent jobs that are only offered to a driver."""

from server.dispatch import service as dispatch
from server.protocol.from_driver import AcceptTasks, DeclineTask

from .conftest import Town, corner


async def look(town: Town) -> int:
    async with town.db.transaction() as session:
        return await dispatch.take_back_unanswered(session)


async def test_offer_that_nobody_answers_goes_back_to_the_pool_and_not_to_that_driver(
    town: Town,
) -> None:
    driver = await town.add_driver()
    urgent = await town.book(corner(1, 1))
    await town.insert(urgent, answer_within_s=300)
    (shown,) = (await town.shown(driver)).values()
    assert shown.answer_by_at is not None
    assert (shown.answer_by_at - town.now).total_seconds() == 300
    town.later(seconds=299)
    assert await look(town) == 0
    town.later(seconds=1)
    assert await look(town) == 1
    assert await look(town) == 0
    assert (await town.task(urgent)).state == "unassigned"
    assert await town.shown(driver) == {}
    assert await town.raised() == ["offer_unanswered"]
    other = await town.add_driver()
    assert (await town.insert(urgent)).driver_id == other
    assert await look(town) == 0


async def test_answer_in_time_keeps_it(town: Town) -> None:
    driver = await town.add_driver()
    urgent = await town.book(corner(1, 1))
    await town.insert(urgent, answer_within_s=300)
    task_id = await town.task_id(urgent)
    await town.does(driver, AcceptTasks(task_ids=(task_id,), occurred_at=town.now))
    assert (await town.shown(driver))[task_id].state == "accepted"
    town.later(hours=1)
    assert await look(town) == 0


async def test_declined_offer_is_not_taken_back_a_second_time(town: Town) -> None:
    driver = await town.add_driver()
    urgent = await town.book(corner(1, 1))
    await town.insert(urgent, answer_within_s=300)
    task_id = await town.task_id(urgent)
    await town.does(driver, DeclineTask(task_id=task_id, reason="far", occurred_at=town.now))
    town.later(hours=1)
    assert await look(town) == 0
    assert await town.raised() == ["declined"]


async def test_job_that_was_done_though_its_offer_had_run_out_is_done(town: Town) -> None:
    driver = await town.add_driver()
    urgent = await town.book(corner(1, 1))
    await town.insert(urgent, answer_within_s=60)
    task_id = await town.task_id(urgent)
    town.later(minutes=2)
    await look(town)
    await town.complete(driver, task_id)
    assert (await town.goods(urgent)).state == "delivered"
