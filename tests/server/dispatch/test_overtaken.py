"""A scan at the depot that was heard of before the return that it belongs to."""

from datetime import datetime
from uuid import UUID

from server.consignments import service as consignments
from server.consignments.service import ConsignmentView
from server.kit.ids import new_id
from server.kit.relay import relay_pending
from server.protocol.from_driver import CollectReturn, HandedOverParcel, ScanParcels
from server.returns import service as returns

from .conftest import Town, corner


async def unload(town: Town, driver_id: UUID, *barcodes: str) -> None:
    scan = ScanParcels(barcodes=barcodes, purpose="unload", occurred_at=town.now)
    await town.does(driver_id, scan)


async def collect(town: Town, driver_id: UUID, *labels: str, at: datetime) -> ConsignmentView:
    """The news comes now that the driver was given these goods then."""
    parcels = tuple(HandedOverParcel(barcode=label) for label in labels)
    async with town.db.transaction() as session:
        made = await returns.collect_unannounced(
            session,
            driver_id=driver_id,
            command=CollectReturn(occurred_at=at, parcels=parcels),
            occurred_at=at,
            received_at=town.now,
            source_id=str(new_id()),
        )
        assert made.consignment_id is not None
        goods = await consignments.get_consignment(session, made.consignment_id)
    await relay_pending(town.db)
    return await town.goods(goods)


async def test_an_unload_scan_that_overtook_its_return_settles_itself(town: Town) -> None:
    driver = await town.add_driver()
    collected_at = town.now
    town.later(hours=2)
    await unload(town, driver, "SHOP-1", "SHOP-2")
    assert await town.raised() == ["unknown_barcode"]
    scanned_at = town.now
    town.later(minutes=5)
    goods = await collect(town, driver, "SHOP-1", "SHOP-2", at=collected_at)
    assert await town.raised() == []
    assert {(each.state, each.holder_id) for each in goods.parcels} == {("at_depot", None)}
    async with town.db.transaction() as session:
        story = await consignments.story(session, goods.id)
    assert [(each.state, each.occurred_at) for each in story] == [
        ("collected", collected_at),
        ("at_depot", scanned_at),
    ]


async def test_only_what_came_with_the_return_is_settled(town: Town) -> None:
    driver = await town.add_driver()
    collected_at = town.now
    town.later(hours=2)
    await unload(town, driver, "SHOP-1", "HM-1")
    await collect(town, driver, "SHOP-1", at=collected_at)
    (told,) = await town.exceptions()
    assert told.details == {"barcodes": ["HM-1"]}


async def test_a_scan_before_the_goods_were_taken_back_is_of_something_else(town: Town) -> None:
    driver = await town.add_driver()
    await unload(town, driver, "SHOP-1")
    town.later(hours=2)
    goods = await collect(town, driver, "SHOP-1", at=town.now)
    assert goods.state == "collected"
    assert await town.raised() == ["unknown_barcode"]


async def test_another_drivers_scan_does_not_unload_it(town: Town) -> None:
    driver, other = await town.add_driver(), await town.add_driver()
    collected_at = town.now
    town.later(hours=2)
    await unload(town, other, "SHOP-1")
    goods = await collect(town, driver, "SHOP-1", at=collected_at)
    assert goods.state == "collected"
    assert await town.raised() == ["unknown_barcode"]


async def test_the_label_of_a_delivery_of_ours_overtakes_just_as_well(town: Town) -> None:
    driver = await town.add_driver()
    sent, task_id = await town.assign(corner(1, 1))
    await town.complete(driver, task_id)
    label = sent.parcels[0].barcode
    collected_at = town.later(hours=1)
    town.later(hours=2)
    await unload(town, driver, label)
    goods = await collect(town, driver, label, at=collected_at)
    assert goods.state == "at_depot"
    assert (await town.goods(sent)).state == "delivered"
