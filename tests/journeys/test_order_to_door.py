"""An order on its whole road: from the shop's call to the consignee's hands."""

import re
from typing import Any

import httpx
import pytest

from driver_app.core.driver import Evidence
from driver_app.core.errors import ProofMissing
from server.identity.access import Role
from tests.journeys.company import MORNING, Company, corner, moment
from tests.journeys.couriers import Booking, Courier, photo


async def test_order_travels_the_whole_road_to_the_door(company: Company) -> None:
    desk = company.desk
    courier = await company.hire("Nora")
    booking = await company.take_order(
        corner(3, 1),
        name="Ada",
        instructions="ring twice",
        proof={"photo": "required", "name": "required"},
    )
    assert (await desk.order(booking))["state"] == "in_fulfilment"
    pool = await desk.get(f"/api/depots/{company.depot_id}/pool", day="2026-03-02")
    assert [item["waybill"] for item in pool] == [booking.waybill]

    plan = await company.plan()
    assert (len(plan["runs"]), plan["unassigned"]) == (1, [])
    assert courier.stops == (), "a draft is nobody's work yet"
    await company.publish(plan)
    stop = courier.stop(booking)
    assert stop.stop.address == "Ada-Strasse 7, Vaduz"
    task = courier.task(booking).task
    assert (task.contact_name, task.instructions) == ("Ada", "ring twice")
    assert [parcel.barcode for parcel in task.parcels] == list(booking.barcodes)

    driver = courier.phone.driver
    driver.scan(booking.barcodes, "load")
    driver.accept([task.id])
    await company.later(minutes=5)
    assert (await desk.order(booking))["state"] == "shipped"
    courier.set_off(booking)
    await company.later(minutes=5)
    courier.arrive(booking)
    await company.later(minutes=5)
    with pytest.raises(ProofMissing, match="photo"):
        courier.deliver(booking, Evidence(recipient_name="Ada"))
    courier.deliver(booking, Evidence(recipient_name="Ada", photos=(photo("the door"),)))
    await company.settle()

    assert (await desk.order(booking))["state"] == "delivered"
    assert await desk.raised() == []
    assert (courier.to_do, courier.phone.driver.view().finished_stops) == ([], 1)
    story = await desk.story(booking)
    minutes = [(moment(entry["occurred_at"]) - MORNING).total_seconds() / 60 for entry in story]
    assert list(zip([entry["state"] for entry in story], minutes, strict=True)) == [
        ("announced", 0),
        ("loaded", 0),
        ("out_for_delivery", 5),
        ("delivered", 15),
    ]
    assert not any(entry["conflicting"] for entry in story)
    assert {entry["by"] for entry in story[1:]} == {f"driver:{courier.driver_id}"}
    (proof,) = await desk.proofs(booking)
    assert story[-1]["proof_id"] == proof["id"]
    assert (proof["kind"], proof["recipient_name"]) == ("POD", "Ada")

    await check_who_sees_the_photo(company, courier, proof)
    page = await (await company.open_browser()).get(await company.open_link(booking))
    assert re.findall("<h1>(.*?)</h1>", page.text) == ["Your parcel has been delivered"]


async def check_who_sees_the_photo(
    company: Company, courier: Courier, proof: dict[str, Any]
) -> None:
    """The office and the account that pays, and nobody else."""
    (file,) = proof["files"]
    path = f"/api/proofs/{proof['id']}/blobs/{file['sha256']}"
    other = await company.desk.post("/api/accounts", {"name": "Another Shop", "code": "OTHER"})
    lantern = (await company.desk.get("/api/accounts"))["items"][0]
    assert lantern["code"] == "LANTERN"

    async def ask(browser: httpx.AsyncClient) -> int:
        answer = await browser.get(path)
        assert (answer.content == photo("the door").content) == answer.is_success
        return answer.status_code

    stranger = await company.open_browser()
    phone = await company.open_browser()
    phone.headers["Authorization"] = f"Bearer {courier.phone.pairing.token}"
    assert await ask(await company.sign_in(Role.CLERK)) == 200
    assert await ask(await company.sign_in(Role.ACCOUNT_USER, lantern["id"])) == 200
    assert await ask(await company.sign_in(Role.ACCOUNT_USER, other["id"])) == 404
    assert await ask(await company.sign_in(Role.DRIVER)) == 403
    assert await ask(phone) == 403
    assert await ask(stranger) == 401


async def test_courier_booking_is_fetched_at_one_door_and_brought_to_another(
    company: Company,
) -> None:
    courier = await company.hire("Nora")
    booking: Booking = await company.take_order(
        corner(4, 0),
        name="Ada",
        kind="courier",
        lines=[],
        consignor={
            "name": "Bob",
            "phone": "+423 555 1111",
            "address": {"line": "Bobs Weg 1, Vaduz", "lon": corner(2, 0).lon, "lat": 47.14},
        },
    )
    await company.publish(await company.plan())
    assert [task.task.kind for stop in courier.stops for task in stop.tasks] == [
        "pickup",
        "delivery",
    ]
    assert courier.task(booking, "pickup").task.contact_name == "Bob"
    courier.set_off(booking, "pickup")
    await company.later(minutes=10)
    courier.collect(booking)
    await company.later(minutes=5)
    courier.set_off(booking, "delivery")
    await company.later(minutes=5)
    courier.deliver(booking)
    await company.settle()

    story = await company.desk.story(booking)
    assert [entry["state"] for entry in story] == [
        "announced",
        "collected",
        "out_for_delivery",
        "delivered",
    ]
    assert [proof["kind"] for proof in await company.desk.proofs(booking)] == ["POC", "POD"]
    assert (await company.desk.order(booking))["state"] == "delivered"
