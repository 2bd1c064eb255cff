"""Scanning parcels in and out."""

from server.consignments import service as consignments
from server.consignments.service import ConsignmentView
from server.protocol.from_driver import CompleteTask, ScanParcels, StartTasks

from .conftest import Town, corner


def load(town: Town, *barcodes: str) -> ScanParcels:
    return ScanParcels(barcodes=barcodes, purpose="load", occurred_at=town.now)


async def test_a_scanned_parcel_is_loaded(town: Town) -> None:
    driver = await town.add_driver()
    consignment, _ = await town.assign(corner(1, 1))
    await town.does(driver, load(town, consignment.parcels[0].barcode))
    goods = await town.goods(consignment)
    assert (goods.state, goods.parcels[0].holder_id) == ("loaded", driver)
    assert await town.raised() == []


async def test_parcels_left_unscanned_among_scanned_ones_are_told_of(town: Town) -> None:
    driver = await town.add_driver()
    first, task_id = await town.assign(corner(1, 1))
    second, _ = await town.assign(corner(2, 1))
    await town.does(driver, load(town, first.parcels[0].barcode))
    await town.start(driver, task_id)
    assert (await town.goods(second)).state == "out_for_delivery"
    (told,) = await town.exceptions()
    assert told.kind == "loaded_without_scan"
    assert told.details == {"barcodes": [second.parcels[0].barcode]}


async def test_unknown_and_foreign_parcels_are_told_of_and_the_rest_counts(town: Town) -> None:
    driver = await town.add_driver()
    mine, _ = await town.assign(corner(1, 1))
    other = await town.book(corner(2, 2))
    await town.does(driver, load(town, mine.parcels[0].barcode, other.parcels[0].barcode, "HM-123"))
    assert (await town.goods(mine)).state == "loaded"
    assert await town.raised() == ["loaded_without_task", "unknown_barcode"]


async def test_what_is_brought_back_undone_goes_to_the_pool_again(town: Town) -> None:
    driver = await town.add_driver()
    _, task_id = await town.assign(corner(1, 1))
    second, second_id = await town.assign(corner(2, 1))
    await town.start(driver, task_id)
    scan = ScanParcels(
        barcodes=(second.parcels[0].barcode,), purpose="unload", occurred_at=town.later(hours=1)
    )
    await town.does(driver, scan)
    assert (await town.task(second)).state == "unassigned"
    assert second_id not in await town.shown(driver)
    assert (await town.insert(second)).driver_id == driver


async def test_unloading_before_leaving_only_undoes_the_loading(town: Town) -> None:
    driver = await town.add_driver()
    consignment, _ = await town.assign(corner(1, 1))
    barcode = consignment.parcels[0].barcode
    await town.does(driver, load(town, barcode))
    await town.does(
        driver,
        ScanParcels(barcodes=(barcode,), purpose="unload", occurred_at=town.later(minutes=1)),
    )
    assert (await town.goods(consignment)).state == "at_depot"
    assert (await town.task(consignment)).state == "assigned"


async def told(town: Town, consignment: ConsignmentView) -> list[str]:
    """Its story without what does not fit."""
    async with town.db.transaction() as session:
        story = await consignments.story(session, consignment.id)
    return [entry.state for entry in story if not entry.conflicting]


async def test_loading_heard_of_after_the_delivery_was_by_the_right_driver(town: Town) -> None:
    driver = await town.add_driver()
    consignment, task_id = await town.assign(corner(1, 1))
    scan = load(town, consignment.parcels[0].barcode)
    town.later(minutes=20)
    await town.complete(driver, task_id)
    await town.does(driver, scan)
    assert await town.raised() == []


async def test_scan_heard_of_after_setting_off_settles_that_it_was_missing(town: Town) -> None:
    driver = await town.add_driver()
    first, task_id = await town.assign(corner(1, 1))
    second, _ = await town.assign(corner(2, 1))
    scans = [load(town, each.parcels[0].barcode) for each in (first, second)]
    town.later(minutes=5)
    await town.does(driver, scans[0])
    await town.start(driver, task_id)
    assert await town.raised() == ["loaded_without_scan"]
    await town.does(driver, scans[1])
    assert await town.raised() == []


async def test_run_has_started_with_the_earliest_set_off_whatever_is_heard_first(
    town: Town,
) -> None:
    driver = await town.add_driver()
    (first, first_id), (second, second_id) = [await town.assign(corner(x, 1)) for x in (1, 2)]
    set_off = StartTasks(task_ids=(first_id,), occurred_at=town.now)
    done = CompleteTask(
        task_id=first_id,
        outcome_code="delivered_to_consignee",
        occurred_at=town.later(minutes=10),
    )
    town.later(minutes=10)
    await town.start(driver, second_id)
    await town.does(driver, set_off)
    await town.does(driver, done)
    assert await told(town, first) == ["announced", "out_for_delivery", "delivered"]
    assert (await told(town, second))[:2] == ["announced", "out_for_delivery"]
    assert (await town.goods(second)).state == "out_for_delivery"
    assert await town.raised() == []
