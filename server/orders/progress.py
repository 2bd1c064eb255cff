"""Moving orders along their life cycle."""

from collections.abc import Collection
from datetime import timedelta
from typing import cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity.service import record_audit
from server.kit import clock
from server.kit.outbox import emit
from server.orders.amendment import require_not_shipped
from server.orders.errors import OrderIsCancelled
from server.orders.event_log import move, record
from server.orders.events import OrderCancelled, OrderDelivered
from server.orders.lifecycle import UNTIL_SHIPPED, steps
from server.orders.listing import load_order, lock_orders, views_of
from server.orders.models import Order, OrderRules
from server.orders.order import CancelCode, OrderState, OrderView


async def cancel_order(
    session: AsyncSession,
    order_id: UUID,
    *,
    by: str,
    reason: str,
    code: CancelCode = "other",
    account_id: UUID | None = None,
) -> OrderView:
    """Cancel the order as long as it has not been shipped; once cancelled it stays so. By the
    company's rules a customer's request that comes late costs a fee."""
    order = await load_order(session, order_id, account_id=account_id, lock=True)
    if order.state != "cancelled":
        require_not_shipped(order)
        rules = await session.get_one(OrderRules, 1)
        fee_minor = cancel_fee_minor(rules, order, code)
        give_up(session, order, code, by, reason=reason, fee_minor=fee_minor)
        await record_audit(
            session,
            by=by,
            action="order.cancelled",
            subject=f"order:{order.id}",
            details={"code": code, "reason": reason, "fee_minor": fee_minor},
        )
    return (await views_of(session, [order]))[0]


def give_up(
    session: AsyncSession,
    order: Order,
    code: CancelCode,
    by: str,
    *,
    reason: str,
    fee_minor: int = 0,
) -> None:
    """Cancel the locked order and tell it, within this room."""
    move(session, order, "cancelled", by, reason=reason)
    order.cancel_code = code
    order.cancel_fee_minor = fee_minor
    emit(session, OrderCancelled(order_id=order.id, reason=reason, code=code, fee_minor=fee_minor))


def cancel_fee_minor(rules: OrderRules, order: Order, code: CancelCode) -> int:
    """What cancelling now costs, in the order's currency."""
    if code != "customer_request" or order.state == "draft" or rules.cancel_free_until_s is None:
        return 0
    opens_at = order.pickup_window_start_at or order.window_start_at
    free_until = opens_at - timedelta(seconds=rules.cancel_free_until_s)
    return rules.cancel_fee_minor if clock.now() > free_until else 0


async def advance_order(
    session: AsyncSession, order_id: UUID, to: OrderState, *, by: str
) -> OrderState:
    """Bring the order along its road up to `to`, every step logged; nothing when it is there or
    further, on hold or cancelled. For facts, which may come twice and out of order. The state in
    which it is then."""
    (state,) = await advance_orders(session, [order_id], to, by=by)
    return state


async def advance_orders(
    session: AsyncSession, order_ids: Collection[UUID], to: OrderState, *, by: str
) -> list[OrderState]:
    """Many orders, the oldest first; see `advance_order`."""
    orders = await lock_orders(session, order_ids)
    for order in orders:
        for state in steps(order.state, to):
            move(session, order, state, by)
            if state == "delivered":
                emit(session, OrderDelivered(order_id=order.id))
    await session.flush()
    return [cast(OrderState, order.state) for order in orders]


async def lock_to_pick(session: AsyncSession, order_ids: Collection[UUID]) -> dict[UUID, int]:
    """Those of the orders that may be picked, with their versions; locked. What somebody else is
    at work on is passed over."""
    rows = await session.execute(
        select(Order.id, Order.version)
        .where(Order.id.in_(order_ids), Order.state != "cancelled")
        .order_by(Order.id)
        .with_for_update(skip_locked=True)
    )
    return dict(rows.all())


async def begin_picking(session: AsyncSession, order_id: UUID, *, by: str) -> OrderView:
    """From now on the lines stand fast: no split, no merge, no other lines.

    Raises
    ------
    OrderIsCancelled
    """
    order = await load_order(session, order_id, lock=True)
    if order.state == "cancelled":
        raise OrderIsCancelled(number=order.number)
    if order.picking_began_at is None:
        order.picking_began_at = clock.now()
        record(session, order, "picking began", by)
        await session.flush()
    return (await views_of(session, [order]))[0]


async def end_picking(session: AsyncSession, order_id: UUID, *, by: str) -> None:
    """Nothing of it was taken off a shelf after all, so its lines may change again."""
    order = await load_order(session, order_id, lock=True)
    if order.picking_began_at is not None and order.state in UNTIL_SHIPPED:
        order.picking_began_at = None
        record(session, order, "picking was given up", by)
        await session.flush()


async def note_on_order(session: AsyncSession, order_id: UUID, note: str, *, by: str) -> None:
    """Write into the order's log what happened without changing it."""
    record(session, await load_order(session, order_id), "noted", by, reason=note)
