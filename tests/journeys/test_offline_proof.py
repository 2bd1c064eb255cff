"""A morning without network: all is done and proven, and told once there is network again."""

from datetime import timedelta

from driver_app.core.driver import Evidence
from server.protocol.from_driver import HandedOverParcel
from tests.journeys.company import Company, corner, moment
from tests.journeys.couriers import photo


async def test_work_done_without_network_arrives_once_with_the_times_of_the_act(
    company: Company,
) -> None:
    desk = company.desk
    courier = await company.hire("Nora")
    bookings = [await company.take_order(corner(x, 1), name=f"C{x}") for x in (1, 2, 3, 4)]
    await company.assign(*bookings)

    courier.phone.lose_network()
    set_off_at, done_at = company.now, {}
    for booking in bookings:
        courier.set_off(booking)
        await company.later(minutes=10)
        courier.arrive(booking)
        await company.later(minutes=2)
        evidence = Evidence(recipient_name="Ada", photos=(photo(booking.waybill),))
        courier.deliver(booking, evidence)
        done_at[booking.waybill] = company.now
        await company.later(minutes=8)
    courier.phone.driver.collect_return([HandedOverParcel(description="a lamp")])
    assert (courier.to_do, len(courier.phone.driver.view().on_its_way)) == ([], 13)
    assert [(await desk.order(booking))["state"] for booking in bookings] == ["in_fulfilment"] * 4

    back_at = await company.later(hours=1)
    courier.phone.regain_network()
    await company.settle()

    assert courier.phone.driver.view().needs_attention == ()
    assert await desk.raised() == []
    for booking in bookings:
        found = await desk.consignment(booking)
        (proof,) = found["proofs"]
        assert moment(proof["occurred_at"]) == done_at[booking.waybill]
        assert moment(proof["received_at"]) == back_at
        assert [file["kind"] for file in proof["files"]] == ["photo"]
        told = [entry for entry in found["story"] if not entry["conflicting"]]
        assert (told[0]["state"], told[-1]["state"]) == ("announced", "delivered")
        assert moment(told[-1]["occurred_at"]) == done_at[booking.waybill]
        out = next(entry for entry in told if entry["state"] == "out_for_delivery")
        assert moment(out["occurred_at"]) == set_off_at
        assert await company.milestones(booking) == [
            "Announced to us",
            "Out for delivery",
            "Delivered",
        ]
        (task,) = await desk.tasks(booking)
        assert moment(task["finished_at"]) == done_at[booking.waybill]
        assert (await desk.order(booking))["state"] == "delivered"
    (returned,) = (await desk.get("/api/returns"))["items"]
    assert (returned["state"], returned["announced"]) == ("collected", False)


async def test_phone_whose_clock_is_wrong_tells_the_right_times_all_the_same(
    company: Company,
) -> None:
    courier = await company.hire("Nora")
    booking = await company.take_order(corner(1, 1))
    await company.assign(booking)
    courier.phone.wrong_by = timedelta(hours=3)
    courier.phone.lose_network()
    courier.deliver(booking)
    done_at = company.now
    await company.later(minutes=45)
    courier.phone.regain_network()
    await company.settle()
    (proof,) = await company.desk.proofs(booking)
    assert abs(moment(proof["occurred_at"]) - done_at) < timedelta(seconds=1)
