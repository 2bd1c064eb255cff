"""Goods go back: announced beforehand, or simply handed over at the door."""

import pytest

from server.app.simulation.office import Refused
from server.protocol.from_driver import HandedOverParcel
from tests.journeys.company import Company, corner
from tests.journeys.couriers import Booking, Courier


async def deliver_one(company: Company, *, parcels: int = 1) -> tuple[Courier, Booking]:
    courier = await company.hire("Nora")
    booking = await company.take_order(
        corner(2, 1), name="Ada", parcels=[{"weight_g": 500}] * parcels
    )
    await company.assign(booking)
    courier.set_off(booking)
    await company.later(minutes=10)
    courier.deliver(booking)
    await company.settle()
    return courier, booking


async def test_announced_return_is_fetched_at_the_door_and_received_at_the_depot(
    company: Company,
) -> None:
    desk = company.desk
    courier, sent = await deliver_one(company)
    return_id, coming = await company.book_return(sent)
    assert (await desk.get(f"/api/returns/{return_id}"))["state"] == "booked"
    with pytest.raises(Refused) as refused:
        await company.book_return(sent)
    assert refused.value.code == "returns.nothing_to_return", "it is on its way back already"

    await company.assign(coming)
    task = courier.task(coming)
    assert (task.task.kind, task.task.contact_name) == ("return_pickup", "Ada")
    courier.set_off(coming)
    await company.later(minutes=10)
    courier.collect(coming, "return_pickup")
    await company.settle()
    assert (await desk.get(f"/api/returns/{return_id}"))["state"] == "collected"
    await company.later(hours=2)
    courier.phone.driver.scan(coming.barcodes, "unload")
    await company.settle()

    found = await desk.get(f"/api/returns/{return_id}")
    assert (found["state"], found["announced"]) == ("received", True)
    assert [e["state"] for e in await desk.story(coming)] == ["announced", "collected", "at_depot"]
    assert [proof["kind"] for proof in await desk.proofs(coming)] == ["POC"]
    assert (await desk.order(sent))["state"] == "delivered", "what goes back was delivered"
    assert await desk.raised() == []


async def test_unannounced_return_is_taken_without_network_and_received_at_the_depot(
    company: Company,
) -> None:
    desk = company.desk
    courier, sent = await deliver_one(company)
    courier.phone.lose_network()
    courier.phone.driver.collect_return(
        [HandedOverParcel(barcode=sent.barcodes[0], description="books")],
        at_task_id=courier.task(sent).task.id,
        reason="does not want it",
    )
    taken_at = company.now
    await company.later(minutes=40)
    courier.phone.regain_network()
    await company.settle()

    (returned,) = (await desk.get("/api/returns"))["items"]
    assert (returned["state"], returned["announced"]) == ("collected", False)
    assert returned["rma"] and returned["reason"] == "does not want it"
    assert returned["original_consignment_id"] == sent.consignment_id
    assert returned["order_id"] == sent.order_id
    coming = await desk.get(f"/api/consignments/{returned['consignment_id']}")
    assert coming["consignment"]["kind"] == "return"
    (collected,) = coming["story"]
    assert collected["occurred_at"] == taken_at.isoformat().replace("+00:00", "Z")

    courier.phone.driver.scan(sent.barcodes, "unload")  # it still bears its old label
    await company.settle()
    received = await desk.get(f"/api/returns/{returned['id']}")
    assert received["state"] == "received"
    coming = await desk.get(f"/api/consignments/{returned['consignment_id']}")
    assert [entry["state"] for entry in coming["story"]] == ["collected", "at_depot"]
    assert [e["state"] for e in await desk.story(sent)][-1] == "delivered"
    assert await desk.raised() == []


async def test_return_that_is_not_ready_is_tried_again_the_next_day(company: Company) -> None:
    courier, sent = await deliver_one(company)
    return_id, coming = await company.book_return(sent)
    await company.assign(coming)
    courier.phone.driver.fail(courier.task(coming).task.id, "not_ready")
    await company.settle()
    first, second = await company.desk.tasks(coming)
    assert (first["state"], second["state"], second["attempt"]) == ("failed", "unassigned", 2)
    assert (await company.desk.get(f"/api/returns/{return_id}"))["state"] == "booked"
    pool = await company.desk.get(f"/api/depots/{company.depot_id}/pool", day="2026-03-03")
    assert coming.waybill in [item["waybill"] for item in pool]
