"""Orders are cancelled and amended while a driver is on the road."""

from datetime import timedelta

import pytest

from server.app.simulation.office import Refused
from tests.journeys.company import MORNING, Company, at, corner, moment
from tests.journeys.couriers import Booking, Courier


async def book_courier_while_on_the_road(company: Company) -> tuple[Courier, Booking, Booking]:
    """Nora is under way to somebody else, with a courier booking still to come."""
    nora = await company.hire("Nora")
    other = await company.take_order(corner(1, 0), name="Other")
    booked = await company.take_order(
        corner(4, 0),
        name="Ada",
        kind="courier",
        lines=[],
        consignor={"name": "Bob", "address": {"line": "Bobs Weg 1, Vaduz", **at(corner(3, 0))}},
    )
    await company.assign(other, booked)
    nora.set_off(other)
    await company.settle()
    return nora, booked, other


async def test_cancelled_booking_vanishes_from_the_phone(company: Company) -> None:
    nora, booked, _ = await book_courier_while_on_the_road(company)
    assert len(nora.stops) == 3
    await company.desk.post(f"/api/orders/{booked.order_id}/cancel", {"reason": "not needed"})
    await company.settle()
    assert nora.find(booked) is None
    assert len(nora.stops) == 1
    assert {task["state"] for task in await company.desk.tasks(booked)} == {"cancelled"}
    story = await company.desk.story(booked)
    assert (story[-1]["state"], story[-1]["reason"]) == ("cancelled", "not needed")
    assert await company.desk.raised() == []
    page = await (await company.open_browser()).get(await company.open_link(booked))
    assert "This delivery was cancelled" in page.text


async def test_booking_cancelled_while_its_parcel_was_fetched_offline_is_put_before_a_person(
    company: Company,
) -> None:
    nora, booked, _ = await book_courier_while_on_the_road(company)
    nora.phone.lose_network()
    nora.collect(booked)
    await company.later(minutes=5)
    await company.desk.post(f"/api/orders/{booked.order_id}/cancel", {"reason": "not needed"})
    await company.later(minutes=5)
    nora.phone.regain_network()
    await company.settle()

    assert await company.desk.raised() == ["done_though_cancelled"]
    (proof,) = await company.desk.proofs(booked)
    assert proof["kind"] == "POC"
    consignment = (await company.desk.consignment(booked))["consignment"]
    assert consignment["state"] == "collected", "where it is, not what was wanted"
    assert consignment["parcels"][0]["holder_id"] == nora.driver_id
    assert (await company.desk.order(booked))["state"] == "cancelled"
    assert nora.phone.driver.view().needs_attention == ()


async def test_what_is_on_the_road_cannot_be_cancelled_and_the_answer_says_what_can(
    company: Company,
) -> None:
    nora = await company.hire("Nora")
    booking = await company.take_order(corner(1, 0))
    await company.assign(booking)
    nora.set_off(booking)
    await company.settle()
    with pytest.raises(Refused, match="return") as refused:
        await company.desk.post(f"/api/orders/{booking.order_id}/cancel", {"reason": "too late"})
    assert refused.value.code == "orders.already_shipped"
    assert nora.task(booking).state == "en_route"
    nora.deliver(booking)
    await company.settle()
    assert (await company.desk.order(booking))["state"] == "delivered"


async def test_amended_window_and_instructions_reach_the_phone_on_the_road(
    company: Company,
) -> None:
    nora, booked, other = await book_courier_while_on_the_road(company)
    wanted_at = MORNING + timedelta(hours=3)
    order = await company.desk.order(booked)
    amendment = {
        "expected_version": order["version"],
        "window_start_at": wanted_at.isoformat(),
        "window_end_at": (wanted_at + timedelta(hours=1)).isoformat(),
        "instructions": "side entrance",
    }
    await company.desk.patch(f"/api/orders/{booked.order_id}", amendment)
    await company.settle()

    stop = nora.stop(booked, "delivery").stop
    assert stop.window_start_at == wanted_at
    assert stop.window_end_at == wanted_at + timedelta(hours=1)
    assert nora.task(booked, "delivery").task.instructions == "side entrance"
    assert nora.task(other).state == "en_route", "what is under way stays so"
    consignment = (await company.desk.consignment(booked))["consignment"]
    assert moment(consignment["window_start_at"]) == wanted_at
    tasks = await company.desk.tasks(booked)
    assert {(task["state"], task["driver_id"]) for task in tasks} == {("assigned", nora.driver_id)}
    with pytest.raises(Refused) as refused:
        await company.desk.patch(f"/api/orders/{booked.order_id}", amendment)
    assert refused.value.code == "orders.changed"


async def test_new_address_takes_the_stop_off_the_phone_and_back_to_the_pool(
    company: Company,
) -> None:
    nora = await company.hire("Nora")
    booking = await company.take_order(corner(1, 0), name="Ada")
    await company.assign(booking)
    order = await company.desk.order(booking)
    address = {"line": "Neue Gasse 2, Vaduz", **at(corner(5, 5))}
    amendment = {"expected_version": order["version"], "consignee": {"address": address}}
    await company.desk.patch(f"/api/orders/{booking.order_id}", amendment)
    await company.settle()
    assert nora.find(booking) is None
    assert await company.desk.raised() == ["taken_from_run"]
    await company.assign(booking)
    assert nora.stop(booking).stop.address == "Neue Gasse 2, Vaduz"
