"""Taking orders in."""

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.kit import clock
from server.kit.errors import PostriderError
from server.kit.ids import new_id
from server.kit.outbox import emit
from server.kit.settings import UTC_ZONE
from server.orders.errors import OrderNumberTaken
from server.orders.event_log import record
from server.orders.events import OrderCaptured, OrderQuoted
from server.orders.listing import view_of, views_of
from server.orders.models import Order, OrderLineRow, ServiceLevel
from server.orders.order import OrderDraft, OrderLine, OrderView, Party, Quote, Sent
from server.orders.rules import (
    WINDOWS,
    check_content,
    check_quote,
    check_windows,
    fill_pickup_window,
    promised_window,
)
from server.orders.service_levels import all_levels, level_called

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
    (captured,) = await capture_orders(session, [draft], by=by, zone=zone, quote=quote)
    if isinstance(captured, PostriderError):
        raise captured
    return captured


async def capture_orders(
    session: AsyncSession,
    drafts: Sequence[OrderDraft],
    *,
    by: str,
    zone: ZoneInfo = UTC_ZONE,
    quote: Quote | None = None,
) -> list[OrderView | PostriderError]:
    """Many orders at once, in a handful of statements: for each what `capture_order` would answer,
    or why it is refused."""
    checked = await check_drafts(session, drafts, zone=zone, quote=quote)
    fit = [each for each in checked if isinstance(each, OrderDraft)]
    captured = iter(await capture_checked(session, fit, by=by, quote=quote))
    return [next(captured) if isinstance(each, OrderDraft) else each for each in checked]


async def check_drafts(
    session: AsyncSession,
    drafts: Sequence[OrderDraft],
    *,
    zone: ZoneInfo,
    quote: Quote | None = None,
) -> list[OrderDraft | OrderView | PostriderError]:
    """For each the draft as it may be captured, with its windows filled; or the order when it came
    before, or what speaks against it. Places are not looked at."""
    repeats = await find_repeats(session, [sent_as(draft) for draft in drafts])
    levels = await all_levels(session)
    checked: list[OrderDraft | OrderView | PostriderError] = []
    for draft in drafts:
        if repeat := repeats.get(sent_as(draft)):
            checked.append(repeat)
            continue
        try:
            filled = fill_windows(draft, levels, zone)
            check_quote(filled, quote, now=clock.now())
            checked.append(filled)
        except PostriderError as refused:
            checked.append(refused)
    return checked


async def capture_checked(
    session: AsyncSession, drafts: Sequence[OrderDraft], *, by: str, quote: Quote | None = None
) -> list[OrderView | PostriderError]:
    """Capture what `check_drafts` let through."""
    captured: dict[int, OrderView | PostriderError] = {}
    filled = dict(enumerate(drafts))
    orders = await insert_orders(session, filled, quote)
    for number, order in orders.items():
        draft = filled[number]
        set_lines(session, order, draft.lines)
        record(session, order, "quoted" if quote else "captured", by)
        emit(session, OrderQuoted(order_id=order.id) if quote else OrderCaptured(order_id=order.id))
        captured[number] = view_of(order, draft.lines, is_new=True)
    if late := {number: draft for number, draft in filled.items() if number not in orders}:
        # the same order came twice at this moment, and the other one was first
        repeats = await find_repeats(session, [sent_as(draft) for draft in late.values()])
        captured |= {number: repeats[sent_as(draft)] for number, draft in late.items()}
    return [captured[number] for number in range(len(drafts))]


async def find_repeats(
    session: AsyncSession, sent: Collection[Sent]
) -> dict[Sent, OrderView | PostriderError]:
    """What of this came before: the order, `is_new` False, or OrderNumberTaken when the number was
    used for something else."""
    numbers = {each[:3]: each for each in sent if each.external_id is not None}
    if not numbers:
        return {}
    number = tuple_(Order.account_id, Order.channel, Order.external_id)
    found = (await session.scalars(select(Order).where(number.in_(list(numbers))))).all()
    repeats: dict[Sent, OrderView | PostriderError] = {}
    for first, view in zip(found, await views_of(session, found) if found else (), strict=True):
        again = numbers[first.account_id, first.channel, first.external_id]
        other = again.source_sha256 and first.source_sha256 not in ("", again.source_sha256)
        repeats[again] = view
        if other:
            repeats[again] = OrderNumberTaken(
                field="external_id", external_id=first.external_id, number=first.number
            )
    return repeats


def sent_as(draft: OrderDraft) -> Sent:
    return Sent(draft.account_id, draft.channel, draft.external_id, draft.source_sha256)


async def with_windows(
    session: AsyncSession, draft: OrderDraft, zone: ZoneInfo, *, check: bool = True
) -> OrderDraft:
    """The draft found sensible; a window that it lacks is filled from its service level."""
    return fill_windows(draft, await all_levels(session), zone, check=check)


def fill_windows(
    draft: OrderDraft, levels: Mapping[str, ServiceLevel], zone: ZoneInfo, *, check: bool = True
) -> OrderDraft:
    now = clock.now()
    check_content(draft)
    if check:
        check_windows(draft, now=now)
    if draft.service_level or draft.window_end_at is None:
        level = level_called(draft.service_level or DEFAULT_SERVICE_LEVEL, levels)
        draft = msgspec.structs.replace(draft, service_level=level.code)
        if draft.window_end_at is None:
            start, end = promised_window(level, now=now, zone=zone)
            draft = msgspec.structs.replace(draft, window_start_at=start, window_end_at=end)
    draft = fill_pickup_window(draft, now=now, zone=zone)
    if check:
        check_windows(draft, now=now)
    return draft


async def insert_orders(
    session: AsyncSession, drafts: Mapping[int, OrderDraft], quote: Quote | None = None
) -> dict[int, Order]:
    """The orders as they were stored, without those of which another transaction has just taken
    the external id."""
    if not drafts:
        return {}
    rows = {number: _row_of(draft, quote) for number, draft in drafts.items()}
    stored = await session.execute(INSERT_UNLESS_REPEATED, list(rows.values()))
    numbers = {row.id: row.number for row in stored}
    return {
        place: Order(**row, number=numbers[row["id"]])
        for place, row in rows.items()
        if row["id"] in numbers
    }


INSERT_UNLESS_REPEATED = (
    insert(Order)
    .on_conflict_do_nothing(index_elements=["account_id", "channel", "external_id"])
    .returning(Order.id, Order.number)
)


def _row_of(draft: OrderDraft, quote: Quote | None) -> dict[str, Any]:
    return {
        "id": new_id(),
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


def columns_of(draft: OrderDraft) -> dict[str, Any]:
    """What of an order may be amended, as its columns."""
    return {
        "reference": draft.reference,
        "cost_centre": draft.cost_centre,
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
