"""Orders become consignments; what happens to these moves the orders on.

Facts may come twice and in any order, so each reaction looks at how things stand now rather than
at what it was told: the order that it reads already holds later amendments and cancellations.
"""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

import server.fulfilment.quotes  # noqa: F401 - reactions too
from server.consignments import service as consignments
from server.consignments.events import CustodyChanged
from server.consignments.service import ConsignmentClosed, ConsignmentUnderway, ConsignmentView
from server.fulfilment.cancelling import cancel_fulfilments, reallocate
from server.fulfilment.consigning import changes_for, consignment_for, holds_parcels_of
from server.fulfilment.custody import AT_HOME, consignments_of, follow_custody
from server.fulfilment.events import PickFellShort, PickingGivenUp, StockCame
from server.fulfilment.fulfilments import (
    follow_version,
    lock_fulfilments,
    make_fulfilments,
    settle_fulfilments,
)
from server.fulfilment.packing import is_packed
from server.fulfilment.shortages import fill_next_shortage, send_substitutes, tell_order
from server.fulfilment.stocking import BY, is_waiting, next_waiting, retry_order, set_stock_aside
from server.fulfilment.verification import verify_order
from server.inventory import service as inventory
from server.inventory.events import (
    BackorderFilled,
    ReturnedStockDecided,
    StockAdjusted,
    StockReceived,
    StockReleased,
)
from server.kit.outbox import emit, reaction
from server.orders import service as orders
from server.orders.events import OrderAmended, OrderCancelled, OrderCaptured, OrderReleased
from server.orders.service import OrderView


@reaction
async def on_order_captured(session: AsyncSession, event: OrderCaptured) -> None:
    await fulfil_order(session, event.order_id)


@reaction
async def on_order_released(session: AsyncSession, event: OrderReleased) -> None:
    await fulfil_order(session, event.order_id)


@reaction
async def on_order_amended(session: AsyncSession, event: OrderAmended) -> None:
    await _follow_order(session, event.order_id, lines_changed="lines" in event.changed)


async def _follow_order(session: AsyncSession, order_id: UUID, *, lines_changed: bool) -> None:
    """What is set aside and the consignment follow; with other parcels it becomes another one.
    Once picking began the lines stand fast, so there is nothing to set aside anew."""
    order = await orders.get_order(session, order_id, lock=True)
    rows = [each for each in await lock_fulfilments(session, order_id) if each.state != "cancelled"]
    if not rows and await is_waiting(session, order.id):
        await retry_order(session, order.id)
        return
    before = await consignments.consignment_of_order(session, order.id)
    if before is None or before.cancelled_at or order.state == "cancelled":
        return
    # More than one amendment behind: the news of the others may have told of lines.
    lines_changed |= any(row.order_version < order.version - 1 for row in rows)
    refused = False
    if rows and lines_changed and order.state == "in_fulfilment" and not order.picking_began_at:
        refused = not await reallocate(session, order)
    elif not await is_waiting(session, order.id):
        follow_version(rows, order)
    keeps_parcels = refused or await is_packed(session, order.id)
    try:
        await _follow_amendment(session, before, order, keeps_parcels=keeps_parcels)
    except (ConsignmentUnderway, ConsignmentClosed) as late:
        await orders.note_on_order(session, order.id, f"Amended too late. {late}", by=BY)


async def _follow_amendment(
    session: AsyncSession, before: ConsignmentView, order: OrderView, *, keeps_parcels: bool
) -> None:
    """keeps_parcels: what the warehouse packs is not what was booked, and stays."""
    if keeps_parcels or holds_parcels_of(before, order):
        await consignments.amend_consignment(session, before.id, changes_for(order), by=BY)
        return
    reason = "replaced: the order has other parcels now"
    await consignments.cancel_consignment(session, before.id, by=BY, reason=reason)
    await consignments.create_consignment(session, consignment_for(order), by=BY)


@reaction
async def on_order_cancelled(session: AsyncSession, event: OrderCancelled) -> None:
    order = await orders.get_order(session, event.order_id, lock=True)
    await cancel_fulfilments(session, order, reason=event.reason)


@reaction
async def on_custody_changed(session: AsyncSession, event: CustodyChanged) -> None:
    """An order is shipped when the first of its parcels leaves, delivered with the last of its
    consignments."""
    if event.order_id is None or event.kind == "return":
        return
    sent = await consignments_of(session, event.order_id)
    delivered = event.state == "delivered" and all(
        each.state == "delivered" for each in sent if each.id != event.consignment_id
    )
    if event.parcel_state in AT_HOME:
        state = (await orders.get_order(session, event.order_id, lock=True)).state
    else:
        state = await orders.advance_order(
            session, event.order_id, "delivered" if delivered else "shipped", by=BY
        )
    if delivered and state == "cancelled":
        note = "Delivered although it was cancelled; only a return can bring it back."
        await orders.note_on_order(session, event.order_id, note, by=BY)
    await follow_custody(session, event.order_id, sent, occurred_at=event.occurred_at)


async def fulfil_order(session: AsyncSession, order_id: UUID) -> None:
    """Accept the order, get its goods and make its consignment, unless that is done, or it is on
    hold or cancelled. The order stays locked from the first move to the end."""
    order = await verify_order(session, order_id, by=BY)
    if order.state != "accepted":
        return
    stock = await set_stock_aside(session, order)
    if stock is None:
        return
    await make_fulfilments(session, order, stock)
    await consignments.create_consignment(session, consignment_for(order), by=BY)
    await orders.advance_order(session, order_id, "in_fulfilment", by=BY)


@reaction
async def on_stock_received(session: AsyncSession, event: StockReceived) -> None:
    await _call_those_who_wait(session, [event.sku_id])


@reaction
async def on_stock_adjusted(session: AsyncSession, event: StockAdjusted) -> None:
    if event.change > 0:
        await _call_those_who_wait(session, [event.sku_id])


@reaction
async def on_returned_stock_decided(session: AsyncSession, event: ReturnedStockDecided) -> None:
    if event.disposition == "restock":
        await _call_those_who_wait(session, [event.sku_id])


@reaction
async def on_stock_released(session: AsyncSession, event: StockReleased) -> None:
    stock = await inventory.stock_of_order(session, event.order_id)
    freed = {each.sku_id for each in stock.allocations if each.id in event.allocation_ids}
    await _call_those_who_wait(session, sorted(freed))


@reaction
async def on_backorder_filled(session: AsyncSession, event: BackorderFilled) -> None:
    """Stock was set aside for an order that waited for it by name."""
    await retry_order(session, event.order_id)
    order = await orders.get_order(session, event.order_id, lock=True)
    if await lock_fulfilments(session, order.id):
        stock = await inventory.stock_of_order(session, order.id)
        await make_fulfilments(session, order, stock)
        await settle_fulfilments(session, await lock_fulfilments(session, order.id))


@reaction
async def on_stock_came(session: AsyncSession, event: StockCame) -> None:
    """One order at a time and each in its own transaction, the oldest first: what fell short in
    the warehouse before what was never set aside."""
    found = await inventory.list_skus(session, account_id=event.account_id, code=event.sku, limit=1)
    if not found:
        return
    available = (await inventory.get_availability(session, found[0].id)).available
    if available <= 0:
        return
    if await fill_next_shortage(session, found[0], available=available):
        emit(session, event)
        return
    order_id = await next_waiting(
        session,
        account_id=event.account_id,
        sku=event.sku,
        available=available,
        after=event.after,
    )
    if order_id is not None:
        await _try_again(session, order_id)
        emit(session, StockCame(account_id=event.account_id, sku=event.sku, after=order_id))


@reaction
async def on_picking_given_up(session: AsyncSession, event: PickingGivenUp) -> None:
    """Unless another wave has begun by now, the lines may change again."""
    await orders.get_order(session, event.order_id, lock=True)
    rows = await lock_fulfilments(session, event.order_id)
    if all(row.state in ("open", "cancelled") for row in rows):
        await orders.end_picking(session, event.order_id, by=BY)


@reaction
async def on_pick_fell_short(session: AsyncSession, event: PickFellShort) -> None:
    """What nobody has is sent as something else if that may be; the order is told all of it."""
    await orders.get_order(session, event.order_id, lock=True)
    instead = await send_substitutes(session, event.order_id)
    await tell_order(session, event, instead)


async def _try_again(session: AsyncSession, order_id: UUID) -> None:
    """There may be enough now for what was captured, or amended, beyond the stock."""
    order = await orders.get_order(session, order_id, lock=True)
    if order.state == "on_hold":
        await retry_order(session, order_id)
    elif await is_waiting(session, order_id):
        await _follow_order(session, order_id, lines_changed=True)


async def _call_those_who_wait(session: AsyncSession, sku_ids: Collection[UUID]) -> None:
    for sku in (await inventory.get_skus(session, sku_ids)).values():
        emit(session, StockCame(account_id=sku.account_id, sku=sku.code))
