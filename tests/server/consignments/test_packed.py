"""Packed parcels take the place of those that were announced."""

import pytest

from server.consignments import service
from server.consignments.service import (
    ConsignmentClosed,
    NewParcel,
    NoParcels,
    ParcelsHaveLeft,
    UnknownParcels,
)
from server.kit.db import Database
from server.kit.ids import new_id
from tests.server.consignments.conftest import MakeConsignment, Report

BOX = NewParcel(description="2 x TEA", weight_g=700, length_mm=100, width_mm=100, height_mm=100)


async def test_a_packed_parcel_keeps_the_label_of_the_one_that_was_expected(
    db: Database, make_consignment: MakeConsignment
) -> None:
    async with db.transaction() as session:
        made = await make_consignment(session, parcels=2)
        expected = [each.id for each in made.parcels]
        ids = await service.replace_parcels(
            session, made.id, expected=expected, packed=[BOX], by="test"
        )
        now = await service.get_consignment(session, made.id)
        unknown = await service.find_parcels(session, [made.parcels[1].barcode])
    assert list(ids) == [each.id for each in now.parcels] == expected[:1]
    assert (now.parcels[0].barcode, now.parcels[0].weight_g) == (made.parcels[0].barcode, 700)
    assert unknown == {}


async def test_further_parcels_have_labels_of_their_own(
    db: Database, make_consignment: MakeConsignment
) -> None:
    async with db.transaction() as session:
        made = await make_consignment(session)
        await service.replace_parcels(session, made.id, expected=(), packed=[BOX, BOX], by="test")
        now = await service.get_consignment(session, made.id)
        story = await service.story(session, made.id)
    assert [each.barcode[-3:] for each in now.parcels] == ["001", "002", "003"]
    assert {each.barcode for each in now.parcels} == {
        barcode for entry in story for barcode in entry.barcodes
    }


async def test_a_withdrawn_parcel_no_longer_holds_its_consignment_back(
    db: Database, make_consignment: MakeConsignment, report: Report
) -> None:
    async with db.transaction() as session:
        made = await make_consignment(session, parcels=2)
        last = [made.parcels[1].id]
        await report(session, made, "delivered", parcels=[0])
        await service.replace_parcels(session, made.id, expected=last, packed=(), by="test")
        now = await service.get_consignment(session, made.id)
    assert (now.state, len(now.parcels)) == ("delivered", 1)


async def test_nothing_is_added_once_a_parcel_has_left(
    db: Database, make_consignment: MakeConsignment, report: Report
) -> None:
    async with db.transaction() as session:
        made = await make_consignment(session, parcels=2)
        await report(session, made, "loaded", parcels=[0])
        for expected, packed in [((1,), [BOX]), ((0,), [])]:
            ids = [made.parcels[number].id for number in expected]
            with pytest.raises(ParcelsHaveLeft):
                await service.replace_parcels(
                    session, made.id, expected=ids, packed=packed, by="test"
                )


async def test_what_is_not_there_cannot_be_replaced(
    db: Database, make_consignment: MakeConsignment
) -> None:
    async with db.transaction() as session:
        made = await make_consignment(session)
        with pytest.raises(UnknownParcels):
            await service.replace_parcels(
                session, made.id, expected=[new_id()], packed=[BOX], by="test"
            )
    with pytest.raises(NoParcels):
        async with db.transaction() as session:
            ids = [each.id for each in made.parcels]
            await service.replace_parcels(session, made.id, expected=ids, packed=(), by="test")
    async with db.transaction() as session:
        await service.cancel_consignment(session, made.id, by="test", reason="no")
        with pytest.raises(ConsignmentClosed):
            await service.replace_parcels(session, made.id, expected=(), packed=[BOX], by="test")
