"""What is looked at before an order is accepted. Nothing is ever dropped: what raises a doubt is
held, with every doubt named, until a person releases or cancels it."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

from sqlalchemy import and_, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from server.kit import clock
from server.kit.money import Money
from server.orders.event_log import move
from server.orders.holds import place_holds
from server.orders.listing import load_order, views_of
from server.orders.models import Order, OrderRules
from server.orders.order import Credit, HoldKind, OrderView
from server.orders.rulebook import blocks_of

UNBILLED = ("accepted", "processing", "in_fulfilment", "shipped")
"""The states of orders that are promised to the account and not yet billed to it."""

NEW_PLACE_WITHIN = timedelta(hours=1)

Doubts = list[tuple[HoldKind, str]]

CreditOf = Callable[[UUID], Awaitable[Credit]]
"""Account -> what it may owe."""


async def accept_order(
    session: AsyncSession, order_id: UUID, *, credit_of: CreditOf | None = None, by: str
) -> OrderView:
    """Accept a received order, or hold it for everything that speaks against that. Anything but a
    received order is left as it is, so a repeat does nothing; what a person released is accepted.

    credit_of: the account's; None when nobody asks about it.
    """
    order = await load_order(session, order_id, lock=True)
    if order.state == "received":
        doubts: Doubts = []
        if order.accepted_at is None:
            credit = await credit_of(order.account_id) if credit_of else None
            doubts = await _doubts(session, order, credit)
        move(session, order, "accepted", by)
        if doubts:
            await place_holds(session, order, doubts, by=by)
    return (await views_of(session, [order]))[0]


async def _doubts(session: AsyncSession, order: Order, credit: Credit | None) -> Doubts:
    rules = await session.get_one(OrderRules, 1)
    return [
        *await _credit_doubts(session, order, credit),
        *await _fraud_doubts(session, order, rules),
        *await _duplicate_doubts(session, order, rules),
    ]


async def _credit_doubts(session: AsyncSession, order: Order, credit: Credit | None) -> Doubts:
    """Orders of one account are looked at one after the other: two that fit the limit each, but
    not together, never pass at once."""
    if credit is None:
        return []
    if not credit.active:
        return [("credit", "The account is closed.")]
    if credit.limit_minor is None:
        return []
    if order.currency != credit.currency:
        reason = f"The credit limit is in {credit.currency}, the order in {order.currency}."
        return [("credit", reason)]
    key = func.hashtextextended(f"credit of {order.account_id}", 0)
    await session.execute(select(func.pg_advisory_xact_lock(key)))
    unbilled = await session.scalar(
        select(func.coalesce(func.sum(Order.value_minor), 0)).where(
            Order.account_id == order.account_id,
            Order.currency == credit.currency,
            Order.state.in_(UNBILLED),
        )
    )
    total = credit.owed_minor + int(unbilled or 0) + order.value_minor
    if total <= credit.limit_minor:
        return []
    owed, limit = Money(total, credit.currency), Money(credit.limit_minor, credit.currency)
    return [("credit", f"With this order the account owes {owed}; its limit is {limit}.")]


async def _fraud_doubts(session: AsyncSession, order: Order, rules: OrderRules) -> Doubts:
    doubts: Doubts = []
    if rules.cash_limit_minor is not None and order.cash_minor > rules.cash_limit_minor:
        cash = Money(order.cash_minor, order.currency)
        limit = Money(rules.cash_limit_minor, order.currency)
        doubts.append(("fraud", f"Cash on delivery is {cash}; above {limit} a person decides."))
    for block in await blocks_of(session, order):
        why = f": {block.reason}" if block.reason else ""
        doubts.append(("fraud", f"The consignee's {block.kind} is on the block list{why}."))
    if rules.new_place_orders is not None:
        same_place = Order.consignee_place_key == order.consignee_place_key
        since = order.captured_at - NEW_PLACE_WITHIN
        lately = select(func.count()).where(
            same_place, Order.captured_at >= since, Order.state != "draft"
        )
        count = await session.scalar(lately) or 0
        known = select(Order.id).where(same_place, Order.state.in_(("delivered", "completed")))
        if count > rules.new_place_orders and not await session.scalar(known.limit(1)):
            reason = f"{count} orders within an hour for a place that never got one."
            doubts.append(("fraud", reason))
    return doubts


async def _duplicate_doubts(session: AsyncSession, order: Order, rules: OrderRules) -> Doubts:
    """Of two that look the same, the later one waits, unless the earlier was the slower one to be
    looked at. What a person copied on purpose is no duplicate."""
    if order.origin:
        return []
    ways = []
    if rules.duplicate_within_s:
        since = order.captured_at - timedelta(seconds=rules.duplicate_within_s)
        ways.append(and_(Order.channel != order.channel, Order.captured_at >= since))
    if rules.repeat_within_s:
        since = order.captured_at - timedelta(seconds=rules.repeat_within_s)
        unnumbered = Order.channel == order.channel
        if order.external_id is not None:
            unnumbered = and_(unnumbered, Order.external_id.is_(None))
        ways.append(and_(unnumbered, Order.captured_at >= since))
    if not ways:
        return []
    consignee = [Order.consignee_place_key == order.consignee_place_key]
    if order.consignee_phone:
        consignee.append(
            and_(
                Order.consignee_phone != "",
                Order.consignee_phone_digits == order.consignee_phone_digits,
            )
        )
    if order.consignee_email:
        email = func.lower(Order.consignee_email)
        consignee.append(email == order.consignee_email.lower())
    earlier = tuple_(Order.captured_at, Order.id) < tuple_(order.captured_at, order.id)
    other = (
        await session.execute(
            select(Order.number, Order.channel)
            .where(
                Order.account_id == order.account_id,
                Order.goods_key == order.goods_key,
                Order.id != order.id,
                Order.captured_at <= clock.now(),
                or_(*ways),
                or_(*consignee),
                or_(
                    and_(earlier, Order.state.not_in(("draft", "cancelled"))),
                    Order.state.in_((*UNBILLED, "delivered", "completed")),
                ),
            )
            .order_by(Order.captured_at, Order.id)
            .limit(1)
        )
    ).first()
    if other is None:
        return []
    reason = f"The same goods for the same consignee as order {other.number} ({other.channel})."
    return [("duplicate", reason)]
