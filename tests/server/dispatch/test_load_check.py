"""The load check: a parcel that is missing or foreign is told at once."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from server.consignments import service as consignments
from server.dispatch import service as dispatch
from server.dispatch.load_check import AlreadyFinished, ReasonNeeded, RunIsOver
from server.dispatch.service import LoadAnswer, LoadCheckView
from server.identity.access import Role
from server.kit.ids import new_id
from server.protocol.from_driver import ScanParcels, SetShift
from tests.conftest import SignIn

from .conftest import DAY, MORNING, Town, corner


async def run_of(town: Town, driver_id: UUID) -> UUID:
    async with town.db.transaction() as session:
        (run,) = await dispatch.list_runs(session, day=DAY, driver_id=driver_id)
    return run.id


async def scan(town: Town, run_id: UUID, barcode: str) -> list[LoadAnswer]:
    async with town.db.transaction() as session:
        return await dispatch.scan_into_run(
            session, run_id, barcode, occurred_at=town.now, scan_id=str(new_id()), by="test"
        )


async def answer(town: Town, run_id: UUID, barcode: str) -> tuple[str, str]:
    (told,) = await scan(town, run_id, barcode)
    return told.result, told.sentence


async def look(town: Town, run_id: UUID) -> LoadCheckView:
    async with town.db.transaction() as session:
        return await dispatch.read_load_check(session, run_id)


async def finish(town: Town, run_id: UUID, reason: str = "") -> LoadCheckView:
    async with town.db.transaction() as session:
        return await dispatch.finish_load_check(session, run_id, reason=reason, by="test")


async def test_each_parcel_at_the_van_gets_its_answer_at_once(town: Town) -> None:
    driver = await town.add_driver(parcels=1)
    mine, _ = await town.assign(corner(1, 1))
    other_driver = await town.add_driver(parcels=1)
    theirs, _ = await town.assign(corner(2, 2))
    free = await town.book(corner(3, 3))
    dropped = await town.book(corner(3, 4))
    async with town.db.transaction() as session:
        await consignments.cancel_consignment(session, dropped.id, by="test", reason="no")
    run_id = await run_of(town, driver)
    assert await answer(town, run_id, mine.parcels[0].barcode) == ("ok", "Load it: stop 1.")
    assert (await answer(town, run_id, mine.parcels[0].barcode))[0] == "already_loaded"
    (foreign,) = await scan(town, run_id, theirs.parcels[0].barcode)
    assert (foreign.result, foreign.driver_id) == ("foreign", other_driver)
    assert foreign.sentence == "It belongs to Driver 2: keep it out."
    assert await answer(town, run_id, free.parcels[0].barcode) == (
        "foreign",
        "It is in no run: keep it out.",
    )
    assert (await answer(town, run_id, dropped.parcels[0].barcode))[0] == "cancelled"
    assert (await answer(town, run_id, "HM-1"))[0] == "unknown"
    loaded = await town.goods(mine)
    assert (loaded.state, loaded.parcels[0].holder_id) == ("loaded", driver)
    for kept_out in (theirs, free, dropped):
        assert (await town.goods(kept_out)).parcels[0].state == "announced"
    assert await town.raised() == []


async def test_a_phones_scan_and_one_at_the_desk_are_the_same_knowledge(town: Town) -> None:
    driver = await town.add_driver()
    first, _ = await town.assign(corner(1, 1))
    second, _ = await town.assign(corner(2, 1))
    run_id = await run_of(town, driver)
    barcodes = [each.parcels[0].barcode for each in (first, second)]
    assert sorted((await look(town, run_id)).missing) == sorted(barcodes)
    scanned = ScanParcels(barcodes=(barcodes[0],), purpose="load", occurred_at=town.now)
    await town.does(driver, scanned)
    assert (await look(town, run_id)).missing == (barcodes[1],)
    assert (await answer(town, run_id, barcodes[0]))[0] == "already_loaded"
    await scan(town, run_id, barcodes[1])
    view = await finish(town, run_id)
    assert (view.missing, view.finished_by) == ((), "test")
    assert await town.raised() == []


async def test_to_leave_without_something_needs_a_reason_and_dispatch_is_told(town: Town) -> None:
    driver = await town.add_driver()
    first, task_id = await town.assign(corner(1, 1))
    second, _ = await town.assign(corner(2, 1))
    run_id = await run_of(town, driver)
    await scan(town, run_id, first.parcels[0].barcode)
    with pytest.raises(ReasonNeeded):
        await finish(town, run_id, "  ")
    view = await finish(town, run_id, "not found on the shelf")
    assert view.missing_when_finished == (second.parcels[0].barcode,)
    with pytest.raises(AlreadyFinished):
        await finish(town, run_id, "again")
    (told,) = await town.exceptions()
    assert (told.kind, told.run_id, told.driver_id) == ("load_incomplete", run_id, driver)
    assert told.details == {
        "barcodes": [second.parcels[0].barcode],
        "reason": "not found on the shelf",
    }
    town.later(minutes=10)
    await town.start(driver, task_id)
    assert (await town.goods(first)).state == "out_for_delivery"
    assert (await town.goods(second)).state == "announced"
    assert await town.raised() == ["load_incomplete"]


async def test_what_turns_up_after_all_settles_what_was_missing(town: Town) -> None:
    driver = await town.add_driver()
    goods, task_id = await town.assign(corner(1, 1), parcels=2)
    run_id = await run_of(town, driver)
    await finish(town, run_id, "late linehaul")
    assert await town.raised() == ["load_incomplete"]
    town.later(minutes=1)
    await scan(town, run_id, goods.parcels[0].barcode)
    (told,) = await town.exceptions()
    assert told.details["barcodes"] == [goods.parcels[1].barcode]
    scanned = ScanParcels(
        barcodes=(goods.parcels[1].barcode,), purpose="load", occurred_at=town.now
    )
    await town.does(driver, scanned)
    assert await town.raised() == []
    await town.start(driver, task_id)
    assert (await town.goods(goods)).state == "out_for_delivery"


async def test_what_the_run_fetches_on_its_way_is_not_missing_at_the_depot(town: Town) -> None:
    driver = await town.add_driver()
    courier = await town.book(corner(2, 2), pick_up_at=corner(1, 1))
    await town.insert(courier)
    run_id = await run_of(town, driver)
    view = await look(town, run_id)
    assert (view.parcels, view.missing) == ((), ())
    assert await answer(town, run_id, courier.parcels[0].barcode) == (
        "foreign",
        "This run fetches it on its way: keep it out.",
    )


async def test_a_cage_with_something_foreign_in_it_is_told_parcel_by_parcel(town: Town) -> None:
    driver = await town.add_driver(parcels=1)
    mine, _ = await town.assign(corner(1, 1))
    foreign = await town.book(corner(2, 2))
    barcodes = [each.parcels[0].barcode for each in (mine, foreign)]
    async with town.db.transaction() as session:
        cage = await consignments.create_container(session, kind="cage", by="test")
        await consignments.put_in(session, cage.barcode, barcodes, by="test")
    told = await scan(town, await run_of(town, driver), cage.barcode)
    assert {each.parcel: each.result for each in told} == {
        barcodes[0]: "ok",
        barcodes[1]: "foreign",
    }


async def test_nothing_is_loaded_for_a_run_that_is_over(town: Town) -> None:
    driver = await town.add_driver()
    goods, task_id = await town.assign(corner(1, 1))
    run_id = await run_of(town, driver)
    await town.does(driver, SetShift(change="start", occurred_at=town.now))
    await town.start(driver, task_id)
    await town.complete(driver, task_id)
    town.later(hours=1)
    await town.does(driver, SetShift(change="end", occurred_at=town.now))
    with pytest.raises(RunIsOver):
        await scan(town, run_id, goods.parcels[0].barcode)
    with pytest.raises(RunIsOver):
        await finish(town, run_id)


async def test_two_scanners_at_one_van_load_each_parcel_once(real_town: Town) -> None:
    town = real_town
    driver = await town.add_driver()
    goods, _ = await town.assign(corner(1, 1), parcels=4)
    run_id = await run_of(town, driver)
    barcodes = [parcel.barcode for parcel in goods.parcels] * 2
    told = await asyncio.gather(*(scan(town, run_id, barcode) for barcode in barcodes))
    results = sorted(each.result for (each,) in told)
    assert results == ["already_loaded"] * 4 + ["ok"] * 4
    assert (await look(town, run_id)).missing == ()


async def test_the_load_check_over_http(town: Town, sign_in: SignIn) -> None:
    client = await sign_in(Role.WAREHOUSE)
    driver = await town.add_driver()
    goods, _ = await town.assign(corner(1, 1), parcels=2)
    url = f"/api/runs/{await run_of(town, driver)}/load-check"
    body: dict[str, Any] = {
        "barcode": goods.parcels[0].barcode,
        "occurred_at": MORNING.isoformat(),
        "scan_id": "1",
    }
    first, again = [await client.post(f"{url}/scans", json=body) for _ in range(2)]
    assert first.status_code == 200, first.text
    assert first.json() == again.json()
    assert first.json()[0]["result"] == "ok"
    second = await client.post(f"{url}/scans", json=body | {"scan_id": "2"})
    assert second.json()[0]["result"] == "already_loaded"
    assert (await client.get(url)).json()["missing"] == [goods.parcels[1].barcode]
    refused = await client.post(f"{url}/finish", json={})
    assert (refused.status_code, refused.json()["code"]) == (
        422,
        "dispatch.load_check_reason_needed",
    )
    assert (await client.post(f"{url}/finish", json={"reason": "gone"})).status_code == 200
    assert (await client.get(f"/api/runs/{new_id()}/load-check")).status_code == 404
