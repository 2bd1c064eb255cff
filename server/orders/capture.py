"""Taking orders in."""

import hashlib
from collections import Counter
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.kit import clock
from server.kit.ids import new_id
from server.kit.outbox import emit
from server.kit.settings import UTC_ZONE
from server.orders.errors import OrderNumberTaken
from server.orders.event_log import record
from server.orders.events import OrderCaptured, OrderQuoted
from server.orders.listing import view_of, views_of
from server.orders.models import Order, OrderLineRow, order_number
from server.orders.order import OrderDraft, OrderLine, OrderView, Party, Quote
from server.orders.rules import (
    WINDOWS,
    check_content,
    check_windows,
    fill_pickup_window,
    promised_window,
)
from server.orders.service_levels import service_level

DEFAULT_SERVICE_LEVEL = "next_day"


async def capture_order(
    session: AsyncSession,
    draft: OrderDraft,
    *,
    by: str,
    zone: ZoneInfo = UTC_ZONE,
    quote: Quote | None = None,
) -> OrderView:
    """Take the order in, or find it when it came before over the same channel (`is_new` False).

    zone: the company's, in which the days and cut-offs of service levels are counted.
    quote: it is only offered so far, and stays a draft until somebody accepts it.

    Raises
    ------
    OrderNumberTaken
        When the channel used the number before, for something else.
    """
    if repeated := await _repeat_of(session, draft):
        return repeated
    draft = await with_windows(session, draft, zone)
    order = await insert_order(session, draft, quote)
    if order is None:  # the same order came twice at this moment, and the other one was first
        repeated = await _repeat_of(session, draft)
        assert repeated is not None
        return repeated
    set_lines(session, order, draft.lines)
    record(session, order, "quoted" if quote else "captured", by)
    emit(session, OrderQuoted(order_id=order.id) if quote else OrderCaptured(order_id=order.id))
    return view_of(order, draft.lines, is_new=True)


async def find_repeat(
    session: AsyncSession,
    *,
    account_id: UUID,
    channel: str,
    external_id: str,
    source_sha256: str = "",
) -> OrderView | None:
    """The order that came over this channel under this number before; `is_new` is False.

    Raises
    ------
    OrderNumberTaken
        When that one was for something else.
    """
    first = await session.scalar(
        select(Order).where(
            Order.account_id == account_id,
            Order.channel == channel,
            Order.external_id == external_id,
        )
    )
    if first is None:
        return None
    if source_sha256 and first.source_sha256 not in ("", source_sha256):
        raise OrderNumberTaken(field="external_id", external_id=external_id, number=first.number)
    return (await views_of(session, [first]))[0]


async def _repeat_of(session: AsyncSession, draft: OrderDraft) -> OrderView | None:
    if draft.external_id is None:
        return None
    return await find_repeat(
        session,
        account_id=draft.account_id,
        channel=draft.channel,
        external_id=draft.external_id,
        source_sha256=draft.source_sha256,
    )


async def with_windows(
    session: AsyncSession, draft: OrderDraft, zone: ZoneInfo, *, check: bool = True
) -> OrderDraft:
    """The draft found sensible; a window that it lacks is filled from its service level."""
    now = clock.now()
    check_content(draft)
    if check:
        check_windows(draft, now=now)
    if draft.service_level or draft.window_end_at is None:
        level = await service_level(session, draft.service_level or DEFAULT_SERVICE_LEVEL)
        draft = msgspec.structs.replace(draft, service_level=level.code)
        if draft.window_end_at is None:
            start, end = promised_window(level, now=now, zone=zone)
            draft = msgspec.structs.replace(draft, window_start_at=start, window_end_at=end)
    draft = fill_pickup_window(draft, now=now, zone=zone)
    if check:
        check_windows(draft, now=now)
    return draft


async def insert_order(
    session: AsyncSession, draft: OrderDraft, quote: Quote | None = None
) -> Order | None:
    """The order as it was stored, or None when another transaction has just taken its external
    id."""
    number = await session.scalar(order_number.next_value())
    columns = {
        "id": new_id(),
        "number": f"O-{number:06d}",
        "account_id": draft.account_id,
        "kind": draft.kind,
        "state": "draft" if quote else "received",
        "version": 1,
        "channel": draft.channel,
        "external_id": draft.external_id,
        "source_sha256": draft.source_sha256,
        "currency": draft.currency,
        "captured_at": clock.now(),
        "origin": draft.origin,
        "origin_order_id": draft.origin_order_id,
        "cancel_fee_minor": 0,
        "quote_expires_at": quote.expires_at if quote else None,
        "price_note": quote.price_note if quote else "",
        **columns_of(draft),
    }
    inserted = await session.scalar(INSERT_UNLESS_REPEATED, columns)
    return Order(**columns) if inserted else None


INSERT_UNLESS_REPEATED = (
    insert(Order)
    .on_conflict_do_nothing(index_elements=["account_id", "channel", "external_id"])
    .returning(Order.id)
)


def columns_of(draft: OrderDraft) -> dict[str, Any]:
    """What of an order may be amended, as its columns."""
    return {
        "reference": draft.reference,
        **_party_columns("consignor", draft.consignor),
        **_party_columns("consignee", draft.consignee),
        "parcels": msgspec.to_builtins(draft.parcels),
        **{name: getattr(draft, name) for name in WINDOWS},
        "service_level": draft.service_level,
        "instructions": draft.instructions,
        "skills": list(draft.skills),
        "proof": msgspec.to_builtins(draft.proof),
        "pin": draft.pin,
        "cash_minor": draft.cash_minor,
        "goods_key": goods_key(draft),
        "value_minor": sum(line.quantity * (line.unit_price_minor or 0) for line in draft.lines),
    }


def goods_key(draft: OrderDraft) -> str:
    """The same for two orders of the same goods, however they are lined up."""
    quantities: Counter[str] = Counter()
    for line in draft.lines:
        quantities[line.sku] += line.quantity
    parcels = sorted(msgspec.structs.astuple(parcel) for parcel in draft.parcels)
    goods = msgspec.json.encode([sorted(quantities.items()), parcels])
    return hashlib.sha256(goods).hexdigest()[:32]


def _party_columns(role: str, party: Party | None) -> dict[str, Any]:
    """Of a place of which nothing is known, the id is the key."""
    if party and not party.place_key:
        party = msgspec.structs.replace(party, place_key=str(party.place_id))
    return {
        f"{role}_{name}": getattr(party, name) if party else None
        for name in Party.__struct_fields__
    }


def set_lines(session: AsyncSession, order: Order, lines: tuple[OrderLine, ...]) -> None:
    session.add_all(
        OrderLineRow(order_id=order.id, position=position, **msgspec.structs.asdict(line))
        for position, line in enumerate(lines, 1)
    )
