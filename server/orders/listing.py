"""Looking at orders: one, many, and what happened to one."""

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

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
    """Newest first, captured from `since` to before `until`. Every word of `text` is looked for in
    the numbers, the reference, the names, the e-mail address and the telephone number; but who
    types a whole number or reference gets what has it."""
    query = select(Order).order_by(Order.captured_at.desc(), Order.id.desc()).limit(limit + 1)
    if account_id:
        query = query.where(Order.account_id == account_id)
    if state:
        query = query.where(Order.state == state)
    if text and await _is_named(session, text):
        query = query.where(_named(text))
    else:
        for word in _words(text):
            query = query.where(Order.search_text.ilike(f"%{_literally(word)}%", escape="\\"))
    if since:
        query = query.where(Order.captured_at >= since)
    if until:
        query = query.where(Order.captured_at < until)
    if after:
        last = await load_order(session, after, account_id=account_id)
        query = query.where(tuple_(Order.captured_at, Order.id) < tuple_(last.captured_at, last.id))
    found = (await session.scalars(query)).all()
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


async def _is_named(session: AsyncSession, text: str) -> bool:
    return await session.scalar(select(Order.id).where(_named(text)).limit(1)) is not None


def _words(text: str) -> list[str]:
    """A telephone number is one word, however it is cut up; the rest is cut at its spaces."""
    if PHONE.fullmatch(text):
        return [re.sub("[^0-9]", "", text).removeprefix("00")]
    return text.split()


PHONE = re.compile(r"\s*[0-9+(][0-9 ()/.+-]{4,}")


def _literally(word: str) -> str:
    """The word as an ILIKE pattern that matches itself only."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
