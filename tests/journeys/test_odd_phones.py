"""Drivers who know better than the plan, and phones that come back from the past."""

import shutil
from pathlib import Path

from tests.journeys.company import Company, corner
from tests.journeys.couriers import Courier, Handset


async def test_driver_who_takes_another_order_than_the_plan_is_right(company: Company) -> None:
    courier = await company.hire("Nora")
    bookings = [await company.take_order(corner(x, 0), name=f"C{x}") for x in (2, 4, 6, 8)]
    await company.publish(await company.plan())
    by_waybill = {booking.waybill: booking for booking in bookings}
    planned = [by_waybill[waybill] for waybill in courier.to_do]
    driven = [planned[3], planned[1], planned[0], planned[2]]
    browser = await company.open_browser()
    paths = {booking.waybill: await company.open_link(booking) for booking in planned}
    for number, booking in enumerate(driven):
        courier.set_off(booking)
        await company.later(minutes=5)
        page = (await browser.get(paths[booking.waybill])).text
        assert "You are next" in page, "whom the courier drives to is next, whatever was planned"
        courier.arrive(booking)
        courier.deliver(booking)
        await company.later(minutes=3)
        assert set(courier.to_do) == {each.waybill for each in driven[number + 1 :]}
    for booking in bookings:
        assert (await company.desk.order(booking))["state"] == "delivered"
        assert not any(entry["conflicting"] for entry in await company.desk.story(booking))
    assert await company.desk.raised() == []
    (run,) = (await company.desk.get("/api/runs", driver_id=courier.driver_id))["items"]
    assert {stop["state"] for stop in run["stops"]} == {"done"}


async def test_phone_restored_from_a_backup_sends_old_commands_again_and_nothing_happens_twice(
    company: Company,
) -> None:
    desk = company.desk
    courier = await company.hire("Nora")
    first = await company.take_order(corner(2, 0), name="First")
    second = await company.take_order(corner(4, 0), name="Second")
    await company.assign(first, second)
    courier.set_off(first)
    await company.later(minutes=5)
    courier.phone.lose_network()
    courier.phone.driver.scan([*first.barcodes, *second.barcodes], "load")
    courier.deliver(first)
    backup = back_up(courier.phone, company.folder / "backup")

    await company.later(minutes=5)
    courier.phone.regain_network()
    courier.set_off(second)
    await company.later(minutes=5)
    courier.deliver(second)
    await company.later(minutes=30)
    before = [await desk.consignment(booking) for booking in (first, second)]

    await restore(company, courier, backup)
    old = courier.phone.driver.view()
    assert len(old.on_its_way) == 2
    assert courier.to_do == [second.waybill], "it knows nothing of what came after"
    await courier.phone.switch_on()
    courier.phone.regain_network()
    await company.settle()

    assert courier.phone.driver.view().needs_attention == ()
    assert courier.to_do == [], "what the server says is newer"
    assert [await desk.consignment(booking) for booking in (first, second)] == before
    assert await desk.raised() == []


def back_up(phone: Handset, folder: Path) -> Path:
    """Everything that the phone knows at this moment."""
    folder.mkdir()
    phone.store.db.execute("VACUUM INTO ?", (str(folder / "app.db"),))
    shutil.copytree(phone.store.blob_folder, folder / "blobs")
    return folder


async def restore(company: Company, courier: Courier, backup: Path) -> None:
    """The same phone with the memory of the backup, switched off still."""
    await courier.phone.switch_off()
    courier.phone = company.open_phone(backup, courier.phone.cable)
    courier.phone.has_network = False
