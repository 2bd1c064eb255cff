"""What a driver's phone gets."""

from sqlalchemy import select

from server.consignments import service as consignments
from server.consignments.service import ConsignmentChanges, Party
from server.dispatch import service as dispatch
from server.dispatch.events import ManifestChanged
from server.kit.outbox import OutboxEvent
from server.kit.relay import relay_pending
from server.protocol import codec
from server.protocol.from_driver import DeclineTask
from server.protocol.to_driver import Manifest

from .conftest import MORNING, Town, corner


async def test_a_driver_without_a_run_has_an_empty_manifest(town: Town) -> None:
    driver = await town.add_driver()
    assert await town.manifest(driver) == Manifest(version=0, run_id=None, driver_name="Driver 1")


async def test_it_says_all_that_the_driver_needs(town: Town) -> None:
    driver = await town.add_driver()
    consignment, task_id = await town.assign(
        corner(1, 1), cash_minor=700, currency="CHF", instructions="Ring twice.", parcels=2
    )
    manifest = await town.manifest(driver)
    (stop,) = manifest.stops
    (task,) = stop.tasks
    assert (manifest.vehicle_label, manifest.profile) == ("Van 1", "car")
    assert manifest.depot is not None
    assert manifest.starts_at is not None
    assert manifest.starts_at >= MORNING
    assert (task.id, task.kind, task.state, task.waybill) == (
        task_id,
        "delivery",
        "assigned",
        consignment.waybill,
    )
    assert (task.cash_minor, task.currency) == (700, "CHF")
    assert (task.contact_name, task.contact_phone) == ("Ada", "+423 1")
    assert task.instructions == "Ring twice."
    assert [parcel.barcode for parcel in task.parcels] == [
        parcel.barcode for parcel in consignment.parcels
    ]
    text = codec.encode_part(manifest)
    assert codec.decode_part(Manifest, text) == manifest


async def test_a_phone_number_is_shown_only_until_the_task_is_over(town: Town) -> None:
    driver = await town.add_driver()
    _, task_id = await town.assign(corner(1, 1))
    await town.complete(driver, task_id)
    version = (await town.manifest(driver)).version
    task = (await town.shown(driver))[task_id]
    assert (task.state, task.contact_phone) == ("completed", "")
    await town.assign(corner(2, 2))
    assert (await town.manifest(driver)).version == version + 1
    task = (await town.shown(driver))[task_id]
    assert (task.state, task.contact_phone) == ("completed", "")


async def test_each_change_by_somebody_else_is_a_new_whole_version(town: Town) -> None:
    driver = await town.add_driver()
    _, first_id = await town.assign(corner(1, 1))
    _, second_id = await town.assign(corner(2, 2))
    manifest = await town.manifest(driver)
    assert manifest.version == 2
    assert {task.id for stop in manifest.stops for task in stop.tasks} == {first_id, second_id}
    async with town.db.transaction() as session:
        told = await session.scalars(
            select(OutboxEvent.body).where(OutboxEvent.name == ManifestChanged.event_name)
        )
        assert [body["version"] for body in told] == [1, 2]


async def test_a_version_waits_until_the_phone_has_stored_it(town: Town) -> None:
    driver, other = await town.add_driver(), await town.add_driver()
    async with town.db.transaction() as session:
        assert await dispatch.unacknowledged_manifests(session, [driver, other]) == {}
    consignment = await town.book(corner(1, 1))
    told = await town.insert(consignment)
    await town.insert(await town.book(corner(1, 2)))
    async with town.db.transaction() as session:
        assert await dispatch.unacknowledged_manifests(session, [driver, other]) == {
            told.driver_id: 2
        }
        await dispatch.acknowledge_manifest(session, told.driver_id, 1)
        assert await dispatch.unacknowledged_manifests(session, [told.driver_id]) == {
            told.driver_id: 2
        }
        await dispatch.acknowledge_manifest(session, told.driver_id, 2)
        assert await dispatch.unacknowledged_manifests(session, [told.driver_id]) == {}


async def test_a_cancelled_consignment_leaves_the_phone(town: Town) -> None:
    driver = await town.add_driver()
    consignment, _ = await town.assign(corner(1, 1))
    kept, kept_id = await town.assign(corner(2, 2))
    async with town.db.transaction() as session:
        await consignments.cancel_consignment(session, consignment.id, by="test", reason="")
    await relay_pending(town.db)
    assert list(await town.shown(driver)) == [kept_id]
    assert (await town.task(kept)).state == "assigned"
    async with town.db.transaction() as session:
        (run,) = await dispatch.list_runs(session)
    assert len(run.stops) == 1


async def test_an_amended_instruction_reaches_the_phone(town: Town) -> None:
    driver = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    async with town.db.transaction() as session:
        await consignments.amend_consignment(
            session,
            consignment.id,
            ConsignmentChanges(instructions="Beware of the dog."),
            by="test",
        )
    await relay_pending(town.db)
    assert (await town.shown(driver))[task_id].instructions == "Beware of the dog."
    assert await town.raised() == []


async def test_another_address_takes_the_work_out_of_the_run(town: Town) -> None:
    driver = await town.add_driver()
    booking = await town.book(corner(4, 0), pick_up_at=corner(2, 0))
    await town.insert(booking)
    place_id = await town.place_at(corner(7, 7))
    async with town.db.transaction() as session:
        await consignments.amend_consignment(
            session,
            booking.id,
            ConsignmentChanges(consignee=Party(name="Ada", place_id=place_id)),
            by="test",
        )
    await relay_pending(town.db)
    assert await town.shown(driver) == {}
    assert await town.raised() == ["taken_from_run", "taken_from_run"]
    await town.insert(booking)
    assert (await town.task(booking)).place_id == place_id


async def test_another_address_while_the_pickup_is_under_way_stays_with_the_driver(
    town: Town,
) -> None:
    driver = await town.add_driver()
    booking = await town.book(corner(4, 0), pick_up_at=corner(2, 0))
    await town.insert(booking)
    await town.start(driver, await town.task_id(booking, "pickup"))
    place_id = await town.place_at(corner(7, 7))
    async with town.db.transaction() as session:
        await consignments.amend_consignment(
            session,
            booking.id,
            ConsignmentChanges(consignee=Party(name="Ada", place_id=place_id)),
            by="test",
        )
    await relay_pending(town.db)
    assert (await town.task(booking)).state == "unassigned"
    helper = await town.add_driver()
    told = await town.insert(booking)
    assert told.driver_id == driver
    assert await town.shown(helper) == {}
    assert [task.kind for task in (await town.shown(driver)).values()] == ["pickup", "delivery"]


async def test_declining_a_pickup_takes_its_delivery_along(town: Town) -> None:
    driver = await town.add_driver()
    booking = await town.book(corner(4, 0), pick_up_at=corner(2, 0))
    await town.insert(booking)
    task_id = await town.task_id(booking, "pickup")
    await town.does(driver, DeclineTask(task_id=task_id, reason="no", occurred_at=town.now))
    assert await town.shown(driver) == {}
    assert (await town.task(booking)).state == "unassigned"
