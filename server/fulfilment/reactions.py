"""Orders become consignments; what happens to these moves the orders on.

Facts may come twice and in any order, so each reaction looks at how things stand now rather than
at what it was told: the order that it reads already holds later amendments and cancellations.
"""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service as consignments
from server.consignments.events import CustodyChanged
from server.consignments.service import ConsignmentClosed, ConsignmentUnderway
from server.fulfilment.consigning import changes_for, consignment_for, holds_parcels_of
from server.kit.outbox import reaction
from server.orders import service as orders
from server.orders.events import OrderAmended, OrderCancelled, OrderCaptured, OrderReleased
from server.orders.service import OrderView

BY = "fulfilment"

NOT_SHIPPED_BY = frozenset({"announced", "at_depot", "lost", "damaged"})
"""States that a parcel may reach without ever having left."""


@reaction
async def on_order_captured(session: AsyncSession, event: OrderCaptured) -> None:
    await fulfil_order(session, event.order_id)


@reaction
async def on_order_released(session: AsyncSession, event: OrderReleased) -> None:
    await fulfil_order(session, event.order_id)


@reaction
async def on_order_amended(session: AsyncSession, event: OrderAmended) -> None:
    """The consignment follows; with other parcels it becomes another consignment."""
    order = await orders.get_order(session, event.order_id)
    before = await consignments.consignment_of_order(session, order.id)
    if before is None or before.cancelled_at or order.state == "cancelled":
        return
    try:
        if holds_parcels_of(before, order):
            await consignments.amend_consignment(session, before.id, changes_for(order), by=BY)
        else:
            reason = "replaced: the order has other parcels now"
            await consignments.cancel_consignment(session, before.id, by=BY, reason=reason)
            await consignments.create_consignment(session, consignment_for(order), by=BY)
    except (ConsignmentUnderway, ConsignmentClosed) as late:
        await orders.note_on_order(session, order.id, f"Amended too late. {late}", by=BY)


@reaction
async def on_order_cancelled(session: AsyncSession, event: OrderCancelled) -> None:
    consignment = await consignments.consignment_of_order(session, event.order_id)
    if consignment is None or consignment.cancelled_at:
        return
    try:
        await consignments.cancel_consignment(session, consignment.id, by=BY, reason=event.reason)
    except ConsignmentUnderway as late:
        await orders.note_on_order(session, event.order_id, f"Cancelled too late. {late}", by=BY)


@reaction
async def on_custody_changed(session: AsyncSession, event: CustodyChanged) -> None:
    """An order is shipped when the first of its parcels leaves, delivered with its consignment."""
    if event.order_id is None or event.kind == "return" or event.parcel_state in NOT_SHIPPED_BY:
        return
    delivered = event.state == "delivered"
    order = await orders.advance_order(
        session, event.order_id, "delivered" if delivered else "shipped", by=BY
    )
    if delivered and order.state == "cancelled":
        note = "Delivered although it was cancelled; only a return can bring it back."
        await orders.note_on_order(session, order.id, note, by=BY)


async def fulfil_order(session: AsyncSession, order_id: UUID) -> None:
    """Accept the order, get its goods and make its consignment, unless that is done, or it is on
    hold or cancelled. The order stays locked from the first move to the end."""
    order = await orders.advance_order(session, order_id, "accepted", by=BY)
    if order.state != "accepted":
        return
    await allocate_stock(session, order)
    await consignments.create_consignment(session, consignment_for(order), by=BY)
    await orders.move_order(session, order_id, "in_fulfilment", by=BY)


async def allocate_stock(session: AsyncSession, order: OrderView) -> None:
    """An order is in processing once what it needs is set aside for it. No room keeps stock yet,
    so goods are taken to be in the depot; the inventory's allocation belongs here."""
    await orders.move_order(session, order.id, "processing", by=BY)
