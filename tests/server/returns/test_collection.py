"""Goods handed over without a word before: a fact, whatever it looks like."""

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from server.consignments import service as consignments
from server.kit.db import Database
from server.kit.geo import Position
from server.kit.outbox import OutboxEvent
from server.protocol import from_driver
from server.protocol.from_driver import BlobRef, CollectReturn, HandedOverParcel, Proof
from server.returns import service

DAY = datetime(2026, 3, 2, 15, tzinfo=UTC)
PHOTO = BlobRef(sha256="a" * 64, size_bytes=10, content_type="image/jpeg")


def handed_over(*parcels: HandedOverParcel, **details) -> CollectReturn:
    return CollectReturn(occurred_at=DAY, parcels=parcels, **details)


async def collect(session, driver_id, command, source_id="command 1", **details):
    return await service.collect_unannounced(
        session,
        driver_id=driver_id,
        command=command,
        occurred_at=DAY,
        received_at=DAY,
        source_id=source_id,
        **details,
    )


async def test_unannounced_return_is_in_the_drivers_hands_with_proof(db, deliver, driver_id):
    async with db.transaction() as session:
        out = await deliver(session)
        made = await collect(
            session,
            driver_id,
            handed_over(
                HandedOverParcel(description="Shoes", weight_g=900),
                reason="Too small",
                position=from_driver.Position(lon=9.5, lat=47.1),
                proof=Proof(photos=(PHOTO,), recipient_name="Ada"),
            ),
            place_id=out.consignee.place_id,
            original_consignment_id=out.id,
        )
        assert (made.state, made.announced, made.reason) == ("collected", False, "Too small")
        assert made.original_consignment_id == out.id
        assert made.consignment_id is not None
        back = await consignments.get_consignment(session, made.consignment_id)
        assert (back.kind, back.state, back.consignor) == ("return", "collected", out.consignee)
        (parcel,) = back.parcels
        assert (parcel.holder_id, parcel.weight_g) == (driver_id, 900)
        (proof,) = await consignments.proofs_of(session, back.id)
        assert (proof.kind, proof.recipient_name) == ("POC", "Ada")
        assert proof.position == Position(9.5, 47.1)
        assert [file.sha256 for file in proof.files] == [PHOTO.sha256]
        collected = (await consignments.story(session, back.id))[-1]
        assert collected.proof_id == proof.id


async def test_nobody_is_asked_to_plan_what_is_collected_already(db, deliver, driver_id):
    async with db.transaction() as session:
        out = await deliver(session)
        before = await announced(session)
        await collect(
            session, driver_id, handed_over(HandedOverParcel()), original_consignment_id=out.id
        )
        assert await announced(session) == before


async def announced(session) -> int:
    rows = await session.scalars(
        select(OutboxEvent.id).where(OutboxEvent.name == "consignments.ConsignmentAnnounced")
    )
    return len(rows.all())


async def test_same_command_again_is_the_same_return(db, deliver, driver_id):
    async with db.transaction() as session:
        out = await deliver(session)
        made = [
            await collect(
                session,
                driver_id,
                handed_over(HandedOverParcel(barcode="77")),
                original_consignment_id=out.id,
            )
            for _ in range(2)
        ]
        assert made[0] == made[1]
        assert len(await service.list_returns(session)) == 1


async def test_label_knows_better_than_the_stop_what_the_goods_are(db, deliver, driver_id):
    async with db.transaction() as session:
        out, neighbour = await deliver(session), await deliver(session)
        label = out.parcels[0].barcode
        made = await collect(
            session,
            driver_id,
            handed_over(HandedOverParcel(barcode=f" {label}\n")),
            place_id=neighbour.consignee.place_id,
            original_consignment_id=neighbour.id,
        )
        assert made.original_consignment_id == out.id
        found = await consignments.find_parcels(session, [label])
        assert found[label].consignment_id == made.consignment_id


@pytest.mark.parametrize(
    "parcels",
    [
        (),
        (HandedOverParcel(barcode=""),),
        (HandedOverParcel(barcode="x" * 5000, description="y" * 5000),),
        (HandedOverParcel(weight_g=-5), HandedOverParcel(weight_g=2**62)),
        (HandedOverParcel(barcode="77"), HandedOverParcel(barcode="77")),
    ],
    ids=["nothing listed", "empty label", "endless label", "wild weights", "same label twice"],
)
async def test_whatever_was_handed_over_is_kept(db, driver_id, parcels):
    async with db.transaction() as session:
        made = await collect(
            session,
            driver_id,
            handed_over(
                *parcels, reason="z" * 5000, position=from_driver.Position(lon=1e300, lat=91)
            ),
        )
        assert made.consignment_id is not None
        back = await consignments.get_consignment(session, made.consignment_id)
        assert back.state == "collected"
        assert len(back.parcels) == max(1, len(parcels))


async def test_goods_that_come_back_twice_with_the_same_label_are_two_returns(
    db, deliver, driver_id
):
    async with db.transaction() as session:
        out = await deliver(session)
        label = out.parcels[0].barcode
        made = [
            await collect(
                session, driver_id, handed_over(HandedOverParcel(barcode=label)), source_id=source
            )
            for source in ("command 1", "command 2")
        ]
        assert made[0].rma != made[1].rma


async def test_one_command_at_a_time_from_each_driver_never_collides(
    own_db: Database, deliver, make_driver
):
    async with own_db.transaction() as session:
        out = await deliver(session)
        drivers = [await make_driver(session) for _ in range(4)]

    async def hand_over(driver_id) -> str:
        async with own_db.transaction() as session:
            made = await collect(
                session,
                driver_id,
                handed_over(HandedOverParcel(barcode=out.parcels[0].barcode)),
                original_consignment_id=out.id,
            )
            return made.rma

    assert len(set(await asyncio.gather(*map(hand_over, drivers)))) == 4


async def test_unannounced_return_is_received_at_the_depot(db, driver_id, relay):
    async with db.transaction() as session:
        made = await collect(session, driver_id, handed_over(HandedOverParcel()))
        back = await consignments.get_consignment(session, made.consignment_id)
        await consignments.record_custody(
            session,
            parcel_ids=[parcel.id for parcel in back.parcels],
            state="at_depot",
            occurred_at=DAY,
            received_at=DAY,
            by="test",
        )
    await relay()
    async with db.transaction() as session:
        assert (await service.get_return(session, made.id)).state == "received"
