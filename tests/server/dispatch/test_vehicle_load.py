"""Scanning parcels in and out."""

from server.protocol.from_driver import ScanParcels

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
