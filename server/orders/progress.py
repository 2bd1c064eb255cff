"""Moving orders along their life cycle."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from server.kit.outbox import emit
from server.orders.amendment import require_not_shipped
from server.orders.event_log import move, record
from server.orders.events import OrderCancelled, OrderDelivered
from server.orders.lifecycle import steps
from server.orders.listing import load_order, views_of
from server.orders.order import OrderState, OrderView


async def cancel_order(
    session: AsyncSession,
    order_id: UUID,
    *,
    by: str,
    reason: str,
    account_id: UUID | None = None,
) -> OrderView:
    """Cancel the order as long as it has not been shipped; once cancelled it stays so."""
    order = await load_order(session, order_id, account_id=account_id, lock=True)
    if order.state != "cancelled":
        require_not_shipped(order)
        move(session, order, "cancelled", by, reason=reason)
        emit(session, OrderCancelled(order_id=order.id, reason=reason))
    return (await views_of(session, [order]))[0]


async def move_order(
    session: AsyncSession, order_id: UUID, to: OrderState, *, by: str
) -> OrderView:
    """One move of the life cycle; IllegalMove when it is not allowed."""
    order = await load_order(session, order_id, lock=True)
    move(session, order, to, by)
    return (await views_of(session, [order]))[0]


async def advance_order(
    session: AsyncSession, order_id: UUID, to: OrderState, *, by: str
) -> OrderView:
    """Bring the order along its road up to `to`, every step logged; nothing when it is there or
    further, on hold or cancelled. For facts, which may come twice and out of order."""
    order = await load_order(session, order_id, lock=True)
    for state in steps(order.state, to):
        move(session, order, state, by)
        if state == "delivered":
            emit(session, OrderDelivered(order_id=order.id))
    return (await views_of(session, [order]))[0]


async def note_on_order(session: AsyncSession, order_id: UUID, note: str, *, by: str) -> None:
    """Write into the order's log what happened without changing it."""
    record(session, await load_order(session, order_id), "noted", by, reason=note)
