"""The goods of a quote are kept for it until it becomes an order, expires or is cancelled."""

from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from server.fulfilment.sourcing_rules import rule_for
from server.fulfilment.stocking import BY, keeps_goods_of, position_of, wanted_by
from server.inventory import service as inventory
from server.inventory.service import HoldOver, NotEnoughStock, UnknownSku
from server.kit.outbox import reaction
from server.orders import service as orders
from server.orders.events import OrderCancelled, OrderQuoted, QuoteAccepted, QuoteExpired
from server.orders.service import OrderView


@reaction
async def on_order_quoted(session: AsyncSession, event: OrderQuoted) -> None:
    """A quote for what is short stands all the same, and says so."""
    quote = await orders.get_order(session, event.order_id, lock=True)
    if quote.state != "draft" or quote.stock_hold_id:
        return
    if not await keeps_goods_of(session, quote):
        return
    assert quote.quote_expires_at is not None  # as every draft has; the table sees to it
    try:
        hold = await inventory.place_hold(
            session,
            account_id=quote.account_id,
            lines=wanted_by(quote),
            expires_at=quote.quote_expires_at,
            subject=f"quote {quote.number}",
            by=BY,
        )
    except (NotEnoughStock, UnknownSku) as refused:
        await orders.note_on_order(session, quote.id, f"Not kept. {refused.message}", by=BY)
    else:
        await orders.keep_stock_hold(session, quote.id, hold.id)


@reaction
async def on_quote_accepted(session: AsyncSession, event: QuoteAccepted) -> None:
    """What was kept is set aside for the order before its fulfilment asks for it."""
    order = await orders.get_order(session, event.order_id, lock=True)
    if order.stock_hold_id is None or order.state == "cancelled":
        return
    try:
        async with session.begin_nested():
            await inventory.allocate_stock(
                session,
                order_id=order.id,
                account_id=order.account_id,
                lines=wanted_by(order),
                hold_id=order.stock_hold_id,
                rule=partial(rule_for, session, order.account_id),
                near=partial(position_of, session, order),
            )
    except (HoldOver, NotEnoughStock):
        return  # the order gets what it finds, or waits, as any other does


@reaction
async def on_quote_expired(session: AsyncSession, event: QuoteExpired) -> None:
    await _let_go(session, await orders.get_order(session, event.order_id, lock=True))


@reaction
async def on_quote_cancelled(session: AsyncSession, event: OrderCancelled) -> None:
    await _let_go(session, await orders.get_order(session, event.order_id, lock=True))


async def _let_go(session: AsyncSession, order: OrderView) -> None:
    if order.stock_hold_id:
        await inventory.release_hold(session, order.stock_hold_id)
