"""Parcels leave the house, arrive, or come back: their fulfilment and their stock follow."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service as consignments
from server.consignments.service import ConsignmentView, ParcelView
from server.fulfilment.cancelling import cancel_put_backs, end_work
from server.fulfilment.fulfilments import lock_fulfilments, move_fulfilment, open_ones
from server.fulfilment.models import Fulfilment, PackedContent, PackedParcel
from server.fulfilment.stocking import BY
from server.inventory import service as inventory
from server.inventory.service import SerialsNeeded
from server.orders import service as orders

AT_HOME = frozenset({"announced", "at_depot", "lost", "damaged"})
"""States that a parcel may reach without ever having left."""

COMPLETE = frozenset({"packed", "ready", "handed_over", "delivery_failed", "delivered"})
MAX_CONSIGNMENTS = 200


async def consignments_of(session: AsyncSession, order_id: UUID) -> list[ConsignmentView]:
    """All that carry out the order: more than one when the rest had to be sent after."""
    found = await consignments.list_consignments(session, order_id=order_id, limit=MAX_CONSIGNMENTS)
    return [each for each in found if each.kind != "return" and each.state != "cancelled"]


async def follow_custody(
    session: AsyncSession,
    order_id: UUID,
    sent: Iterable[ConsignmentView],
    *,
    occurred_at: datetime,
) -> None:
    """Bring the fulfilments of a locked order to where its parcels are now, and book what left."""
    rows = await lock_fulfilments(session, order_id)
    if not rows:
        return
    packed = {
        each.parcel_id: each
        for each in await session.scalars(
            select(PackedParcel)
            .where(PackedParcel.fulfilment_id.in_([row.id for row in rows]))
            .execution_options(populate_existing=True)
        )
    }
    parcels = [parcel for each in sent for parcel in each.parcels]
    unpacked = [each for each in parcels if each.id not in packed]
    all_left = any(each.state not in AT_HOME for each in unpacked)
    for parcel in parcels:
        if parcel.id in packed and parcel.state not in AT_HOME:
            packed[parcel.id].left_at = packed[parcel.id].left_at or occurred_at
    await session.flush()
    if all_left:
        await end_work(session, rows)
    await _ship(session, order_id, all_left=all_left)
    by_row: dict[UUID, list[ParcelView]] = defaultdict(list)
    for parcel in parcels:
        if parcel.id in packed:
            by_row[packed[parcel.id].fulfilment_id].append(parcel)
    for row in rows:
        mine = by_row[row.id] or _unpacked_of(row, unpacked)
        if row.state in COMPLETE or all_left or row.state in ("cancelled", "returned_to_sender"):
            _follow(session, row, {each.state for each in mine})
    await session.flush()


def _unpacked_of(row: Fulfilment, unpacked: list[ParcelView]) -> list[ParcelView]:
    """What was loaded as it was announced stands for all that nobody packed; but not for what had
    been given up before, unless it left in spite of that."""
    return unpacked if row.state != "cancelled" or row.cancellation else []


def _follow(session: AsyncSession, row: Fulfilment, states: Collection[str]) -> None:
    if not states:
        return
    if all(state == "delivered" for state in states):
        move_fulfilment(session, row, "delivered")
    elif all(state == "returned" for state in states):
        move_fulfilment(session, row, "returned_to_sender")
    elif any(state in ("attempted", "refused") for state in states):
        move_fulfilment(session, row, "delivery_failed")
    elif any(state not in AT_HOME for state in states):
        if row.state != "delivery_failed" or not any(state == "returning" for state in states):
            move_fulfilment(session, row, "handed_over")
    elif row.state in ("handed_over", "delivery_failed"):
        move_fulfilment(session, row, "ready")


async def _ship(session: AsyncSession, order_id: UUID, *, all_left: bool) -> None:
    """Book out what left: an allocation once all of its units did. With parcels that nobody packed
    all has left that was set aside for the order."""
    kept = open_ones(await inventory.stock_of_order(session, order_id))
    left = await _left(session, order_id)
    gone = {
        each.id
        for each in kept
        if all_left or (each.state == "picked" and left.get(each.id, 0) >= each.quantity)
    }
    if not gone:
        return
    await cancel_put_backs(session, gone)
    try:
        async with session.begin_nested():
            await inventory.ship_stock(session, order_id, allocation_ids=gone, by=BY)
    except SerialsNeeded as unscanned:
        note = f"Goods left without being scanned, so they are still in the books. {unscanned}"
        await orders.note_on_order(session, order_id, note, by=BY)


async def _left(session: AsyncSession, order_id: UUID) -> dict[UUID, int]:
    """Allocation -> how many of its units have left."""
    rows = await session.execute(
        select(PackedContent.allocation_id, func.sum(PackedContent.quantity))
        .join(PackedParcel, PackedParcel.parcel_id == PackedContent.parcel_id)
        .join(Fulfilment, Fulfilment.id == PackedParcel.fulfilment_id)
        .where(Fulfilment.order_id == order_id, PackedParcel.left_at.is_not(None))
        .group_by(PackedContent.allocation_id)
    )
    return {allocation_id: int(quantity) for allocation_id, quantity in rows}
