"""One order made into two, two into one, and one more like it."""

import dataclasses
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity.service import record_audit
from server.kit.outbox import emit
from server.kit.settings import UTC_ZONE
from server.orders.amendment import (
    draft_of,
    require_no_exchange,
    require_not_picking,
    require_not_shipped,
    require_version,
    rewrite,
)
from server.orders.capture import capture_order, insert_orders, set_lines
from server.orders.errors import (
    HeldOrder,
    NotAlike,
    NothingLeft,
    NothingSplitOff,
    NotYetAccepted,
    QuoteIsOpen,
    TooManyLines,
    UnknownOrderLine,
)
from server.orders.event_log import record
from server.orders.events import OrderCaptured
from server.orders.holds import open_holds, place_holds
from server.orders.listing import get_order, load_order, views_of
from server.orders.models import Order
from server.orders.order import (
    MAX_LINES,
    MAX_PARCELS,
    CashMinor,
    HoldKind,
    OrderLine,
    OrderView,
    Quantity,
)
from server.orders.progress import give_up
from server.orders.rules import WINDOWS

NOT_INHERITED: tuple[HoldKind, ...] = ("stock",)
"""Holds that say nothing about the part that is split off."""


class SplitLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """position: of the order's line, from 1."""

    position: Annotated[int, Meta(ge=1, le=MAX_LINES)]
    quantity: Quantity


async def split_order(
    session: AsyncSession,
    order_id: UUID,
    lines: Sequence[SplitLine],
    *,
    parcels: Sequence[int] = (),
    cash_minor: CashMinor = 0,
    expected_version: int,
    by: str,
) -> tuple[OrderView, OrderView]:
    """Put quantities of lines, parcels (by position, from 1) and cash into a second order: what is
    left, and what was split off. The second is as accepted, and as doubtful, as the first.

    Raises
    ------
    UnknownOrderLine, NothingSplitOff, NothingLeft, OrderChanged, ReplacesGoods, PickingBegan,
    AlreadyShipped
    """
    order = await load_order(session, order_id, lock=True)
    _require_open(order)
    await require_version(session, order, expected_version)
    before = (await views_of(session, [order]))[0]
    kept, moved = _divide(before, lines)
    for position in parcels:
        if not 1 <= position <= len(before.parcels):
            raise UnknownOrderLine(number=order.number, position=position)
    if not moved and not parcels:
        raise NothingSplitOff(field="lines")
    kept_parcels = tuple(
        each for position, each in enumerate(before.parcels, 1) if position not in parcels
    )
    moved_parcels = tuple(before.parcels[position - 1] for position in sorted(set(parcels)))
    if not (kept or kept_parcels) or cash_minor > order.cash_minor:
        raise NothingLeft(number=order.number)
    left = draft_of(
        before, lines=kept, parcels=kept_parcels, cash_minor=order.cash_minor - cash_minor
    )
    after = await rewrite(session, order, before, left, what="split", by=by)
    part = draft_of(
        before,
        external_id=None,
        lines=moved,
        parcels=moved_parcels,
        cash_minor=cash_minor,
        origin="split",
        origin_order_id=order.id,
    )
    second = (await insert_orders(session, {1: part}))[1]
    second.accepted_at = order.accepted_at
    row = await load_order(session, second.id, lock=True)
    row.accepted_at = order.accepted_at
    set_lines(session, row, moved)
    record(session, row, "captured", by, reason=f"split off order {order.number}")
    inherited: list[tuple[HoldKind, str]] = [
        (hold.kind, hold.reason)  # type: ignore[misc]
        for hold in await open_holds(session, order)
        if hold.kind not in NOT_INHERITED
    ]
    if inherited:
        await place_holds(session, row, inherited, by=by)
    emit(session, OrderCaptured(order_id=row.id))
    await session.flush()
    await _audit(session, "order.split", order, by, into=row.number)
    return after, (await views_of(session, [row]))[0]


async def merge_orders(
    session: AsyncSession, order_id: UUID, other_id: UUID, *, by: str
) -> OrderView:
    """Put all of the other order into this one, and cancel the other, free of charge.

    Raises
    ------
    NotAlike
        Unless account, kind, currency, cost centre and consignee are the same.
    HeldOrder, NotYetAccepted, TooManyLines, ReplacesGoods, PickingBegan, AlreadyShipped
    """
    if order_id == other_id:
        raise NotAlike(field="other_id", difference="they are one and the same order")
    rows = {
        each: await load_order(session, each, lock=True) for each in sorted((order_id, other_id))
    }
    order, other = rows[order_id], rows[other_id]
    for each in (order, other):
        _require_open(each)
        for hold in await open_holds(session, each):
            if hold.kind not in ("stock", "duplicate"):
                raise HeldOrder(number=each.number, kind=hold.kind)
    if (order.accepted_at is None) != (other.accepted_at is None):
        raise NotYetAccepted(number=(other if order.accepted_at else order).number)
    _require_alike(order, other)
    into, of_other = await views_of(session, [order, other])
    parcels = into.parcels + of_other.parcels
    lines = _joined(into.lines + of_other.lines)
    if len(lines) > MAX_LINES or len(parcels) > MAX_PARCELS:
        raise TooManyLines(max_lines=MAX_LINES, max_parcels=MAX_PARCELS)
    give_up(session, other, "merged", by, reason=f"merged into order {order.number}")
    draft = draft_of(
        into, lines=lines, parcels=parcels, cash_minor=into.cash_minor + of_other.cash_minor
    )
    after = await rewrite(session, order, into, draft, what="merged", by=by)
    await _audit(session, "order.merged", order, by, of=other.number)
    return after


async def clone_order(
    session: AsyncSession,
    order_id: UUID,
    *,
    by: str,
    account_id: UUID | None = None,
    zone: ZoneInfo = UTC_ZONE,
) -> OrderView:
    """The same again, now, when its service level promises it; without cash and PIN, which were
    meant for the first one."""
    view = await get_order(session, order_id, account_id=account_id)
    draft = draft_of(
        view,
        **dict.fromkeys(WINDOWS),
        external_id=None,
        cash_minor=0,
        pin=None,
        proof=dataclasses.replace(view.proof, pin="off"),
        origin="clone",
        origin_order_id=view.id,
    )
    return await capture_order(session, draft, by=by, zone=zone)


def _divide(
    order: OrderView, lines: Sequence[SplitLine]
) -> tuple[tuple[OrderLine, ...], tuple[OrderLine, ...]]:
    """What stays, and what goes."""
    left = [line.quantity for line in order.lines]
    for each in lines:
        if each.position > len(left) or left[each.position - 1] < each.quantity:
            raise UnknownOrderLine(number=order.number, position=each.position)
        left[each.position - 1] -= each.quantity
    kept, moved = [], []
    for line, quantity in zip(order.lines, left, strict=True):
        if quantity:
            kept.append(msgspec.structs.replace(line, quantity=quantity))
        if quantity < line.quantity:
            moved.append(msgspec.structs.replace(line, quantity=line.quantity - quantity))
    return tuple(kept), tuple(moved)


def _joined(lines: tuple[OrderLine, ...]) -> tuple[OrderLine, ...]:
    """The lines, those of the same SKU at the same price as one."""
    joined: dict[tuple[str, int | None, str], OrderLine] = {}
    for line in lines:
        key = (line.sku, line.unit_price_minor, line.description)
        before = joined[key].quantity if key in joined else 0
        joined[key] = msgspec.structs.replace(line, quantity=line.quantity + before)
    return tuple(joined.values())


def _require_open(order: Order) -> None:
    if order.state == "draft":
        raise QuoteIsOpen(number=order.number)
    require_not_shipped(order)
    require_no_exchange(order)
    require_not_picking(order)


def _require_alike(order: Order, other: Order) -> None:
    for name, words in (
        ("account_id", "accounts"),
        ("kind", "kinds"),
        ("currency", "currencies"),
        ("cost_centre", "cost centres"),
        ("consignee_name", "consignees"),
        ("consignee_place_key", "places of delivery"),
        ("consignor_place_key", "places of collection"),
    ):
        if getattr(order, name) != getattr(other, name):
            raise NotAlike(field="other_id", difference=f"they have different {words}")


async def _audit(session: AsyncSession, action: str, order: Order, by: str, **said: str) -> None:
    await record_audit(session, by=by, action=action, subject=f"order:{order.id}", details=said)
