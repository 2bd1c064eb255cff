"""Scans at the gate of a depot: what happened counts, and each parcel gets its answer."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from server.consignments import service as consignments
from server.dispatch import service as dispatch
from server.dispatch.service import GateAnswer
from server.identity.access import Role
from server.kit.ids import new_id
from server.places import service as places
from server.protocol.from_driver import ScanParcels
from tests.conftest import SignIn

from .conftest import DAY, MORNING, Town, corner


async def scan(
    town: Town, direction: Any, *barcodes: str, depot_id: UUID | None = None
) -> list[GateAnswer]:
    async with town.db.transaction() as session:
        return await dispatch.scan_at_gate(
            session,
            depot_id or town.depot_id,
            direction=direction,
            barcodes=barcodes,
            occurred_at=town.now,
            scan_id=str(new_id()),
            by="test",
        )


async def results(town: Town, direction: Any, *barcodes: str, **details: Any) -> list[str]:
    return [each.result for each in await scan(town, direction, *barcodes, **details)]


async def second_depot(town: Town) -> UUID:
    async with town.db.transaction() as session:
        place = await places.create_place(session, "North", position=corner(0, 40))
        depot = await dispatch.create_depot(
            session, name="North", place_id=place.id, timezone="Europe/Vaduz", by="test"
        )
    return depot.id


async def test_what_comes_in_is_told_for_which_run_it_is(town: Town) -> None:
    driver = await town.add_driver()
    mine, _ = await town.assign(corner(1, 1))
    free = await town.book(corner(2, 2))
    answers = await scan(town, "in", mine.parcels[0].barcode, free.parcels[0].barcode, "HM-1")
    assert [each.result for each in answers] == ["accepted", "accepted", "unknown"]
    assert [each.sentence for each in answers] == [
        "For the run of Driver 1, stop 1.",
        "No run today.",
        "No parcel has this barcode: keep it aside.",
    ]
    (run,) = await runs(town)
    assert (answers[0].run_id, run.driver_id) == (run.id, driver)
    for each in (mine, free):
        assert (await town.goods(each)).state == "at_depot"
    assert await town.raised() == []


async def runs(town: Town) -> list[dispatch.RunView]:
    async with town.db.transaction() as session:
        return await dispatch.list_runs(session, day=DAY)


async def test_what_is_here_already_is_said_to_be(town: Town) -> None:
    parcel = (await town.book(corner(1, 1))).parcels[0].barcode
    assert await results(town, "in", parcel) == ["accepted"]
    town.later(minutes=1)
    assert await results(town, "in", parcel) == ["already_here"]
    town.later(minutes=1)
    assert await results(town, "out", parcel) == ["accepted"]
    town.later(minutes=1)
    assert await results(town, "out", parcel) == ["already_out"]
    town.later(minutes=1)
    assert await results(town, "in", parcel) == ["accepted"]


async def test_what_was_cancelled_is_to_be_kept_aside_and_yet_is_here(town: Town) -> None:
    goods = await town.book(corner(1, 1))
    async with town.db.transaction() as session:
        await consignments.cancel_consignment(session, goods.id, by="test", reason="changed mind")
    (answer,) = await scan(town, "in", goods.parcels[0].barcode)
    assert answer.result == "cancelled"
    assert "keep it aside" in answer.sentence
    after = await town.goods(goods)
    assert (after.state, after.parcels[0].state) == ("cancelled", "at_depot")


async def test_a_parcel_of_another_depot_is_told_to_be_foreign(town: Town) -> None:
    north = await second_depot(town)
    goods = await town.book(corner(1, 1))
    (answer,) = await scan(town, "in", goods.parcels[0].barcode, depot_id=north)
    assert (answer.result, answer.depot_id) == ("foreign", town.depot_id)
    assert answer.sentence == "It belongs to depot Depot."
    assert (await town.goods(goods)).state == "at_depot"
    town.later(minutes=5)
    assert await results(town, "in", goods.parcels[0].barcode) == ["accepted"]


async def test_what_goes_out_is_with_the_driver_of_its_run(town: Town) -> None:
    driver = await town.add_driver()
    goods, _ = await town.assign(corner(1, 1))
    assert await results(town, "out", goods.parcels[0].barcode) == ["accepted"]
    after = await town.goods(goods)
    assert (after.state, after.parcels[0].holder_id) == ("loaded", driver)


async def test_coming_in_undelivered_is_the_same_as_the_drivers_own_unloading(town: Town) -> None:
    driver = await town.add_driver()
    _, task_id = await town.assign(corner(1, 1))
    second, second_id = await town.assign(corner(2, 1))
    await town.start(driver, task_id)
    town.later(hours=1)
    (answer,) = await scan(town, "in", second.parcels[0].barcode)
    assert (answer.result, answer.sentence) == ("accepted", "No run today.")
    assert (await town.task(second)).state == "unassigned"
    assert second_id not in await town.shown(driver)


async def test_a_delivered_parcel_that_comes_in_is_no_riddle(town: Town) -> None:
    driver = await town.add_driver()
    goods, task_id = await town.assign(corner(1, 1))
    await town.complete(driver, task_id)
    town.later(hours=1)
    assert await results(town, "in", goods.parcels[0].barcode) == ["journey_over"]
    assert (await town.goods(goods)).state == "delivered"


async def test_a_cage_comes_in_with_all_that_is_in_it(town: Town) -> None:
    goods = [await town.book(corner(1, number)) for number in range(3)]
    barcodes = [each.parcels[0].barcode for each in goods]
    async with town.db.transaction() as session:
        cage = await consignments.create_container(session, kind="cage", by="test")
        empty = await consignments.create_container(session, kind="bag", by="test")
        await consignments.put_in(session, cage.barcode, barcodes, by="test")
    answers = await scan(town, "in", cage.barcode, empty.barcode)
    assert [each.result for each in answers] == ["accepted"] * 3 + ["empty"]
    assert [each.parcel for each in answers[:3]] == barcodes
    assert {each.container for each in answers[:3]} == {cage.barcode}
    async with town.db.transaction() as session:
        story = await consignments.story(session, goods[0].id)
    assert story[-1].container_id == cage.id
    assert {(await town.goods(each)).state for each in goods} == {"at_depot"}


async def test_a_scan_sent_again_gets_the_same_answer_and_happens_once(
    town: Town, sign_in: SignIn
) -> None:
    client = await sign_in(Role.WAREHOUSE)
    goods = await town.book(corner(1, 1))
    url = f"/api/depots/{town.depot_id}/scans"
    body = {
        "direction": "in",
        "barcodes": [goods.parcels[0].barcode],
        "occurred_at": MORNING.isoformat(),
        "scan_id": "7",
    }
    first, again = await client.post(url, json=body), await client.post(url, json=body)
    assert first.status_code == 200, first.text
    assert first.json() == again.json()
    assert first.json()[0]["result"] == "accepted"
    async with town.db.transaction() as session:
        story = await consignments.story(session, goods.id)
    assert [entry.state for entry in story] == ["announced", "at_depot"]
    other = await client.post(url, json=body | {"barcodes": ["X"]})
    assert (other.status_code, other.json()["code"]) == (422, "idempotency.another_body")
    nowhere = await client.post(f"/api/depots/{new_id()}/scans", json=body)
    assert nowhere.status_code == 404


async def test_scans_of_the_same_parcels_at_two_gates_at_once_all_count(real_town: Town) -> None:
    town = real_town
    await town.add_driver()
    north = await second_depot(town)
    goods = [(await town.assign(corner(1, number)))[0] for number in range(4)]
    goods += [await town.book(corner(2, number)) for number in range(4)]
    barcodes = [each.parcels[0].barcode for each in goods]
    await asyncio.gather(
        scan(town, "in", *barcodes),
        scan(town, "in", *barcodes[::-1], depot_id=north),
        scan(town, "out", *barcodes),
        scan(town, "out", *barcodes[::-1]),
        scan(town, "in", *barcodes[1:]),
    )
    for each in goods:
        assert (await town.goods(each)).state in ("at_depot", "loaded")


async def test_what_was_scanned_at_the_gate_cannot_be_changed(town: Town) -> None:
    await scan(town, "in", "HM-1")
    async with town.db.transaction() as session:
        with pytest.raises(DBAPIError, match="append-only"):
            async with session.begin_nested():
                await session.execute(text("delete from depot_scan"))


async def test_a_phones_scan_of_a_cage_loads_what_is_in_it(town: Town) -> None:
    driver = await town.add_driver()
    goods, _ = await town.assign(corner(1, 1), parcels=2)
    async with town.db.transaction() as session:
        cage = await consignments.create_container(session, kind="cage", by="test")
        barcodes = [parcel.barcode for parcel in goods.parcels]
        await consignments.put_in(session, cage.barcode, barcodes, by="test")
    command = ScanParcels(barcodes=(cage.barcode,), purpose="load", occurred_at=town.now)
    await town.does(driver, command)
    after = await town.goods(goods)
    assert {(each.state, each.holder_id) for each in after.parcels} == {("loaded", driver)}
    assert await town.raised() == []


async def test_a_parcel_that_was_packed_otherwise_is_no_parcel_any_more(town: Town) -> None:
    goods = await town.book(corner(1, 1), parcels=2)
    gone, kept = goods.parcels
    async with town.db.transaction() as session:
        cage = await consignments.create_container(session, kind="cage", by="test")
        barcodes = [gone.barcode, kept.barcode]
        await consignments.put_in(session, cage.barcode, barcodes, by="test")
        await consignments.replace_parcels(
            session, goods.id, expected=[gone.id], packed=[], by="test"
        )
    assert await results(town, "in", gone.barcode) == ["unknown"]
    (answer,) = await scan(town, "in", cage.barcode)
    assert (answer.parcel, answer.result) == (kept.barcode, "accepted")


async def test_a_parcel_withdrawn_while_it_is_scanned_breaks_nothing(real_town: Town) -> None:
    town = real_town
    goods = [await town.book(corner(1, number), parcels=2) for number in range(6)]

    async def withdraw(number: int) -> None:
        async with town.db.transaction() as session:
            await consignments.replace_parcels(
                session,
                goods[number].id,
                expected=[goods[number].parcels[0].id],
                packed=[],
                by="test",
            )

    barcodes = [parcel.barcode for each in goods for parcel in each.parcels]
    found, *_ = await asyncio.gather(scan(town, "in", *barcodes), *map(withdraw, range(6)))
    assert {each.result for each in found} <= {"accepted", "unknown"}
    assert [each.result for each in found[1::2]] == ["accepted"] * 6
