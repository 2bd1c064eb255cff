"""What can be otherwise at a door: a refused parcel, cash, a wrong PIN, nobody at home."""

from driver_app.core.driver import Evidence
from server.protocol.codec import encode_part
from server.protocol.from_driver import ParcelOutcome
from tests.journeys.company import Company, corner
from tests.journeys.couriers import Booking, Courier, photo


async def be_at_the_door(company: Company, **details: object) -> tuple[Courier, Booking]:
    courier = await company.hire("Nora")
    booking = await company.take_order(corner(2, 0), name="Ada", **details)
    await company.assign(booking)
    courier.set_off(booking)
    await company.later(minutes=5)
    courier.arrive(booking)
    await company.settle()
    return courier, booking


async def the_exception(company: Company) -> dict[str, object]:
    (raised,) = (await company.desk.get("/api/exceptions"))["items"]
    return dict(raised)


async def test_two_of_three_parcels_are_taken_and_the_third_comes_back_to_the_depot(
    company: Company,
) -> None:
    courier, booking = await be_at_the_door(company, parcels=[{"weight_g": 500}] * 3)
    refused = booking.barcodes[1]
    courier.deliver(booking, parcels=[ParcelOutcome(barcode=refused, outcome="refused")])
    await company.settle()

    found = (await company.desk.consignment(booking))["consignment"]
    assert [parcel["state"] for parcel in found["parcels"]] == ["delivered", "refused", "delivered"]
    assert [parcel["holder_id"] for parcel in found["parcels"]] == [None, courier.driver_id, None]
    assert found["state"] == "delivered"
    assert (await company.desk.order(booking))["state"] == "delivered"
    raised = await the_exception(company)
    assert (raised["kind"], raised["details"]) == ("partly_done", {"parcels": {refused: "refused"}})

    courier.phone.driver.scan([refused], "unload")
    await company.settle()
    found = (await company.desk.consignment(booking))["consignment"]
    states = {parcel["barcode"]: parcel["state"] for parcel in found["parcels"]}
    assert states[refused] == "returning", "what was refused goes back to its sender"
    assert len(await company.desk.proofs(booking)) == 1


async def test_cash_is_asked_for_and_what_differs_is_put_before_a_person(
    company: Company,
) -> None:
    courier, booking = await be_at_the_door(company, cash_minor=4250, currency="EUR")
    task = courier.task(booking).task
    assert (task.cash_minor, task.currency) == (4250, "EUR")
    courier.deliver(booking, cash_minor=4000)
    await company.settle()
    assert (await company.desk.order(booking))["state"] == "delivered"
    raised = await the_exception(company)
    assert raised["kind"] == "cash_differs"
    assert raised["details"] == {"due_minor": 4250, "taken_minor": 4000, "currency": "EUR"}


async def test_right_cash_and_right_pin_need_nobody(company: Company) -> None:
    courier, booking = await be_at_the_door(
        company, cash_minor=4250, currency="EUR", pin="2468", proof={"pin": "required"}
    )
    manifest = courier.phone.store.get_manifest()
    assert manifest is not None and "2468" not in encode_part(manifest), "the consignee knows it"
    courier.deliver(booking, Evidence(pin="2468"), cash_minor=4250)
    await company.settle()
    (proof,) = await company.desk.proofs(booking)
    assert proof["pin_matched"] is True
    assert await company.desk.raised() == []


async def test_delivery_in_spite_of_a_wrong_pin_is_kept_and_flagged(company: Company) -> None:
    courier, booking = await be_at_the_door(company, pin="2468", proof={"pin": "required"})
    courier.deliver(booking, Evidence(pin="1111"))
    await company.settle()
    (proof,) = await company.desk.proofs(booking)
    assert proof["pin_matched"] is False
    assert "1111" not in str(proof), "what was typed is not kept"
    assert await company.desk.raised() == ["wrong_pin"]


async def test_parcel_withheld_for_a_wrong_pin_is_tried_again_the_next_day(
    company: Company,
) -> None:
    courier, booking = await be_at_the_door(company, pin="2468", proof={"pin": "required"})
    evidence = Evidence(pin="1111", photos=(photo("the closed door"),))
    courier.phone.driver.fail(courier.task(booking).task.id, "wrong_pin", evidence)
    await company.later(hours=4)
    (task,) = await company.desk.tasks(booking)
    assert (task["state"], task["outcome_code"]) == ("failed", "wrong_pin")
    courier.phone.driver.scan(booking.barcodes, "unload")
    await company.settle()

    _, again = await company.desk.tasks(booking)
    assert (again["state"], again["attempt"]) == ("unassigned", 2)
    (proof,) = await company.desk.proofs(booking)
    assert (proof["kind"], proof["pin_matched"]) == ("POA", False)
    states = [entry["state"] for entry in await company.desk.story(booking)]
    assert states == ["announced", "loaded", "out_for_delivery", "attempted", "at_depot"]
    page = await (await company.open_browser()).get(await company.open_link(booking))
    assert "Your parcel is at our depot" in page.text and "1111" not in page.text
    assert await company.desk.raised() == []
