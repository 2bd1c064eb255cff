"""Announced returns."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from server.consignments import service as consignments
from server.consignments.service import ConsignmentUnderway, UnknownConsignment
from server.kit.db import Database
from server.kit.errors import IllegalMove
from server.kit.ids import new_id
from server.returns import service
from server.returns.service import (
    NothingToReturn,
    NothingWentOut,
    NotReturnable,
    ReturningParcel,
    UnknownReturn,
    WhichGoods,
)

DAY = datetime(2026, 3, 2, 8, tzinfo=UTC)


async def move(session, consignment_id, state: str, minute: int = 0) -> None:
    consignment = await consignments.get_consignment(session, consignment_id)
    at = DAY + timedelta(minutes=minute)
    await consignments.record_custody(
        session,
        parcel_ids=[parcel.id for parcel in consignment.parcels],
        state=state,
        occurred_at=at,
        received_at=at,
        by="test",
    )


async def test_booked_return_has_a_consignment_from_the_door_to_the_depot(db, deliver):
    async with db.transaction() as session:
        out = await deliver(session, order_id=new_id())
        made = await service.create_return(
            session,
            consignment_id=out.id,
            reason="Too small",
            window_start_at=DAY,
            window_end_at=DAY + timedelta(hours=2),
            by="test",
        )
        assert (made.state, made.announced) == ("booked", True)
        assert made.rma.startswith("RMA-")
        assert made.consignment_id is not None
        back = await consignments.get_consignment(session, made.consignment_id)
    assert back.kind == "return"
    assert back.consignor == out.consignee
    assert back.consignee.place_id is None
    assert back.order_id == out.order_id
    assert (back.window_start_at, back.window_end_at) == (DAY, DAY + timedelta(hours=2))
    assert [parcel.description for parcel in back.parcels] == ["Box 0", "Box 1"]


async def test_return_is_found_by_order(db, deliver):
    async with db.transaction() as session:
        out = await deliver(session, order_id=new_id())
        made = await service.create_return(session, order_id=out.order_id, reason="", by="test")
        assert made.original_consignment_id == out.id
        with pytest.raises(NothingWentOut):
            await service.create_return(session, order_id=new_id(), reason="", by="test")


async def test_goods_must_be_named_in_exactly_one_way(db, deliver):
    async with db.transaction() as session:
        out = await deliver(session)
        for goods in ({}, {"consignment_id": out.id, "order_id": new_id()}):
            with pytest.raises(WhichGoods):
                await service.create_return(session, reason="", by="test", **goods)
        with pytest.raises(UnknownConsignment):
            await service.create_return(session, consignment_id=new_id(), reason="", by="test")


@pytest.mark.parametrize("state", ["loaded", "refused", "lost"])
async def test_what_was_not_delivered_cannot_be_returned(db, deliver, state):
    async with db.transaction() as session:
        out = await deliver(session, state=state)
        with pytest.raises(NothingToReturn):
            await service.create_return(session, consignment_id=out.id, reason="", by="test")


async def test_parcel_comes_back_once(db, deliver):
    async with db.transaction() as session:
        out = await deliver(session)
        first, second = out.parcels

        async def send_back(barcode: str) -> None:
            await service.create_return(
                session,
                consignment_id=out.id,
                parcels=[ReturningParcel(barcode=barcode)],
                reason="",
                by="test",
            )

        await send_back(first.barcode)
        for barcode in (first.barcode, "nobody's"):
            with pytest.raises(NotReturnable):
                await send_back(barcode)
        rest = await service.create_return(session, consignment_id=out.id, reason="", by="test")
        assert [parcel.barcode for parcel in rest.parcels] == [second.barcode]
        with pytest.raises(NothingToReturn):
            await service.create_return(session, consignment_id=out.id, reason="", by="test")


async def test_cancelled_return_frees_its_goods(db, deliver):
    async with db.transaction() as session:
        out = await deliver(session)
        for _ in range(2):
            made = await service.create_return(session, consignment_id=out.id, reason="", by="test")
            for _ in range(2):
                gone = await service.cancel_return(session, made.id, reason="no", by="test")
            assert gone.state == "cancelled"
            assert made.consignment_id is not None
            back = await consignments.get_consignment(session, made.consignment_id)
            assert back.state == "cancelled"


async def test_request_waits_for_approval(db, deliver):
    async with db.transaction() as session:
        out = await deliver(session)
        asked = await service.request_return(
            session, consignment_id=out.id, reason="Broken", by="test"
        )
        assert (asked.state, asked.consignment_id) == ("requested", None)
        approved = await service.approve_return(session, asked.id, by="test")
        assert approved.state == "booked" and approved.consignment_id is not None
        with pytest.raises(IllegalMove):
            await service.approve_return(session, asked.id, by="test")
        with pytest.raises(IllegalMove):
            await service.decline_return(session, asked.id, reason="", by="test")


async def test_declined_return_stays_declined(db, deliver):
    async with db.transaction() as session:
        out = await deliver(session)
        asked = await service.request_return(session, consignment_id=out.id, reason="", by="test")
        declined = await service.decline_return(session, asked.id, reason="too late", by="test")
        assert declined.state == "declined"
        for use in (
            service.approve_return(session, asked.id, by="test"),
            service.cancel_return(session, asked.id, reason="", by="test"),
        ):
            with pytest.raises(IllegalMove):
                await use
        again = await service.request_return(session, consignment_id=out.id, reason="", by="test")
        assert again.state == "requested"


async def test_return_follows_its_consignment(db, deliver, relay):
    async with db.transaction() as session:
        out = await deliver(session)
        made = await service.create_return(session, consignment_id=out.id, reason="", by="test")
    for minute, (custody, state) in enumerate(
        [("collected", "collected"), ("loaded", "collected"), ("at_depot", "received")]
    ):
        async with db.transaction() as session:
            await move(session, made.consignment_id, custody, minute)
        await relay()
        async with db.transaction() as session:
            assert (await service.get_return(session, made.id)).state == state


async def test_return_that_nobody_scanned_at_the_door_is_received_all_the_same(db, deliver, relay):
    async with db.transaction() as session:
        out = await deliver(session)
        made = await service.create_return(session, consignment_id=out.id, reason="", by="test")
        await move(session, made.consignment_id, "at_depot", 5)
    await relay()
    async with db.transaction() as session:
        assert (await service.get_return(session, made.id)).state == "received"


async def test_cancelled_consignment_cancels_its_return(db, deliver, relay):
    async with db.transaction() as session:
        out = await deliver(session)
        made = await service.create_return(session, consignment_id=out.id, reason="", by="test")
        await consignments.cancel_consignment(
            session, made.consignment_id, by="test", reason="moved"
        )
    await relay()
    async with db.transaction() as session:
        assert (await service.get_return(session, made.id)).state == "cancelled"


async def test_collected_goods_cannot_be_called_back(db, deliver):
    async with db.transaction() as session:
        out = await deliver(session)
        made = await service.create_return(session, consignment_id=out.id, reason="", by="test")
        await move(session, made.consignment_id, "collected")
        with pytest.raises(ConsignmentUnderway):
            await service.cancel_return(session, made.id, reason="", by="test")


async def test_old_label_leads_to_the_return(db, deliver):
    async with db.transaction() as session:
        out = await deliver(session)
        made = await service.create_return(session, consignment_id=out.id, reason="", by="test")
        label = out.parcels[0].barcode
        found = await consignments.find_parcels(session, [label])
        assert found[label].consignment_id == made.consignment_id


async def test_same_goods_asked_for_twice_at_once_are_returned_once(own_db: Database, deliver):
    async with own_db.transaction() as session:
        out = await deliver(session)

    async def ask() -> str:
        try:
            async with own_db.transaction() as session:
                await service.create_return(session, consignment_id=out.id, reason="", by="test")
        except NothingToReturn:
            return "nothing left"
        return "booked"

    assert sorted(await asyncio.gather(*(ask() for _ in range(4)))) == [
        "booked",
        "nothing left",
        "nothing left",
        "nothing left",
    ]


async def test_unknown_return_is_said_to_be_unknown(db):
    async with db.transaction() as session:
        for use in (
            service.get_return(session, new_id()),
            service.approve_return(session, new_id(), by="test"),
            service.cancel_return(session, new_id(), reason="", by="test"),
        ):
            with pytest.raises(UnknownReturn):
                await use
