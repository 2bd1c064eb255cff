"""What is looked at before an order is accepted. Nothing is ever dropped: what raises a doubt is
held, with every doubt named, until a person releases or cancels it."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import and_, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from server.kit import clock
from server.kit.money import Money
from server.orders.event_log import move
from server.orders.holds import place_holds
from server.orders.listing import lock_orders, views_of
from server.orders.models import Order, OrderRules
from server.orders.order import Credit, HoldKind, OrderView
from server.orders.rulebook import blocks_of

UNBILLED = ("accepted", "processing", "in_fulfilment", "shipped")
"""The states of orders that are promised to the account and not yet billed to it."""

NEW_PLACE_WITHIN = timedelta(hours=1)

Doubts = list[tuple[HoldKind, str]]

CreditOf = Callable[[UUID], Awaitable[Credit]]
"""Account -> what it may owe."""


async def accept_orders(
    session: AsyncSession,
    order_ids: Collection[UUID],
    *,
    credit_of: CreditOf | None = None,
    by: str,
) -> list[OrderView]:
    """Accept received orders, or hold each for everything that speaks against it, the oldest first.
    Anything but a received order is left as it is, so a repeat does nothing; what a person released
    is accepted. All of them stay locked.

    credit_of: an account's; None when nobody asks about it.
    """
    orders = await lock_orders(session, order_ids)
    received = [order for order in orders if order.state == "received"]
    doubts = await _doubts(
        session, [order for order in received if order.accepted_at is None], credit_of
    )
    for order in received:
        move(session, order, "accepted", by)
        if doubts[order.id]:
            await place_holds(session, order, doubts[order.id], by=by)
    return await views_of(session, orders)


async def _doubts(
    session: AsyncSession, orders: Sequence[Order], credit_of: CreditOf | None
) -> defaultdict[UUID, Doubts]:
    doubts: defaultdict[UUID, Doubts] = defaultdict(list)
    if orders:
        rules = await session.get_one(OrderRules, 1)
        await _doubt_honesty(session, orders, rules, doubts)
        await _doubt_repeats(session, orders, rules, doubts)
        if credit_of:
            await _doubt_credit(session, orders, credit_of, doubts)
    return doubts


async def _doubt_credit(
    session: AsyncSession,
    orders: Sequence[Order],
    credit_of: CreditOf,
    doubts: defaultdict[UUID, Doubts],
) -> None:
    """Orders of one account are looked at one after the other: two that fit the limit each, but
    not together, never pass at once. What is held for another reason owes nothing yet."""
    for account_id in sorted({order.account_id for order in orders}):
        credit = await credit_of(account_id)
        unbilled_minor = await _unbilled_minor(session, account_id, credit)
        for order in orders:
            if order.account_id != account_id:
                continue
            if reason := _credit_doubt(order, credit, unbilled_minor):
                doubts[order.id].insert(0, ("credit", reason))
            elif not doubts[order.id]:
                unbilled_minor += order.value_minor


async def _unbilled_minor(session: AsyncSession, account_id: UUID, credit: Credit) -> int:
    """What the account is promised and not billed for; nobody else promises it more until the end
    of the transaction. Not looked at where there is no limit."""
    if credit.limit_minor is None or not credit.active:
        return 0
    key = func.hashtextextended(f"credit of {account_id}", 0)
    await session.execute(select(func.pg_advisory_xact_lock(key)))
    unbilled = await session.scalar(
        select(func.coalesce(func.sum(Order.value_minor), 0)).where(
            Order.account_id == account_id,
            Order.currency == credit.currency,
            Order.state.in_(UNBILLED),
        )
    )
    return int(unbilled or 0)


def _credit_doubt(order: Order, credit: Credit, unbilled_minor: int) -> str:
    if not credit.active:
        return "The account is closed."
    if credit.limit_minor is None:
        return ""
    if order.currency != credit.currency:
        return f"The credit limit is in {credit.currency}, the order in {order.currency}."
    total = credit.owed_minor + unbilled_minor + order.value_minor
    if total <= credit.limit_minor:
        return ""
    owed, limit = Money(total, credit.currency), Money(credit.limit_minor, credit.currency)
    return f"With this order the account owes {owed}; its limit is {limit}."


async def _doubt_honesty(
    session: AsyncSession,
    orders: Sequence[Order],
    rules: OrderRules,
    doubts: defaultdict[UUID, Doubts],
) -> None:
    blocks = await blocks_of(session, orders)
    for order in orders:
        if rules.cash_limit_minor is not None and order.cash_minor > rules.cash_limit_minor:
            cash = Money(order.cash_minor, order.currency)
            limit = Money(rules.cash_limit_minor, order.currency)
            reason = f"Cash on delivery is {cash}; above {limit} a person decides."
            doubts[order.id].append(("fraud", reason))
        for block in blocks[order.id]:
            reason = f"The consignee's {block.kind} is on the block list."
            if block.reason:
                reason = f"The consignee's {block.kind} is on the block list: {block.reason}."
            doubts[order.id].append(("fraud", reason))
        if rules.new_place_orders is not None:
            count = await _orders_for_new_place(session, order)
            if count > rules.new_place_orders:
                reason = f"{count} orders within an hour for a place that never got one."
                doubts[order.id].append(("fraud", reason))


async def _orders_for_new_place(session: AsyncSession, order: Order) -> int:
    """How many came lately for a place that never got one; 0 when it did."""
    same_place = Order.consignee_place_key == order.consignee_place_key
    since = order.captured_at - NEW_PLACE_WITHIN
    lately = select(func.count()).where(
        same_place, Order.captured_at >= since, Order.state != "draft"
    )
    known = select(Order.id).where(same_place, Order.state.in_(("delivered", "completed")))
    count = await session.scalar(lately) or 0
    return 0 if await session.scalar(known.limit(1)) else count


async def _doubt_repeats(
    session: AsyncSession,
    orders: Sequence[Order],
    rules: OrderRules,
    doubts: defaultdict[UUID, Doubts],
) -> None:
    """Of two that look the same, the later one waits, unless the earlier was the slower one to be
    looked at. What a person copied on purpose is no duplicate."""
    order, other = aliased(Order), aliased(Order)
    ways = []
    if rules.duplicate_within_s:
        since = order.captured_at - timedelta(seconds=rules.duplicate_within_s)
        ways.append(and_(other.channel != order.channel, other.captured_at >= since))
    if rules.repeat_within_s:
        since = order.captured_at - timedelta(seconds=rules.repeat_within_s)
        unnumbered = or_(order.external_id.is_(None), other.external_id.is_(None))
        ways.append(and_(other.channel == order.channel, unnumbered, other.captured_at >= since))
    if not ways:
        return
    longest_s = max(rules.duplicate_within_s or 0, rules.repeat_within_s or 0)
    same_phone = and_(
        order.consignee_phone != "",
        other.consignee_phone != "",
        other.consignee_phone_digits == order.consignee_phone_digits,
    )
    same_email = and_(
        order.consignee_email != "",
        func.lower(other.consignee_email) == func.lower(order.consignee_email),
    )
    same_place = other.consignee_place_key == order.consignee_place_key
    earlier = tuple_(other.captured_at, other.id) < tuple_(order.captured_at, order.id)
    found = await session.execute(
        select(order.id, other.number, other.channel)
        .join_from(
            order,
            other,
            and_(other.account_id == order.account_id, other.goods_key == order.goods_key),
        )
        .where(
            order.id.in_([each.id for each in orders]),
            order.origin == "",
            other.id != order.id,
            other.captured_at >= order.captured_at - timedelta(seconds=longest_s),
            other.captured_at <= clock.now(),
            or_(*ways),
            or_(same_place, same_phone, same_email),
            or_(
                and_(earlier, other.state.not_in(("draft", "cancelled"))),
                other.state.in_((*UNBILLED, "delivered", "completed")),
            ),
        )
        .ext(distinct_on(order.id))
        .order_by(order.id, other.captured_at, other.id)
    )
    for order_id, number, channel in found:
        reason = f"The same goods for the same consignee as order {number} ({channel})."
        doubts[order_id].append(("duplicate", reason))
