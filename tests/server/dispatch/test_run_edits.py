"""What a dispatcher changes by hand in runs that drivers have already."""

from datetime import timedelta
from uuid import UUID

import pytest

from server.consignments.service import ConsignmentView
from server.dispatch import service as dispatch
from server.dispatch.run_edits import (
    BoundToVehicle,
    CannotBeDriven,
    Manner,
    NothingToMove,
    PromisesBroken,
    SameRun,
    UnknownShiftOfDay,
    UnknownStopOfRun,
)
from server.dispatch.service import RunChange, RunView
from server.kit.ids import new_id
from server.protocol.from_driver import ScanParcels

from .conftest import MORNING, Town, corner

DO_IT = Manner(by="test")
ONLY_LOOK = Manner(by="test", only_look=True)
EVEN_LATE = Manner(by="test", accept_late=True)


async def run_of(town: Town, driver_id: UUID) -> RunView:
    async with town.db.transaction() as session:
        return (await dispatch.list_runs(session, driver_id=driver_id))[0]


async def stops_of(town: Town, driver_id: UUID) -> list[str]:
    """The waybills of a driver's run that are still to do, in their order."""
    manifest = await town.manifest(driver_id)
    tasks = [task for stop in manifest.stops for task in stop.tasks]
    return [task.waybill for task in tasks if task.state not in ("completed", "failed")]


async def move(
    town: Town, giver: UUID, taker: UUID, *goods: ConsignmentView, how: Manner = DO_IT
) -> RunChange:
    stop_ids = [(await town.task(each)).stop_id for each in goods]
    async with town.db.transaction() as session:
        return await dispatch.move_stops(
            session,
            (await run_of(town, giver)).id,
            [each for each in stop_ids if each],
            to_shift_id=town.shifts[taker],
            roads=town.roads,
            how=how,
        )


async def swap(town: Town, one: UUID, other: UUID, how: Manner = DO_IT) -> RunChange:
    async with town.db.transaction() as session:
        return await dispatch.swap_runs(
            session,
            (await run_of(town, one)).id,
            with_run_id=(await run_of(town, other)).id,
            roads=town.roads,
            how=how,
        )


async def test_stop_goes_to_another_driver_and_both_are_told(town: Town) -> None:
    giver = await town.add_driver()
    first, _ = await town.assign(corner(2, 0))
    second, _ = await town.assign(corner(4, 0))
    taker = await town.add_driver()
    versions = [(await town.manifest(each)).version for each in (giver, taker)]
    told = await move(town, giver, taker, second)
    assert told.is_done
    assert told.late == ()
    assert await stops_of(town, giver) == [first.waybill]
    assert await stops_of(town, taker) == [second.waybill]
    assert [(await town.manifest(each)).version for each in (giver, taker)] == [
        version + 1 for version in versions
    ]
    assert sum(run.added_cost_minor for run in told.runs) > 0  # a second van leaves the depot


async def test_looking_tells_the_same_and_changes_nothing(town: Town) -> None:
    giver = await town.add_driver()
    goods, _ = await town.assign(corner(2, 0))
    taker = await town.add_driver()
    before = await town.manifest(giver)
    seen = await move(town, giver, taker, goods, how=ONLY_LOOK)
    assert not seen.is_done
    assert await town.manifest(giver) == before
    done = await move(town, giver, taker, goods)
    costs = [[(run.driver_id, run.added_cost_minor) for run in each.runs] for each in (seen, done)]
    assert costs[0] == costs[1]


async def test_moved_stop_can_be_moved_back(town: Town) -> None:
    giver = await town.add_driver()
    goods, _ = await town.assign(corner(2, 0))
    await town.assign(corner(3, 0))
    before = await stops_of(town, giver)
    taker = await town.add_driver()
    told = await move(town, giver, taker, goods)
    came = next(run for run in told.runs if run.driver_id == taker)
    assert came.stop_ids == ((await town.task(goods)).stop_id,)
    await move(town, taker, giver, goods)
    assert sorted(await stops_of(town, giver)) == sorted(before)
    assert await stops_of(town, taker) == []


async def test_run_is_handed_over_whole_except_what_is_under_way(town: Town) -> None:
    giver = await town.add_driver()
    begun, begun_id = await town.assign(corner(1, 0))
    booking = await town.book(corner(3, 0), pick_up_at=corner(2, 0))
    await town.insert(booking)
    await town.start(giver, begun_id)
    taker = await town.add_driver()
    await move(town, giver, taker)
    assert await stops_of(town, giver) == [begun.waybill]
    assert await stops_of(town, taker) == [booking.waybill, booking.waybill]
    with pytest.raises(NothingToMove):
        await move(town, giver, taker)


async def test_parcels_do_not_change_vans_by_a_click(town: Town) -> None:
    giver = await town.add_driver()
    goods, _ = await town.assign(corner(2, 0))
    other, _ = await town.assign(corner(4, 0))
    barcodes = tuple(parcel.barcode for parcel in goods.parcels)
    scan = ScanParcels(barcodes=barcodes, purpose="load", occurred_at=town.now)
    await town.does(giver, scan)
    taker = await town.add_driver()
    with pytest.raises(BoundToVehicle, match=goods.waybill):
        await move(town, giver, taker, goods)
    await move(town, giver, taker)
    assert await stops_of(town, giver) == [goods.waybill]
    assert await stops_of(town, taker) == [other.waybill]


async def test_promise_is_broken_only_by_a_dispatcher_who_says_so(town: Town) -> None:
    giver = await town.add_driver()
    soon = MORNING + timedelta(minutes=30)
    goods, _ = await town.assign(corner(2, 0), window_end_at=soon)
    taker = await town.add_driver(starts_at=MORNING + timedelta(hours=2))
    seen = await move(town, giver, taker, goods, how=ONLY_LOOK)
    assert [visit.waybill for visit in seen.late] == [goods.waybill]
    with pytest.raises(PromisesBroken, match=goods.waybill):
        await move(town, giver, taker, goods)
    assert await stops_of(town, giver) == [goods.waybill]
    await move(town, giver, taker, goods, how=EVEN_LATE)
    assert await stops_of(town, taker) == [goods.waybill]


async def test_drivers_swap_what_is_left(town: Town) -> None:
    one = await town.add_driver()
    first, _ = await town.assign(corner(2, 0))
    second, _ = await town.assign(corner(3, 0))
    other = await town.add_driver()
    await move(town, one, other, second)
    third = await town.book(corner(4, 0))
    await town.insert(third)
    before = {driver: await stops_of(town, driver) for driver in (one, other)}
    await swap(town, one, other)
    assert await stops_of(town, one) == before[other]
    assert await stops_of(town, other) == before[one]
    assert first.waybill in before[one]


async def test_it_says_why_it_cannot_be(town: Town) -> None:
    giver = await town.add_driver(skills=("fridge",))
    cold, _ = await town.assign(corner(2, 0), skills=("fridge",))
    taker = await town.add_driver()
    with pytest.raises(CannotBeDriven, match="fridge"):
        await move(town, giver, taker, cold)
    with pytest.raises(SameRun):
        await move(town, giver, giver, cold)
    run = await run_of(town, giver)
    for stop_ids, shift_id, refusal in (
        ([new_id()], town.shifts[taker], UnknownStopOfRun),
        ([], new_id(), UnknownShiftOfDay),
    ):
        with pytest.raises(refusal):
            async with town.db.transaction() as session:
                await dispatch.move_stops(
                    session, run.id, stop_ids, to_shift_id=shift_id, roads=town.roads, how=DO_IT
                )


async def test_everything_that_was_moved_can_be_delivered(town: Town) -> None:
    giver = await town.add_driver()
    goods, _ = await town.assign(corner(2, 0))
    booking = await town.book(corner(5, 0), pick_up_at=corner(3, 0))
    await town.insert(booking)
    taker = await town.add_driver()
    await move(town, giver, taker)
    while left := [task for task in (await town.shown(taker)).values() if task.state == "assigned"]:
        await town.start(taker, left[0].id)
        town.later(minutes=3)
        outcome = "collected" if left[0].kind == "pickup" else "delivered_to_consignee"
        await town.complete(taker, left[0].id, outcome_code=outcome)
    assert [(await town.goods(each)).state for each in (goods, booking)] == ["delivered"] * 2
    assert await town.raised() == []
