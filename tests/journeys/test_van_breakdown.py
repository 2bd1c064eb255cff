"""A van stands still in the middle of its day."""

from tests.journeys.company import Company, at, corner
from tests.journeys.couriers import Booking, Courier


async def test_rest_of_the_day_goes_to_another_driver_who_fetches_what_is_on_board(
    company: Company,
) -> None:
    desk = company.desk
    nora = await company.hire("Nora")
    bookings = [await company.take_order(corner(x, 0), name=f"C{x}") for x in (2, 4, 6)]
    fetched = await company.take_order(
        corner(8, 0),
        name="Zed",
        kind="courier",
        lines=[],
        consignor={"name": "Bob", "address": {"line": "Bobs Weg 1, Vaduz", **at(corner(7, 0))}},
    )
    await company.assign(*bookings, fetched)
    rita = await company.hire("Rita")
    nora.phone.driver.scan([b for each in bookings for b in each.barcodes], "load")
    done = bookings[0]
    nora.set_off(done)
    await company.later(minutes=10)
    nora.deliver(done)
    await company.later(minutes=2)

    (run,) = (await desk.get("/api/runs", driver_id=nora.driver_id))["items"]
    broken_at = corner(3, 0)
    given = await desk.post(f"/api/runs/{run['id']}/breakdown", at(broken_at))
    await company.settle()

    left = [*bookings[1:], fetched]
    assert given["unassigned"] == []
    assert {each["waybill"] for each in given["moved"]} == {each.waybill for each in left}
    assert {each["driver_id"] for each in given["moved"]} == {rita.driver_id}
    assert nora.to_do == []
    assert nora.task(done).state == "completed", "what she did stays on her phone"
    (handover,) = {rita.stop(booking, "pickup").stop for booking in bookings[1:]}
    assert (handover.lon, handover.lat) == (broken_at.lon, broken_at.lat)
    assert handover.access_note == "Take over its parcels here."

    for booking in bookings[1:]:
        rita.set_off(booking, "pickup")
    await company.later(minutes=10)
    for booking in bookings[1:]:
        rita.collect(booking)
    await company.later(minutes=2)
    assert [await holders(company, each) for each in bookings[1:]] == [{rita.driver_id}] * 2
    await deliver_the_rest(company, rita, bookings[1:], fetched)

    for booking in (*bookings, fetched):
        assert (await desk.order(booking))["state"] == "delivered", booking
        assert len([p for p in await desk.proofs(booking) if p["kind"] == "POD"]) == 1
        assert not any(entry["conflicting"] for entry in await desk.story(booking))
    story = await desk.story(bookings[1])
    hands = [entry["driver_id"] for entry in story]
    assert hands == [None, nora.driver_id, nora.driver_id, rita.driver_id, None]
    assert [entry["state"] for entry in story[1:]] == [
        "loaded",
        "out_for_delivery",
        "out_for_delivery",
        "delivered",
    ]
    assert await desk.raised() == ["breakdown"]


async def holders(company: Company, booking: Booking) -> set[str]:
    parcels = (await company.desk.consignment(booking))["consignment"]["parcels"]
    return {parcel["holder_id"] for parcel in parcels}


async def deliver_the_rest(
    company: Company, rita: Courier, on_board: list[Booking], fetched: Booking
) -> None:
    for booking in on_board:
        rita.set_off(booking, "delivery")
        await company.later(minutes=8)
        rita.deliver(booking)
        await company.later(minutes=1)
    rita.set_off(fetched, "pickup")
    await company.later(minutes=8)
    rita.collect(fetched)
    rita.set_off(fetched, "delivery")
    await company.later(minutes=8)
    rita.deliver(fetched)
    await company.settle()


async def test_what_nobody_can_take_goes_back_to_the_pool_and_a_person_is_told_why(
    company: Company,
) -> None:
    nora = await company.hire("Nora")
    booking = await company.take_order(corner(2, 0))
    await company.assign(booking)
    (run,) = (await company.desk.get("/api/runs", driver_id=nora.driver_id))["items"]
    given = await company.desk.post(f"/api/runs/{run['id']}/breakdown", {})
    await company.settle()
    assert given["moved"] == []
    assert [each["waybill"] for each in given["unassigned"]] == [booking.waybill]
    assert await company.desk.raised() == ["breakdown", "not_placed"]
    assert nora.to_do == []
    pool = await company.desk.get(f"/api/depots/{company.depot_id}/pool", day="2026-03-02")
    assert [item["waybill"] for item in pool] == [booking.waybill]
