"""Forecasts of arrivals follow what happens on the road, and are scored against it."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from routing.road_errors import RoadsUnavailable
from routing.roads import HaversineRoads
from server.arrivals import service as arrivals
from server.arrivals.models import ForecastTold, TimeTaken
from server.dispatch import service as dispatch
from server.dispatch.forecaster import Forecaster
from server.dispatch.inputs import lock_depot
from server.dispatch.manifest import issue_manifests
from server.dispatch.models import Driver, RunWatch
from server.dispatch.service import RunView, ShiftBreak, StopView
from server.kit.geo import Position
from server.kit.ids import new_id
from server.protocol.from_driver import ArriveAtTasks, Fix, SetShift
from server.tracking import service as tracking

from .conftest import DAY, MORNING, Town, corner


async def renew(town: Town, roads: HaversineRoads | None = None) -> RunView:
    """A round of the forecaster; the only run of the town."""
    await Forecaster(town.db, roads or town.roads).renew_due()
    return await read(town)


async def read(town: Town) -> RunView:
    async with town.db.transaction() as session:
        (run,) = await dispatch.snapshot_of_runs(session, day=DAY)
    return run


def told(run: RunView) -> list[StopView]:
    return [stop for stop in run.stops if stop.eta_likely_at is not None]


def likely(stop: StopView) -> Any:
    assert stop.eta_likely_at is not None
    return stop.eta_likely_at


async def arrive(town: Town, driver: UUID, *task_ids: str) -> None:
    await town.does(driver, ArriveAtTasks(task_ids=task_ids, occurred_at=town.now))


async def is_at(town: Town, driver: UUID, position: Position) -> None:
    """The driver's phone says so now."""
    async with town.db.transaction() as session:
        await tracking.ingest_fixes(
            session,
            driver_id=driver,
            device_id=new_id(),
            fixes=[
                Fix(seq=1, taken_at=town.now, lon=position.lon, lat=position.lat, accuracy_m=5.0)
            ],
            received_at=town.now,
        )


async def published(town: Town, *blocks: int, **details: Any) -> tuple[UUID, list[str]]:
    """A driver with a stop at each of these blocks to the east; the tasks in driving order."""
    driver = await town.add_driver(**details)
    for block in blocks:
        await town.book(corner(block, 0))
    await town.publish(await town.plan())
    manifest = await town.manifest(driver)
    return driver, [stop.tasks[0].id for stop in manifest.stops]


async def test_a_published_run_has_a_window_at_every_stop(town: Town) -> None:
    await published(town, 2, 4, 6)
    run = await renew(town)
    assert len(told(run)) == 3
    for stop in run.stops:
        assert stop.eta_from_at and stop.eta_until_at
        assert stop.eta_from_at < likely(stop) < stop.eta_until_at
        assert abs(likely(stop) - stop.planned_arrival_at) < timedelta(minutes=6)


async def test_the_phone_and_the_customer_are_told_the_same_window(town: Town) -> None:
    driver = await town.add_driver()
    consignment, _ = await town.assign(corner(3, 0))
    stop = (await renew(town)).stops[0]
    shown = (await town.manifest(driver)).stops[0]
    async with town.db.transaction() as session:
        progress = await dispatch.stop_progress(session, consignment.id)
    assert progress is not None
    window = stop.eta_from_at, stop.eta_until_at
    assert window == (shown.eta_from_at, shown.eta_until_at)
    assert window == (progress.eta_from_at, progress.eta_until_at)
    assert None not in window


async def test_a_run_that_has_no_news_is_left_alone(town: Town) -> None:
    await published(town, 2)
    forecaster = Forecaster(town.db, town.roads)
    assert await forecaster.renew_due() == 1
    assert await forecaster.renew_due() == 0
    town.later(minutes=11)
    assert await forecaster.renew_due() == 1


async def test_a_driver_who_stands_still_on_the_way_is_expected_later(town: Town) -> None:
    driver, (first, _) = await published(town, 8, 10)
    await town.start(driver, first)
    await is_at(town, driver, corner(2, 0))
    before = await renew(town)
    town.later(minutes=12)
    await is_at(town, driver, corner(2, 0))
    after = await renew(town)
    for early, late in zip(before.stops, after.stops, strict=True):
        assert timedelta(minutes=10) < likely(late) - likely(early) < timedelta(minutes=14)


async def test_a_driver_who_is_nearly_there_is_expected_soon(town: Town) -> None:
    driver, (first, _) = await published(town, 8, 10)
    await town.start(driver, first)
    town.later(minutes=1)
    await is_at(town, driver, corner(8, 0))
    stop = (await renew(town)).stops[0]
    assert likely(stop) - town.now < timedelta(minutes=2)
    assert stop.eta_from_at and stop.eta_from_at >= town.now


async def test_a_stop_that_is_skipped_brings_the_others_nearer(town: Town) -> None:
    driver, (first, second) = await published(town, 3, 30)
    run = await renew(town)
    await town.start(driver, second)  # straight to the far one, by the driver's own choice
    after = await renew(town)
    assert [stop.tasks[0].id for stop in told(run)] == [UUID(first), UUID(second)]
    assert likely(after.stops[1]) < likely(run.stops[1])
    assert likely(after.stops[0]) > likely(after.stops[1])  # on the way back


async def test_who_has_come_is_not_expected_any_more_and_the_next_one_waits(town: Town) -> None:
    driver, (first, second) = await published(town, 2, 4)
    await town.start(driver, first)
    town.later(minutes=3)
    await arrive(town, driver, first)
    run = await renew(town)
    assert [stop.tasks[0].id for stop in told(run)] == [UUID(second)]
    standing = likely(run.stops[1])
    town.later(minutes=20)
    assert likely((await renew(town)).stops[1]) > standing + timedelta(minutes=15)


async def test_time_at_the_last_door_is_not_taken_for_time_on_the_way(town: Town) -> None:
    driver, (first, _) = await published(town, 2, 4)
    await town.start(driver, first)
    town.later(minutes=2)
    await arrive(town, driver, first)
    await is_at(town, driver, corner(2, 0))  # standing still, a phone takes no more fixes
    town.later(minutes=4)
    await town.complete(driver, first)
    stop = (await renew(town)).stops[1]
    assert likely(stop) - town.now < timedelta(minutes=3)


async def test_a_break_that_is_taken_now_is_waited_for(town: Town) -> None:
    rest = ShiftBreak(
        earliest_start_at=MORNING,
        latest_start_at=MORNING + timedelta(hours=4),
        duration_s=1800,
    )
    driver, (first, _) = await published(town, 2, 4, breaks=[rest])
    await town.start(driver, first)
    town.later(minutes=3)
    await town.complete(driver, first)
    await town.does(driver, SetShift(change="break_start", occurred_at=town.now))
    town.later(minutes=5)
    waiting = likely((await renew(town)).stops[1])
    assert timedelta(minutes=25) < waiting - town.now < timedelta(minutes=32)
    town.later(minutes=20)
    await town.does(driver, SetShift(change="break_end", occurred_at=town.now))
    assert likely((await renew(town)).stops[1]) < waiting


async def test_what_was_told_is_scored_when_the_driver_has_come(town: Town) -> None:
    driver, (first, second) = await published(town, 2, 4)
    await renew(town)
    leave_at = (await read(town)).stops[0].planned_arrival_at - timedelta(minutes=2)
    town.now = max(town.now, leave_at)
    await town.start(driver, first)
    town.later(minutes=40)  # much later than anything that was told
    await arrive(town, driver, first)
    town.later(minutes=3)
    await town.complete(driver, first)
    await renew(town)
    async with town.db.transaction() as session:
        scores = {
            each.lead_s: each
            for each in await arrivals.score_forecasts(
                session, since=MORNING, until=MORNING + timedelta(hours=9)
            )
        }
        left = set(await session.scalars(select(ForecastTold.stop_id)))
    assert scores[1800].arrivals == 1
    assert (scores[1800].held_share, scores[1800].late_share) == (0.0, 1.0)
    assert scores[1800].bias_s > 1800
    assert scores[1800].pinball_s > 0
    run = await read(town)
    assert left == {stop.id for stop in run.stops if stop.tasks[0].id == UUID(second)}


async def test_the_day_teaches_how_long_ways_and_doors_take(town: Town) -> None:
    driver, (first, second) = await published(town, 8, 10)
    leave_at = (await read(town)).stops[0].planned_arrival_at
    await town.start(driver, first)
    town.now = leave_at + timedelta(minutes=9)
    await arrive(town, driver, first)
    town.later(minutes=7)
    await town.complete(driver, first)
    await renew(town)
    async with town.db.transaction() as session:
        taken = {
            row.kind: (row.expected_s, row.taken_s)
            for row in await session.scalars(select(TimeTaken))
        }
        cells = await arrivals.read_cells(session, town.depot_id, since=MORNING)
    assert taken["serve"] == (180.0, 420.0)
    assert taken["drive"][1] > taken["drive"][0] > 0
    assert {cell.driver_id for cell in cells} == {driver}
    learnt, believed = (
        arrivals.learn_pace(each).kinds[arrivals.Kind.SERVE] for each in (cells, [])
    )
    assert learnt.mean > believed.mean
    del second


async def test_a_run_that_is_over_is_forgotten_and_late_news_of_it_still_counts(
    town: Town,
) -> None:
    driver, (first,) = await published(town, 2)
    await town.start(driver, first)
    town.later(minutes=5)
    await town.does(driver, SetShift(change="end", occurred_at=town.now))
    run = await renew(town)
    assert (run.state, told(run)) == ("closed", [])
    async with town.db.transaction() as session:
        assert (await session.scalars(select(RunWatch))).all() == []


async def test_a_map_that_does_not_answer_costs_nothing_but_precision(town: Town) -> None:
    class Broken(HaversineRoads):
        def table(self, *_: Any, **__: Any) -> Any:
            raise RoadsUnavailable("It is away.")

    driver, (first, _) = await published(town, 8, 10)
    await town.start(driver, first)
    await is_at(town, driver, corner(2, 0))
    assert len(told(await renew(town, Broken()))) == 2


async def test_a_run_that_somebody_else_works_at_is_left_for_the_next_round(
    real_town: Town,
) -> None:
    town = real_town
    driver, (first, _) = await published(town, 2, 4)
    forecaster = Forecaster(town.db, town.roads)
    async with town.db.transaction() as session:
        await session.execute(select(RunWatch).with_for_update())
        assert await forecaster.renew_due() == 0
    await town.start(driver, first)
    assert await forecaster.renew_due() == 1


async def test_the_street_and_the_forecaster_never_wait_for_each_other_in_a_circle(
    real_town: Town,
) -> None:
    """The forecaster has an alert to raise about a driver who is given a new manifest."""
    town = real_town
    driver = await town.add_driver()
    _, first = await town.assign(corner(5, 0))
    await town.assign(corner(25, 0), window_end_at=MORNING + timedelta(minutes=60))
    await town.start(driver, first)
    town.later(minutes=59)
    async with town.db.transaction() as session:
        await lock_depot(session, town.depot_id)
        await session.execute(select(Driver).with_for_update())
        renewing = asyncio.create_task(Forecaster(town.db, town.roads).renew_due())
        await somebody_waits_for_a_lock(session)
        await issue_manifests(session, {driver})
    assert await renewing == 1
    assert await town.raised() == ["will_be_late"]


async def somebody_waits_for_a_lock(session: AsyncSession) -> None:
    """Until another connection to this database does."""
    waiting = text(
        "select count(*) from pg_stat_activity"
        " where datname = current_database() and wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(60):
        while not (await session.execute(waiting)).scalar_one():
            await session.execute(text("select pg_stat_clear_snapshot()"))
            await asyncio.sleep(0.01)
