"""Looking at orders: one, many, and what happened to one."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import msgspec
from sqlalchemy import (
    ColumnElement,
    FromClause,
    Subquery,
    Text,
    cast,
    func,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from server.orders.errors import UnknownOrder
from server.orders.models import Order, OrderEventRow, OrderHold, OrderLineRow
from server.orders.order import (
    HoldView,
    OrderLine,
    OrderLogEntry,
    OrderPage,
    OrderState,
    OrderView,
    Party,
)
from server.orders.search import pattern_of, slice_of


async def get_order(
    session: AsyncSession, order_id: UUID, *, account_id: UUID | None = None, lock: bool = False
) -> OrderView:
    """The order; with `account_id` only if it is that account's.

    lock: nobody else moves or amends it until the end of the transaction.
    """
    order = await load_order(session, order_id, account_id=account_id, lock=lock)
    return (await views_of(session, [order]))[0]


async def list_orders(
    session: AsyncSession,
    *,
    account_id: UUID | None = None,
    state: OrderState | None = None,
    text: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 50,
    after: UUID | None = None,
) -> OrderPage:
    """Newest first, captured from `since` to before `until`. Every word of `text` has to begin
    a word of the numbers, the reference, the names, the addresses, the e-mail address or the
    telephone number; of nothing but numbers only the last may be unfinished. Who types a whole
    number or reference gets what has it."""
    last = await load_order(session, after, account_id=account_id) if after else None
    order: type[Order] = Order
    query, newest_first = select(Order), []
    if text.strip():
        span = await _span(session, text)
        pattern = pattern_of(text, account_id)
        if span.named:
            query = query.where(_named(text))
        elif pattern is None or span.newest_at is None or span.oldest_at is None:
            return OrderPage(items=[], next=None)
        else:
            ends = [at for at in (span.newest_at, until, last and last.captured_at) if at]
            begins = [at for at in (span.oldest_at, since) if at]
            slices = _slices(slice_of(min(ends)), slice_of(max(begins)))
            order = aliased(Order, _with_words(pattern, slices))
            query = select(order).join_from(slices, order, true())
            newest_first = [slices.c.slice.desc()]
    if account_id:
        query = query.where(order.account_id == account_id)
    if state:
        query = query.where(order.state == state)
    if since:
        query = query.where(order.captured_at >= since)
    if until:
        query = query.where(order.captured_at < until)
    if last:
        query = query.where(tuple_(order.captured_at, order.id) < tuple_(last.captured_at, last.id))
    newest_first += [order.captured_at.desc(), order.id.desc()]
    found = (await session.scalars(query.order_by(*newest_first).limit(limit + 1))).all()
    items = await views_of(session, found[:limit])
    return OrderPage(items=items, next=items[-1].id if len(found) > limit else None)


async def order_history(
    session: AsyncSession,
    order_id: UUID,
    *,
    account_id: UUID | None = None,
    after_version: int = 0,
) -> list[OrderLogEntry]:
    """What happened to the order, oldest first."""
    await load_order(session, order_id, account_id=account_id)
    rows = await session.scalars(
        select(OrderEventRow)
        .where(OrderEventRow.order_id == order_id, OrderEventRow.version > after_version)
        .order_by(OrderEventRow.id)
    )
    return [msgspec.convert(row, OrderLogEntry, from_attributes=True) for row in rows]


async def load_order(
    session: AsyncSession, order_id: UUID, *, account_id: UUID | None = None, lock: bool = False
) -> Order:
    """The row itself, within this room; locked when it is about to change."""
    query = select(Order).where(Order.id == order_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    order = await session.scalar(query)
    if order is None or (account_id and order.account_id != account_id):
        raise UnknownOrder(order_id=order_id)
    return order


async def lock_orders(session: AsyncSession, order_ids: Collection[UUID]) -> list[Order]:
    """The rows themselves, within this room, oldest first; nobody else moves or amends them until
    the end of the transaction."""
    rows = await session.scalars(
        select(Order)
        .where(Order.id.in_(order_ids))
        .order_by(Order.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = list(rows)
    if missing := set(order_ids).difference(order.id for order in found):
        raise UnknownOrder(order_id=missing.pop())
    return found


async def views_of(session: AsyncSession, orders: Sequence[Order]) -> list[OrderView]:
    lines: dict[UUID, list[OrderLine]] = defaultdict(list)
    rows = await session.scalars(
        select(OrderLineRow)
        .where(OrderLineRow.order_id.in_([order.id for order in orders]))
        .order_by(OrderLineRow.order_id, OrderLineRow.position)
    )
    for row in rows:
        lines[row.order_id].append(msgspec.convert(row, OrderLine, from_attributes=True))
    holds = await holds_of(session, [order.id for order in orders if order.state == "on_hold"])
    return [view_of(order, tuple(lines[order.id]), holds[order.id]) for order in orders]


async def holds_of(
    session: AsyncSession, order_ids: Sequence[UUID]
) -> defaultdict[UUID, tuple[HoldView, ...]]:
    """The open holds of each, oldest first."""
    holds: defaultdict[UUID, tuple[HoldView, ...]] = defaultdict(tuple)
    if order_ids:
        rows = await session.scalars(
            select(OrderHold)
            .where(OrderHold.order_id.in_(order_ids), OrderHold.released_at.is_(None))
            .order_by(OrderHold.id)
        )
        for row in rows:
            holds[row.order_id] += (msgspec.convert(row, HoldView, from_attributes=True),)
    return holds


def view_of(
    order: Order,
    lines: tuple[OrderLine, ...],
    holds: tuple[HoldView, ...] = (),
    *,
    is_new: bool = False,
) -> OrderView:
    fields = {name: getattr(order, name) for name in OrderView.__struct_fields__ if name in PLAIN}
    return msgspec.convert(
        {
            **fields,
            "consignor": party_of(order, "consignor") if order.consignor_place_id else None,
            "consignee": party_of(order, "consignee"),
            "lines": lines,
            "holds": holds,
            "is_new": is_new,
        },
        OrderView,
    )


def party_of(order: Order, role: str) -> Party:
    return Party(**{name: getattr(order, f"{role}_{name}") for name in Party.__struct_fields__})


PLAIN = frozenset(OrderView.__struct_fields__) - {
    "consignor",
    "consignee",
    "lines",
    "holds",
    "is_new",
}
"""The fields of an OrderView that are columns of the same name."""


def _named(text: str) -> ColumnElement[bool]:
    name = text.strip()
    return or_(Order.number == name, Order.external_id == name, Order.reference == name)


class _Span(NamedTuple):
    """named: an order has this very number or reference. Oldest and newest of all orders."""

    named: UUID | None
    oldest_at: datetime | None
    newest_at: datetime | None


async def _span(session: AsyncSession, text: str) -> _Span:
    named = select(Order.id).where(_named(text)).limit(1).scalar_subquery()
    oldest, newest = (
        select(each(Order.captured_at)).scalar_subquery() for each in (func.min, func.max)
    )
    return _Span(*(await session.execute(select(named, oldest, newest))).one())


def _slices(newest: int, oldest: int) -> Subquery:
    """Newest first, and known to the planner as sorted, so that it takes no more than it needs."""
    number = func.generate_series(newest, oldest, -1).column_valued("slice")
    return select(number).order_by(number.desc()).subquery()


def _with_words(pattern: str, slices: Subquery) -> FromClause:
    """The orders of a slice with these words. "offset 0" keeps the other conditions out of it, so
    that they are looked at only for what the words lead to."""
    wanted = func.replace(pattern, "?", cast(slices.c.slice, Text)).cast(TSQUERY)
    return select(Order).where(Order.search_words.bool_op("@@")(wanted)).offset(0).lateral()
