"""Making, changing and cancelling consignments."""

import asyncio

import pytest
from sqlalchemy import select

from server.consignments import service
from server.consignments.service import (
    BarcodeTaken,
    ConsignmentChanges,
    ConsignmentClosed,
    ConsignmentUnderway,
    NewParcel,
    NoParcels,
    UnknownConsignment,
)
from server.consignments.waybill import is_waybill
from server.kit.db import Database
from server.kit.ids import new_id
from server.kit.outbox import OutboxEvent
from server.protocol.to_driver import ProofDemand


async def events(session) -> list[str]:
    names = await session.scalars(select(OutboxEvent.name).order_by(OutboxEvent.id))
    return [name.removeprefix("consignments.") for name in names]


async def test_consignment_gets_a_waybill_and_its_parcels_barcodes(db, make_consignment):
    async with db.transaction() as session:
        first = await make_consignment(session, parcels=2)
        second = await make_consignment(session)
        assert await events(session) == ["ConsignmentAnnounced"] * 2

    assert is_waybill(first.waybill) and is_waybill(second.waybill)
    assert first.waybill != second.waybill
    assert [parcel.barcode for parcel in first.parcels] == [
        f"{first.waybill}001",
        f"{first.waybill}002",
    ]
    assert first.state == "announced"
    assert {parcel.state for parcel in first.parcels} == {"announced"}


async def test_everything_that_was_booked_is_read_back(db, make_consignment):
    async with db.transaction() as session:
        made = await make_consignment(
            session,
            parcels=1,
            proof=ProofDemand(signature="required", pin="required"),
            pin="47110815",
            skills=("fridge", "two-person"),
            cash_minor=1250,
            currency="CHF",
            instructions="Ring twice",
        )
    async with db.transaction() as session:
        read = await service.get_consignment(session, made.id)
    assert read == made
    assert read.proof == ProofDemand(signature="required", pin="required")
    assert read.skills == ("fridge", "two-person")
    assert read.has_pin
    assert "47110815" not in repr(read)


async def test_volume_counts_a_started_millilitre(db, make_consignment):
    async with db.transaction() as session:
        made = await make_consignment(
            session, parcels=(NewParcel(length_mm=10, width_mm=10, height_mm=11),)
        )
    assert made.parcels[0].volume_ml == 2


async def test_consignment_without_parcels_is_refused(db, make_consignment):
    with pytest.raises(NoParcels):
        async with db.transaction() as session:
            await make_consignment(session, parcels=0)


async def test_barcode_stands_on_one_parcel_only(db, make_consignment):
    async with db.transaction() as session:
        await make_consignment(session, parcels=(NewParcel(barcode="4006381"),))
    for parcels in [
        (NewParcel(barcode="4006381"),),
        (NewParcel(barcode="77"), NewParcel(barcode="77")),
    ]:
        with pytest.raises(BarcodeTaken):
            async with db.transaction() as session:
                await make_consignment(session, parcels=parcels)


async def test_two_consignments_at_once_cannot_take_the_same_barcode(
    own_db: Database, make_consignment
):
    async def book() -> str:
        try:
            async with own_db.transaction() as session:
                await make_consignment(session, parcels=(NewParcel(barcode="4006381"),))
        except BarcodeTaken:
            return "taken"
        return "booked"

    assert sorted(await asyncio.gather(*(book() for _ in range(5)))) == ["booked"] + ["taken"] * 4


async def test_amending_changes_only_what_is_given(db, make_consignment):
    async with db.transaction() as session:
        made = await make_consignment(session, instructions="Ring twice", pin="1")
        amended = await service.amend_consignment(
            session, made.id, ConsignmentChanges(instructions="Knock"), by="test"
        )
        assert amended.instructions == "Knock"
        assert amended.consignee == made.consignee
        assert amended.has_pin
        assert await events(session) == ["ConsignmentAnnounced", "ConsignmentAmended"]


async def test_amending_to_the_same_is_no_news(db, make_consignment):
    async with db.transaction() as session:
        made = await make_consignment(session, skills=("fridge",))
        changes = ConsignmentChanges(skills=("fridge",), consignee=made.consignee, proof=made.proof)
        await service.amend_consignment(session, made.id, changes, by="test")
        assert await events(session) == ["ConsignmentAnnounced"]


async def test_what_is_over_cannot_be_amended(db, make_consignment, report):
    async with db.transaction() as session:
        made = await make_consignment(session)
        await report(session, made, "delivered")
        with pytest.raises(ConsignmentClosed):
            await service.amend_consignment(
                session, made.id, ConsignmentChanges(instructions="?"), by="test"
            )


async def test_cancelling_twice_is_one_cancellation(db, make_consignment):
    async with db.transaction() as session:
        made = await make_consignment(session)
        for _ in range(2):
            await service.cancel_consignment(session, made.id, by="test", reason="not needed")
        assert (await service.get_consignment(session, made.id)).state == "cancelled"
        assert await events(session) == ["ConsignmentAnnounced", "ConsignmentCancelled"]


@pytest.mark.parametrize("state", ["collected", "loaded", "out_for_delivery", "delivered"])
async def test_what_is_on_the_road_cannot_be_cancelled(db, make_consignment, report, state):
    async with db.transaction() as session:
        made = await make_consignment(session, parcels=2)
        await report(session, made, state, parcels=[1])
        with pytest.raises(ConsignmentUnderway):
            await service.cancel_consignment(session, made.id, by="test", reason="late")


async def test_unknown_consignment_is_said_to_be_unknown(db):
    async with db.transaction() as session:
        for use in [
            service.get_consignment(session, new_id()),
            service.story(session, new_id()),
            service.cancel_consignment(session, new_id(), by="test", reason=""),
            service.pin_matches(session, new_id(), "1"),
        ]:
            with pytest.raises(UnknownConsignment):
                await use


async def test_order_is_found_by_its_consignment_but_not_by_its_return(db, make_consignment):
    order_id = new_id()
    async with db.transaction() as session:
        made = await make_consignment(session, order_id=order_id)
        await make_consignment(session, order_id=order_id, kind="return")
        found = await service.consignment_of_order(session, order_id)
        assert found is not None and found.id == made.id
        assert await service.consignment_of_order(session, new_id()) is None


async def test_list_is_paged_newest_first(db, make_consignment):
    async with db.transaction() as session:
        made = [(await make_consignment(session)).id for _ in range(5)]
        first = await service.list_consignments(session, limit=2)
        rest = await service.list_consignments(session, after=first[-1].id)
    assert [each.id for each in (*first, *rest)] == made[::-1]
