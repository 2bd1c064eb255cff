"""A phone is lost, revoked, replaced, and sometimes found again."""

from driver_app.core.driver import Evidence
from tests.journeys.company import Company, corner
from tests.journeys.couriers import Booking, Courier, Handset, photo
from tests.server.live.web_process import Device, calling


async def start_with(company: Company, *, orders: int) -> tuple[Courier, list[Booking]]:
    courier = await company.hire("Nora")
    bookings = [await company.take_order(corner(x, 1), name=f"C{x}") for x in range(orders)]
    await company.assign(*bookings)
    return courier, bookings


async def revoke(company: Company, phone: Handset) -> None:
    await company.desk.delete(f"/api/devices/{phone.pairing.device_id}")
    await company.settle()


async def test_connected_phone_is_told_and_wiped_and_may_be_paired_again(
    company: Company,
) -> None:
    courier, (booking,) = await start_with(company, orders=1)
    phone = courier.phone
    assert phone.driver.view().link == "socket"
    await revoke(company, phone)
    await phone.is_wiped()
    assert phone.driver.view().lost == 0
    assert courier.stops == (), "who finds it reads nobody's door"
    await phone.switch_off()
    await phone.switch_on()
    assert courier.stops == ()
    (task,) = await company.desk.tasks(booking)
    assert task["state"] == "assigned"

    await company.pair(phone, courier.driver_id)
    phone.regain_network()
    await company.settle()
    assert phone.driver.view().lost is None
    courier.deliver(booking)
    await company.settle()
    assert len(await company.desk.proofs(booking)) == 1
    assert (await company.desk.order(booking))["state"] == "delivered"


async def test_socket_of_a_revoked_phone_is_closed_with_4401(company: Company) -> None:
    courier, _ = await start_with(company, orders=1)
    await courier.phone.switch_off()
    token = courier.phone.pairing.token
    device = Device(company.depot_id, company.depot_id, token)  # type: ignore[arg-type]
    async with calling(company.web, device) as line:
        await revoke(company, courier.phone)
        assert await line.ending() == (4401, "This phone was revoked.")


async def test_driver_goes_on_with_a_new_phone_and_the_lost_one_hands_in_its_proof_when_it_is_found(
    company: Company,
) -> None:
    desk = company.desk
    courier, (first, second) = await start_with(company, orders=2)
    lost = courier.phone
    courier.set_off(first)
    await company.later(minutes=5)
    lost.lose_network()
    courier.deliver(first, Evidence(photos=(photo("the first door"),)))
    await company.later(minutes=5)
    await revoke(company, lost)

    courier.phone = await company.give_phone(courier.driver_id)
    await company.settle()
    assert sorted(courier.to_do) == sorted([first.waybill, second.waybill]), (
        "nobody knows of the first delivery"
    )
    for booking in (first, second):
        courier.set_off(booking)
        await company.later(minutes=5)
        courier.deliver(booking, Evidence(photos=(photo(booking.waybill),)))
        await company.later(minutes=5)
    assert courier.to_do == []

    lost.regain_network()
    await lost.is_wiped()
    await company.settle()
    assert [len(await desk.proofs(booking)) for booking in (first, second)] == [2, 1]
    for booking in (first, second):
        assert (await desk.order(booking))["state"] == "delivered"
        delivered = [e for e in await desk.story(booking) if e["state"] == "delivered"]
        assert len(delivered) == 1
    assert sorted(await desk.raised()) == ["done_twice", "heard_of_old_phone"]


async def test_found_phone_that_is_paired_again_adds_its_proof_but_no_second_delivery(
    company: Company,
) -> None:
    desk = company.desk
    courier, (booking,) = await start_with(company, orders=1)
    lost = courier.phone
    lost.lose_network()
    courier.deliver(booking)
    await company.later(minutes=20)
    await revoke(company, lost)
    courier.phone = await company.give_phone(courier.driver_id)
    await company.settle()
    courier.deliver(booking)
    await company.later(minutes=20)

    await courier.phone.switch_off()
    courier.phone = lost
    lost.cable.plug()
    await company.pair(lost, courier.driver_id)
    lost.regain_network()
    await company.settle()

    assert lost.driver.view().on_its_way == lost.driver.view().needs_attention == ()
    assert len(await desk.proofs(booking)) == 2
    assert await desk.raised() == ["done_twice"]
    delivered = [e for e in await desk.story(booking) if e["state"] == "delivered"]
    assert len(delivered) == 1
