"""Alerts are raised once, settle by themselves, and say what to do."""

from datetime import timedelta

from server.dispatch import service as dispatch
from server.dispatch.forecaster import Forecaster
from server.kit.ids import new_id
from server.protocol.from_driver import ArriveAtTasks, Heartbeat, SetShift
from server.tracking import service as tracking

from .conftest import MORNING, Town, corner


async def look(town: Town) -> list[str]:
    """What waits for a person after a round."""
    await Forecaster(town.db, town.roads).renew_due()
    return await town.raised()


async def test_a_driver_who_will_be_late_is_told_of_once_and_then_that_it_is_so(town: Town) -> None:
    driver = await town.add_driver()
    _, task_id = await town.assign(corner(5, 0), window_end_at=MORNING + timedelta(minutes=60))
    await town.start(driver, task_id)
    assert await look(town) == []
    town.later(minutes=59)
    assert await look(town) == ["will_be_late"]
    (alert,) = await town.exceptions()
    assert "Tell the customer" in alert.sentence
    assert str(alert.task_id) == task_id
    town.later(seconds=61)
    assert await look(town) == ["late"]
    town.later(minutes=2)
    assert await look(town) == ["late"]
    await town.complete(driver, task_id)
    assert await look(town) == []


async def test_an_alert_that_a_person_has_settled_is_not_raised_again(town: Town) -> None:
    driver = await town.add_driver()
    _, task_id = await town.assign(corner(5, 0), window_end_at=MORNING + timedelta(minutes=60))
    await town.start(driver, task_id)
    town.later(minutes=61)
    assert await look(town) == ["late"]
    (alert,) = await town.exceptions()
    async with town.db.transaction() as session:
        await dispatch.settle_exception(session, alert.id, note="called", by="test")
    town.later(minutes=5)
    assert await look(town) == []


async def test_who_stands_too_long_at_a_door_is_told_of_until_they_leave(town: Town) -> None:
    driver = await town.add_driver()
    _, task_id = await town.assign(corner(2, 0))
    await town.start(driver, task_id)
    await town.does(driver, ArriveAtTasks(task_ids=(task_id,), occurred_at=town.now))
    town.later(minutes=15)
    assert await look(town) == []
    town.later(minutes=10)
    assert await look(town) == ["stands_too_long"]
    await town.complete(driver, task_id)
    assert await look(town) == []


async def test_a_silent_phone_is_told_of_with_the_likely_cause_until_it_speaks(town: Town) -> None:
    driver = await town.add_driver()
    _, task_id = await town.assign(corner(5, 0))
    await town.start(driver, task_id)

    async def beat(**state: object) -> None:
        async with town.db.transaction() as session:
            await tracking.record_heartbeat(
                session,
                driver_id=driver,
                device_id=device_id,
                heartbeat=Heartbeat(**state),  # type: ignore[arg-type]
                received_at=town.now,
            )

    device_id = new_id()
    causes = {
        "battery": {"battery_percent": 3},
        "allow": {"gps": "denied"},
        "no network": {"network": "none"},
        "saver": {"battery_saver": True},
        "closed": {},
    }
    for word, state in causes.items():
        await beat(**state)
        town.later(minutes=1)
        assert await look(town) == []
        town.later(minutes=11)
        assert await look(town) == ["phone_silent"], word
        (alert,) = await town.exceptions()
        assert word in alert.sentence


async def test_a_run_that_is_over_leaves_no_alert(town: Town) -> None:
    driver = await town.add_driver()
    _, task_id = await town.assign(corner(5, 0), window_end_at=MORNING + timedelta(minutes=60))
    await town.start(driver, task_id)
    town.later(minutes=70)
    assert await look(town) == ["late"]
    await town.does(driver, SetShift(change="end", occurred_at=town.now))
    assert "late" not in await look(town)
