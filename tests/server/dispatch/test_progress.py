"""How far a driver is from a door."""

from datetime import timedelta
from uuid import UUID

import pytest

from server.consignments.service import ConsignmentView
from server.dispatch import service as dispatch
from server.dispatch.service import StopProgress, UnknownTask

from .conftest import Town, corner


async def progress(town: Town, consignment: ConsignmentView) -> StopProgress:
    async with town.db.transaction() as session:
        found = await dispatch.stop_progress(session, consignment.id)
    assert found is not None
    return found


async def test_the_stops_before_a_door_are_counted_down(town: Town) -> None:
    driver = await town.add_driver()
    near, near_id = await town.assign(corner(1, 0))
    far, far_id = await town.assign(corner(6, 0))
    if (await progress(town, near)).stops_before == 1:
        near, near_id, far, far_id = far, far_id, near, near_id
    waiting = await progress(town, far)
    assert (waiting.stops_before, waiting.is_active_or_next) == (1, False)
    assert not (await progress(town, near)).is_active_or_next  # nobody has set off
    await town.start(driver, near_id)
    assert (await progress(town, near)).is_active_or_next
    assert not (await progress(town, far)).is_active_or_next
    await town.complete(driver, near_id)
    coming = await progress(town, far)
    assert (coming.stops_before, coming.is_active_or_next, coming.driver_id) == (0, True, driver)
    over = await progress(town, near)
    assert (over.state, over.driver_id, over.eta_from_at) == ("completed", None, None)


async def test_a_driver_who_is_late_moves_the_expected_time(town: Town) -> None:
    driver = await town.add_driver()
    one, _ = await town.assign(corner(1, 0))
    other, _ = await town.assign(corner(6, 0))
    first = (await town.manifest(driver)).stops[0]
    far = one if first.tasks[0].waybill == other.waybill else other
    before = await progress(town, far)
    town.now = first.planned_departure_at + timedelta(hours=1)
    await town.complete(driver, first.tasks[0].id)
    after = await progress(town, far)
    assert before.eta_from_at is not None
    assert after.eta_from_at == before.eta_from_at + timedelta(hours=1)
    assert after.planned_arrival_at == before.planned_arrival_at


async def test_what_is_in_no_run_has_no_expected_time(town: Town) -> None:
    waiting = await progress(town, await town.book(corner(1, 1)))
    assert (waiting.state, waiting.eta_from_at, waiting.run_id) == ("unassigned", None, None)
    async with town.db.transaction() as session:
        assert await dispatch.stop_progress(session, UUID(int=1)) is None


async def test_a_snapshot_shows_runs_with_their_stops(town: Town) -> None:
    driver = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    async with town.db.transaction() as session:
        (run,) = await dispatch.snapshot_of_runs(session)
        assert await dispatch.snapshot_of_runs(session, [run.id]) == [run]
        assert await dispatch.snapshot_of_runs(session, []) == []
        assert await dispatch.snapshot_of_runs(session, day=run.day) == [run]
        assert await dispatch.snapshot_of_runs(session, depot_id=UUID(int=1)) == []
    assert (run.driver_id, run.state, run.driver_name) == (driver, "published", "Driver 1")
    assert [stop.state for stop in run.stops] == ["waiting"]
    await town.start(driver, task_id)
    async with town.db.transaction() as session:
        (run,) = await dispatch.snapshot_of_runs(session)
        assert (run.state, run.stops[0].state) == ("started", "under_way")
        place_id, consignment_id = await dispatch.run_context(session, task_id, driver_id=driver)
        assert (place_id, consignment_id) == (consignment.consignee.place_id, consignment.id)
        for unknown, asking in (("x", driver), (task_id, UUID(int=1))):
            with pytest.raises(UnknownTask):
                await dispatch.run_context(session, unknown, driver_id=asking)


async def test_the_way_already_driven_still_counts_as_planned(town: Town) -> None:
    driver = await town.add_driver()
    _, task_id = await town.assign(corner(5, 0))
    await town.start(driver, task_id)
    await town.complete(driver, task_id)
    async with town.db.transaction() as session:
        (before,) = await dispatch.snapshot_of_runs(session)
    booking = await town.book(corner(4, 0), pick_up_at=corner(5, 0))
    await town.insert(booking)
    async with town.db.transaction() as session:
        (after,) = await dispatch.snapshot_of_runs(session)
    assert after.distance_m == pytest.approx(before.distance_m, rel=0.02)
