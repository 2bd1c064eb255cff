"""Done, failed, in part, twice, by the wrong driver: what happens at the door."""

import pytest

from server.consignments import service as consignments
from server.dispatch import service as dispatch
from server.protocol.from_driver import BlobRef, ParcelOutcome, Proof, ScanParcels, SetShift
from server.protocol.to_driver import ProofDemand

from .conftest import Town, corner

PHOTO = BlobRef(sha256="a" * 64, size_bytes=10, content_type="image/jpeg")


async def take_away(town: Town, driver: object) -> None:
    """Another driver takes over everything that this one has."""
    async with town.db.transaction() as session:
        (run,) = await dispatch.list_runs(session, driver_id=driver)  # type: ignore[arg-type]
        await dispatch.reassign_run(session, run.id, roads=town.roads, by="test")


async def test_proof_custody_and_cash_of_a_delivery_are_kept(town: Town) -> None:
    driver = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1), cash_minor=1250, currency="CHF")
    await town.complete(
        driver, task_id, cash_minor=1250, proof=Proof(photos=(PHOTO,), recipient_name="Ada")
    )
    async with town.db.transaction() as session:
        (proof,) = await consignments.proofs_of(session, consignment.id)
        story = await consignments.story(session, consignment.id)
    assert (proof.kind, proof.recipient_name, proof.files[0].sha256) == ("POD", "Ada", "a" * 64)
    assert [entry.state for entry in story] == [
        "announced",
        "loaded",
        "out_for_delivery",
        "delivered",
    ]
    assert story[-1].proof_id == proof.id
    assert await town.raised() == []


@pytest.mark.parametrize(
    ("booked", "reported", "raised"),
    [
        ({"proof": ProofDemand(signature="required")}, {}, ["proof_missing"]),
        ({"proof": ProofDemand(photo="required")}, {"proof": Proof(photos=(PHOTO,))}, []),
        ({"proof": ProofDemand(photo="warned")}, {}, []),
        ({"proof": ProofDemand(age_check="required")}, {"proof": Proof()}, ["proof_missing"]),
        ({"proof": ProofDemand(pin="required"), "pin": "4711"}, {}, ["proof_missing"]),
        ({"pin": "4711"}, {"proof": Proof(pin="1234")}, ["wrong_pin"]),
        ({"pin": "4711"}, {"proof": Proof(pin="4711")}, []),
        ({"cash_minor": 900, "currency": "CHF"}, {"cash_minor": 800}, ["cash_differs"]),
        ({}, {"cash_minor": 100}, ["cash_differs"]),
        ({}, {"cash_minor": 10**30}, ["cash_differs"]),
        ({}, {"outcome_code": "beamed_up"}, ["unknown_outcome"]),
    ],
)
async def test_what_is_wrong_at_the_door_is_kept_and_put_before_a_person(
    town: Town, booked: dict[str, object], reported: dict[str, object], raised: list[str]
) -> None:
    driver = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1), **booked)
    await town.complete(driver, task_id, **reported)
    assert (await town.task(consignment)).state == "completed"
    assert (await town.goods(consignment)).state == "delivered"
    assert await town.raised() == raised


async def test_each_parcel_may_have_its_own_outcome(town: Town) -> None:
    driver = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1), parcels=3)
    first, second, third = (parcel.barcode for parcel in consignment.parcels)
    await town.complete(
        driver,
        task_id,
        parcels=(
            ParcelOutcome(barcode=second, outcome="refused"),
            ParcelOutcome(barcode=third, outcome="missing"),
        ),
    )
    states = {parcel.barcode: parcel.state for parcel in (await town.goods(consignment)).parcels}
    assert states == {first: "delivered", second: "refused", third: "lost"}
    assert await town.raised() == ["partly_done"]


async def test_a_second_report_of_the_same_delivery_keeps_its_proof(town: Town) -> None:
    driver = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    await town.complete(driver, task_id)
    first = await town.task(consignment)
    town.later(minutes=5)
    await town.complete(driver, task_id, outcome_code="safe_place")
    assert await town.task(consignment) == first
    assert await town.proofs(consignment) == 2
    assert await town.raised() == ["done_twice"]


async def test_a_failed_delivery_is_tried_again_another_day_once_it_is_back(town: Town) -> None:
    driver = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    await town.fail(driver, task_id)
    assert (await town.goods(consignment)).state == "attempted"
    assert len(await town.tasks(consignment)) == 1
    barcodes = (consignment.parcels[0].barcode,)
    await town.does(
        driver, ScanParcels(barcodes=barcodes, purpose="unload", occurred_at=town.later(hours=1))
    )
    failed, again = await town.tasks(consignment)
    assert (failed.state, failed.outcome_code) == ("failed", "not_home")
    assert (again.state, again.attempt) == ("unassigned", 2)
    assert again.window_start_at is not None
    assert again.window_start_at.date() > town.now.date() or again.window_start_at > town.now
    assert (await town.goods(consignment)).state == "at_depot"


async def try_until_the_end(town: Town, outcome_code: str) -> list[int]:
    """The numbers of the attempts at one delivery, until no other one follows."""
    driver = await town.add_driver(hours=20)
    consignment, task_id = await town.assign(corner(1, 1))
    while True:
        await town.fail(driver, task_id, outcome_code)
        barcodes = (consignment.parcels[0].barcode,)
        await town.does(
            driver, ScanParcels(barcodes=barcodes, purpose="unload", occurred_at=town.now)
        )
        newest = await town.task(consignment)
        if newest.state != "unassigned":
            return [task.attempt for task in await town.tasks(consignment)]
        town.now += (newest.window_start_at or town.now) - town.now
        town.later(hours=8)
        driver = await town.add_driver(starts_at=town.now)
        await town.insert(consignment)
        task_id = str(newest.id)


async def test_after_the_agreed_attempts_it_is_not_tried_again(town: Town) -> None:
    assert await try_until_the_end(town, "not_home") == [1, 2]
    assert await town.raised() == [], "it goes back to its sender by itself"


async def test_after_three_days_without_time_for_it_a_person_decides(town: Town) -> None:
    assert await try_until_the_end(town, "out_of_time") == [1, 2, 3]
    assert await town.raised() == ["attempts_exhausted"], "nobody stood at the door in vain"


async def test_a_refused_delivery_waits_for_a_decision(town: Town) -> None:
    driver = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    await town.fail(driver, task_id, "refused")
    assert (await town.goods(consignment)).state == "refused"
    assert await town.raised() == ["not_delivered"]
    async with town.db.transaction() as session:
        again = await dispatch.repeat_task(
            session, (await town.task(consignment)).id, day=town.now.date()
        )
    assert (again.state, again.attempt) == ("unassigned", 2)


async def test_a_delivery_done_by_its_former_driver_counts_and_the_new_one_drops_it(
    town: Town,
) -> None:
    first = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    await town.start(first, task_id)
    second = await town.add_driver()
    await take_away(town, first)
    assert task_id in await town.shown(second)
    assert await town.shown(first) == {}
    before = (await town.manifest(second)).version
    await town.complete(first, task_id)
    task = await town.task(consignment)
    assert (task.state, task.finished_by) == ("completed", first)
    assert await town.shown(second) == {}
    assert (await town.manifest(second)).version > before
    assert (await town.goods(consignment)).state == "delivered"
    assert await town.proofs(consignment) == 1
    assert await town.raised() == ["breakdown", "done_by_another_driver"]


async def test_when_both_drivers_report_it_the_first_one_counts(town: Town) -> None:
    first = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    second = await town.add_driver()
    await take_away(town, first)
    await town.complete(second, task_id)
    await town.complete(first, task_id)
    assert (await town.task(consignment)).finished_by == second
    assert await town.proofs(consignment) == 2
    assert await town.raised() == ["breakdown", "done_twice"]


async def test_a_failure_reported_by_the_former_driver_leaves_it_to_the_new_one(
    town: Town,
) -> None:
    first = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    second = await town.add_driver()
    await take_away(town, first)
    await town.fail(first, task_id)
    assert (await town.task(consignment)).state == "assigned"
    assert task_id in await town.shown(second)
    assert await town.raised() == ["breakdown", "failed_by_another_driver"]


async def test_a_cancelled_task_that_was_done_all_the_same_is_put_before_a_person(
    town: Town,
) -> None:
    driver = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    async with town.db.transaction() as session:
        await consignments.cancel_consignment(session, consignment.id, by="test", reason="")
    await town.start(driver)
    assert (await town.task(consignment)).state == "cancelled"
    assert await town.shown(driver) == {}
    await town.complete(driver, task_id)
    assert (await town.task(consignment)).state == "cancelled"
    assert await town.proofs(consignment) == 1
    assert await town.raised() == ["done_though_cancelled"]


async def test_a_booking_is_collected_and_delivered_by_the_same_driver(town: Town) -> None:
    driver = await town.add_driver()
    booking = await town.book(corner(4, 0), pick_up_at=corner(1, 0))
    await town.insert(booking)
    await town.add_driver()
    stops = (await town.manifest(driver)).stops
    assert [task.kind for stop in stops for task in stop.tasks] == ["pickup", "delivery"]
    pickup, delivery = (stop.tasks[0].id for stop in stops)
    await town.start(driver, pickup)
    await town.complete(driver, pickup, outcome_code="collected")
    assert (await town.goods(booking)).state == "collected"
    await town.start(driver, delivery)
    assert (await town.goods(booking)).state == "out_for_delivery"
    await town.complete(driver, delivery)
    assert (await town.goods(booking)).state == "delivered"
    assert await town.raised() == []


async def test_a_failed_pickup_cancels_its_delivery(town: Town) -> None:
    driver = await town.add_driver()
    booking = await town.book(corner(4, 0), pick_up_at=corner(1, 0))
    await town.insert(booking)
    await town.fail(driver, await town.task_id(booking, "pickup"), "not_ready")
    assert (await town.task(booking)).state == "cancelled"
    assert [task.state for task in (await town.shown(driver)).values()] == ["failed"]
    assert await town.raised() == ["pickup_failed"]
    async with town.db.transaction() as session:
        pickup = (await town.task(booking, "pickup")).id
        await dispatch.repeat_task(session, pickup, day=town.now.date())
    assert (await town.task(booking)).state == "unassigned"
    assert (await town.task(booking, "pickup")).attempt == 2


async def test_a_return_is_collected_and_brought_to_the_depot(town: Town) -> None:
    driver = await town.add_driver()
    goods = await town.book(corner(2, 2), kind="return")
    await town.insert(goods)
    task_id = await town.task_id(goods, "return_pickup")
    await town.complete(driver, task_id, outcome_code="collected")
    assert (await town.goods(goods)).state == "collected"
    await town.does(driver, SetShift(change="end", occurred_at=town.later(hours=1)))
    assert await town.raised() == ["not_unloaded"]
    scan = ScanParcels(barcodes=(goods.parcels[0].barcode,), purpose="unload", occurred_at=town.now)
    await town.does(driver, scan)
    assert (await town.goods(goods)).state == "at_depot"
    assert await town.raised() == []


async def test_a_return_that_was_not_ready_is_tried_again(town: Town) -> None:
    driver = await town.add_driver()
    goods = await town.book(corner(2, 2), kind="return")
    await town.insert(goods)
    await town.fail(driver, await town.task_id(goods, "return_pickup"), "not_home")
    failed, again = await town.tasks(goods, "return_pickup")
    assert (failed.state, again.state, again.attempt) == ("failed", "unassigned", 2)
    assert await town.raised() == []
