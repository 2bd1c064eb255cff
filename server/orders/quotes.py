"""Quotes: orders that are only offered until somebody accepts them."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.kit import clock
from server.kit.outbox import emit
from server.orders.errors import NotAQuote, QuoteOver
from server.orders.event_log import move
from server.orders.events import OrderCaptured, QuoteAccepted, QuoteExpired
from server.orders.listing import load_order, views_of
from server.orders.models import Order
from server.orders.order import OrderView


async def accept_quote(
    session: AsyncSession, order_id: UUID, *, by: str, account_id: UUID | None = None
) -> OrderView:
    """The offer becomes an order; accepting it again changes nothing.

    Raises
    ------
    NotAQuote, QuoteOver
    """
    order = await load_order(session, order_id, account_id=account_id, lock=True)
    if order.quote_expires_at is None:
        raise NotAQuote(number=order.number)
    if order.state == "draft" and order.quote_expires_at <= clock.now():
        raise QuoteOver(number=order.number)
    if order.state == "cancelled":
        raise QuoteOver(number=order.number)
    if order.state == "draft":
        move(session, order, "received", by)
        emit(session, QuoteAccepted(order_id=order.id))
        emit(session, OrderCaptured(order_id=order.id))
        await session.flush()
    return (await views_of(session, [order]))[0]


async def expire_quotes(session: AsyncSession, *, limit: int = 100) -> int:
    """Cancel what was not accepted in time; how many there were."""
    expired = await session.scalars(
        select(Order)
        .where(Order.state == "draft", Order.quote_expires_at <= clock.now())
        .order_by(Order.quote_expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    count = 0
    for order in expired:
        order.cancel_code = "expired"
        move(session, order, "cancelled", "system", reason="The quote expired.")
        emit(session, QuoteExpired(order_id=order.id))
        count += 1
    await session.flush()
    return count


async def keep_stock_hold(session: AsyncSession, order_id: UUID, hold_id: UUID) -> None:
    """Remember what keeps the goods of a quote, so that the order that it becomes may use it."""
    order = await load_order(session, order_id, lock=True)
    order.stock_hold_id = hold_id
    await session.flush()
