"""Orders and their consignments keep in step, whatever comes twice, late or out of order."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text

from server.consignments import service as consignments
from server.consignments.events import CustodyChanged
from server.consignments.service import ConsignmentView
from server.fulfilment import reactions
from server.kit import clock
from server.kit.db import Database
from server.orders import service as orders
from server.orders.events import OrderAmended, OrderCancelled, OrderCaptured
from server.orders.service import OrderChanges, OrderLine, OrderView, ParcelSpec, Party
from server.protocol.to_driver import ProofDemand

Capture = Callable[..., Awaitable[OrderView]]
Relay = Callable[[], Awaitable[int]]


async def order_now(db: Database, order: OrderView) -> OrderView:
    async with db.transaction() as session:
        return await orders.get_order(session, order.id)


async def consignment_of(db: Database, order: OrderView) -> ConsignmentView | None:
    async with db.transaction() as session:
        return await consignments.consignment_of_order(session, order.id)


async def consignment_count(db: Database) -> int:
    async with db.transaction() as session:
        return int(await session.scalar(text("select count(*) from consignment")) or 0)


async def amend(db: Database, order: OrderView, **changes: Any) -> OrderView:
    async with db.transaction() as session:
        return await orders.amend_order(
            session,
            order.id,
            OrderChanges(**changes),
            expected_version=order.version,
            by="clerk",
        )


async def cancel(db: Database, order: OrderView) -> None:
    async with db.transaction() as session:
        await orders.cancel_order(session, order.id, by="clerk", reason="changed my mind")


async def report(db: Database, order: OrderView, state: str, piece: int | None = None) -> None:
    """A scan of the order's parcels, or of one of them."""
    consignment = await consignment_of(db, order)
    assert consignment is not None
    parcels = consignment.parcels if piece is None else [consignment.parcels[piece]]
    async with db.transaction() as session:
        await consignments.record_custody(
            session,
            parcel_ids=[parcel.id for parcel in parcels],
            state=state,
            occurred_at=clock.now(),
            received_at=clock.now(),
            by="test",
        )


async def notes(db: Database, order: OrderView) -> list[str]:
    async with db.transaction() as session:
        log = await orders.order_history(session, order.id)
    return [entry.reason for entry in log if entry.what == "noted"]


async def test_captured_goods_become_a_consignment_from_the_depot(
    db: Database, capture: Capture, relay: Relay
) -> None:
    order = await capture(pin="1234", proof=ProofDemand(pin="required"), cash_minor=500)
    await relay()
    made = await consignment_of(db, order)
    assert made is not None
    assert (made.kind, made.consignor.place_id) == ("delivery", None)
    assert (made.consignee.place_id, made.consignee.phone) == (
        order.consignee.place_id,
        order.consignee.phone,
    )
    assert (made.has_pin, made.cash_minor, made.proof.pin) == (True, 500, "required")
    assert (made.window_start_at, made.window_end_at) == (
        order.window_start_at,
        order.window_end_at,
    )
    assert [parcel.description for parcel in made.parcels] == ["2 x TEA-1"]
    assert (await order_now(db, order)).state == "in_fulfilment"


async def test_a_courier_booking_becomes_a_consignment_from_door_to_door(
    db: Database, capture: Capture, relay: Relay, party: Party
) -> None:
    parcels = (ParcelSpec(description="Box", weight_g=900), ParcelSpec(description="Tube"))
    order = await capture(kind="courier", lines=(), parcels=parcels, consignor=party)
    await relay()
    made = await consignment_of(db, order)
    assert made is not None
    assert (made.kind, made.consignor.place_id) == ("courier", party.place_id)
    assert made.pickup_window_end_at == order.pickup_window_end_at
    assert [(each.description, each.weight_g) for each in made.parcels] == [
        ("Box", 900),
        ("Tube", 0),
    ]


async def test_a_capture_that_is_told_twice_makes_one_consignment(
    db: Database, capture: Capture, relay: Relay
) -> None:
    order = await capture()
    await relay()
    async with db.transaction() as session:
        await reactions.on_order_captured(session, [OrderCaptured(order_id=order.id)])
    assert await consignment_count(db) == 1


async def test_an_order_cancelled_before_it_was_fulfilled_never_is(
    db: Database, capture: Capture, relay: Relay
) -> None:
    order = await capture()
    await cancel(db, order)
    cancelled = OrderCancelled(order_id=order.id, reason="changed my mind")
    async with db.transaction() as session:  # the later event comes first
        await reactions.on_order_cancelled(session, cancelled)
        await reactions.on_order_captured(session, [OrderCaptured(order_id=order.id)])
    await relay()
    assert await consignment_count(db) == 0
    assert (await order_now(db, order)).state == "cancelled"


async def test_an_order_amended_before_it_was_fulfilled_is_fulfilled_as_amended(
    db: Database, capture: Capture, relay: Relay
) -> None:
    order = await capture()
    await amend(db, order, instructions="Knock")
    async with db.transaction() as session:
        changed = OrderAmended(order_id=order.id, changed=("instructions",))
        await reactions.on_order_amended(session, changed)
    await relay()
    made = await consignment_of(db, order)
    assert made is not None and made.instructions == "Knock"
    assert await consignment_count(db) == 1


async def test_an_order_on_hold_is_not_fulfilled_until_it_is_released(
    db: Database, capture: Capture, relay: Relay
) -> None:
    order = await capture()
    async with db.transaction() as session:
        await orders.advance_order(session, order.id, "accepted", by="test")
        await orders.hold_order(session, order.id, "unpaid", by="clerk")
    await relay()
    assert await consignment_count(db) == 0
    async with db.transaction() as session:
        await orders.release_order(session, order.id, by="clerk")
    await relay()
    assert await consignment_count(db) == 1
    assert (await order_now(db, order)).state == "in_fulfilment"


async def test_the_consignment_follows_an_amendment(
    db: Database, capture: Capture, relay: Relay, party: Party
) -> None:
    order = await capture(skills=("fridge",))
    await relay()
    before = await consignment_of(db, order)
    consignee = Party(name="Bob", place_id=party.place_id, phone="99")
    await amend(db, order, consignee=consignee, skills=(), proof=ProofDemand(photo="required"))
    await relay()
    after = await consignment_of(db, order)
    assert before is not None and after is not None
    assert after.id == before.id
    assert (after.consignee.name, after.consignee.phone) == ("Bob", "99")
    assert (after.skills, after.proof.photo) == ((), "required")


async def test_other_parcels_make_another_consignment(
    db: Database, capture: Capture, relay: Relay
) -> None:
    order = await capture()
    await relay()
    before = await consignment_of(db, order)
    amended = await amend(db, order, lines=(OrderLine(sku="TEA-9", quantity=1),))
    for _ in range(2):
        await relay()
        async with db.transaction() as session:
            changed = OrderAmended(order_id=order.id, changed=("lines",))
            await reactions.on_order_amended(session, changed)
    after = await consignment_of(db, order)
    assert before is not None and after is not None
    assert after.id != before.id
    assert [parcel.description for parcel in after.parcels] == ["1 x TEA-9"]
    assert await consignment_count(db) == 2
    async with db.transaction() as session:
        old = await consignments.get_consignment(session, before.id)
    assert old.state == "cancelled"
    await cancel(db, amended)
    await relay()
    gone = await consignment_of(db, order)
    assert gone is not None and gone.state == "cancelled"


async def test_cancelling_an_order_cancels_its_consignment(
    db: Database, capture: Capture, relay: Relay
) -> None:
    order = await capture()
    await relay()
    await cancel(db, order)
    await relay()
    gone = await consignment_of(db, order)
    assert gone is not None and gone.state == "cancelled"


async def test_an_order_is_shipped_when_loaded_and_delivered_at_the_door(
    db: Database, capture: Capture, relay: Relay
) -> None:
    order = await capture()
    await relay()
    expected = [
        ("at_depot", "in_fulfilment"),
        ("loaded", "shipped"),
        ("out_for_delivery", "shipped"),
        ("attempted", "shipped"),
        ("at_depot", "shipped"),
        ("delivered", "delivered"),
    ]
    for custody, state in expected:
        await report(db, order, custody)
        await relay()
        assert (await order_now(db, order)).state == state, custody


async def test_an_order_is_delivered_when_the_last_of_its_parcels_is(
    db: Database, capture: Capture, relay: Relay
) -> None:
    order = await capture(parcels=(ParcelSpec(), ParcelSpec()))
    await relay()
    await report(db, order, "out_for_delivery")
    await report(db, order, "delivered", piece=0)
    await relay()
    assert (await order_now(db, order)).state == "shipped"
    await report(db, order, "delivered", piece=1)
    await relay()
    assert (await order_now(db, order)).state == "delivered"


@pytest.mark.parametrize("told", [("delivered", "loaded"), ("delivered", "delivered")])
async def test_custody_told_late_or_twice_does_not_take_the_order_back(
    db: Database, capture: Capture, relay: Relay, told: tuple[str, ...]
) -> None:
    order = await capture()
    await relay()
    made = await consignment_of(db, order)
    assert made is not None
    for state in told:
        changed = CustodyChanged(
            consignment_id=made.id,
            order_id=order.id,
            kind="delivery",
            state=state,
            parcel_ids=(),
            parcel_state=state,
            occurred_at=clock.now(),
        )
        async with db.transaction() as session:
            await reactions.on_custody_changed(session, changed)
    assert (await order_now(db, order)).state == "delivered"
    async with db.transaction() as session:
        said = "select count(*) from outbox_event where name = 'orders.OrderDelivered'"
        assert await session.scalar(text(said)) == 1


async def test_goods_that_left_before_the_cancellation_came_are_noted_on_the_order(
    db: Database, capture: Capture, relay: Relay
) -> None:
    order = await capture()
    await relay()
    await report(db, order, "out_for_delivery")  # nobody has heard of it when the clerk cancels
    await cancel(db, order)
    await relay()
    await report(db, order, "delivered")
    await relay()
    assert (await order_now(db, order)).state == "cancelled"
    late, delivered = await notes(db, order)
    assert late.startswith("Cancelled too late.")
    assert delivered.startswith("Delivered although it was cancelled")


async def test_an_amendment_after_the_goods_left_is_noted_on_the_order(
    db: Database, capture: Capture, relay: Relay
) -> None:
    order = await capture()
    await relay()
    await report(db, order, "out_for_delivery")
    await amend(db, order, parcels=(ParcelSpec(description="Box"),))
    await relay()
    (note,) = await notes(db, order)
    assert note.startswith("Amended too late.")
    assert await consignment_count(db) == 1
