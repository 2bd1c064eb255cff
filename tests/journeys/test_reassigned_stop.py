"""A stop goes to another driver while the one who had it cannot be told."""

from driver_app.core.driver import Evidence
from tests.journeys.company import Company, corner
from tests.journeys.couriers import Booking, Courier, photo


async def hand_over_behind_the_back(company: Company) -> tuple[Courier, Courier, Booking]:
    """Nora has no network when a new plan gives one of her stops to Rita."""
    nora = await company.hire("Nora")
    await company.take_order(corner(2, 0), name="Kept")
    moved = await company.take_order(corner(-2, 0), name="Moved")
    await company.publish(await company.plan())
    assert len(nora.to_do) == 2
    rita = await company.hire("Rita")
    nora.phone.lose_network()
    plan = await company.plan()
    await company.publish(await company.move(plan, moved, rita))
    assert moved.waybill in rita.to_do
    assert moved.waybill in nora.to_do, "nobody could tell her"
    return nora, rita, moved


async def test_delivery_by_the_former_driver_is_kept_flagged_and_taken_off_the_other_phone(
    company: Company,
) -> None:
    nora, rita, moved = await hand_over_behind_the_back(company)
    nora.set_off(moved)
    await company.later(minutes=15)
    nora.deliver(moved, Evidence(recipient_name="Ada", photos=(photo("the door"),)))
    await company.later(minutes=30)
    assert await company.desk.proofs(moved) == []

    nora.phone.regain_network()
    await company.settle()

    (proof,) = await company.desk.proofs(moved)
    assert (proof["driver_id"], len(proof["files"])) == (nora.driver_id, 1)
    (task,) = await company.desk.tasks(moved)
    assert (task["state"], task["finished_by"]) == ("completed", nora.driver_id)
    assert (await company.desk.order(moved))["state"] == "delivered"
    raised = {each["kind"]: each for each in (await company.desk.get("/api/exceptions"))["items"]}
    told = raised["done_by_another_driver"]
    assert told["driver_id"] == nora.driver_id
    assert told["details"]["taken_from"] == rita.driver_id
    assert rita.find(moved) is None
    assert nora.phone.driver.view().needs_attention == ()


async def test_when_both_were_at_the_door_both_proofs_are_kept_and_it_counts_once(
    company: Company,
) -> None:
    nora, rita, moved = await hand_over_behind_the_back(company)
    nora.deliver(moved)
    await company.later(minutes=5)
    rita.set_off(moved)
    rita.deliver(moved)
    await company.settle()
    assert (await company.desk.order(moved))["state"] == "delivered"

    nora.phone.regain_network()
    await company.settle()

    proofs = await company.desk.proofs(moved)
    assert [proof["driver_id"] for proof in proofs] == [nora.driver_id, rita.driver_id]
    assert "done_twice" in await company.desk.raised()
    (task,) = await company.desk.tasks(moved)
    assert task["finished_by"] == rita.driver_id
    delivered = [e for e in await company.desk.story(moved) if e["state"] == "delivered"]
    assert [entry["driver_id"] for entry in delivered] == [None]
