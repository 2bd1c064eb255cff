"""What an account's consignees usually want, learned from what reached them, to be proposed at the
counter. A person may correct it, and have it forgotten."""

from collections import Counter
from collections.abc import Hashable, Sequence
from datetime import datetime, time
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity.service import record_audit
from server.kit import clock
from server.kit.ids import new_id
from server.kit.inputs import Line, Note
from server.orders.errors import HalfWindow, UnknownPreference, WindowEndsBeforeStart
from server.orders.listing import load_order, views_of
from server.orders.models import ConsigneeHabit
from server.orders.order import OrderLine, OrderView
from server.orders.rulebook import phone_digits

REMEMBERED = 10
"""So many delivered orders say what is usual; older ones no longer do."""

LocalTime = Annotated[time, Meta(tz=False)]


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One delivered order."""

    order_id: UUID
    window_start_at: datetime
    window_end_at: datetime
    instructions: str
    lines: tuple[OrderLine, ...]


class PreferenceChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person says counts more than what was learned; null for the learned window."""

    window_start_local: LocalTime | None
    window_end_local: LocalTime | None
    safe_place: Line = ""
    access_note: Note = ""


class PreferenceView(msgspec.Struct, frozen=True, kw_only=True):
    """What to propose for a consignee.

    known_by: "phone", "email" or "place". window_start_local, window_end_local: as somebody said,
    else the most usual; null when nothing is known. goods, instructions: the most usual.
    orders_seen: how many orders that rests on.
    """

    id: UUID
    account_id: UUID
    known_by: str
    window_start_local: time | None
    window_end_local: time | None
    safe_place: str
    access_note: str
    instructions: str
    goods: tuple[OrderLine, ...]
    orders_seen: int
    changed_at: datetime
    changed_by: str


async def find_preferences(
    session: AsyncSession,
    account_id: UUID,
    *,
    phone: str = "",
    email: str = "",
    place_key: str = "",
    zone: ZoneInfo,
) -> list[PreferenceView]:
    """What is known of this consignee of the account, the surest first."""
    keys = _keys(phone, email, place_key)
    rows = await session.scalars(
        select(ConsigneeHabit).where(
            ConsigneeHabit.account_id == account_id, ConsigneeHabit.key.in_(keys)
        )
    )
    return [_view(row, zone) for row in sorted(rows, key=lambda row: keys.index(row.key))]


async def learn_preferences(session: AsyncSession, order_id: UUID) -> None:
    """Remember how this order was delivered; told twice, it counts once."""
    order = (await views_of(session, [await load_order(session, order_id)]))[0]
    to = order.consignee
    (key, *_) = _keys(to.phone, to.email, to.place_key or str(to.place_id))
    await session.execute(
        insert(ConsigneeHabit)
        .values(
            id=new_id(),
            account_id=order.account_id,
            key=key,
            seen=[],
            safe_place="",
            access_note="",
            changed_at=clock.now(),
            changed_by="system",
        )
        .on_conflict_do_nothing()
    )
    row = await session.scalar(
        select(ConsigneeHabit)
        .where(ConsigneeHabit.account_id == order.account_id, ConsigneeHabit.key == key)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is not None and not any(each["order_id"] == str(order.id) for each in row.seen):
        row.seen = [msgspec.to_builtins(_seen(order)), *row.seen][:REMEMBERED]
        await session.flush()


async def change_preference(
    session: AsyncSession,
    preference_id: UUID,
    change: PreferenceChange,
    *,
    by: str,
    account_id: UUID | None = None,
    zone: ZoneInfo,
) -> PreferenceView:
    start, end = change.window_start_local, change.window_end_local
    if (start is None) != (end is None):
        raise HalfWindow(field="window_end_local")
    if start and end and start >= end:
        raise WindowEndsBeforeStart(field="window_end_local")
    row = await _load(session, preference_id, account_id)
    for name, value in msgspec.structs.asdict(change).items():
        setattr(row, name, value)
    row.changed_at, row.changed_by = clock.now(), by
    await _audit(session, "preference.changed", row, by)
    await session.flush()
    return _view(row, zone)


async def forget_preference(
    session: AsyncSession, preference_id: UUID, *, by: str, account_id: UUID | None = None
) -> None:
    """All that is known of the consignee is deleted; the log keeps that it was, not what."""
    row = await _load(session, preference_id, account_id)
    await _audit(session, "preference.forgotten", row, by)
    await session.delete(row)
    await session.flush()


def _keys(phone: str, email: str, place_key: str) -> list[str]:
    """A telephone is one person's more surely than a mailbox, and that more than a door."""
    said = {
        "phone": phone_digits(phone),
        "email": email.strip().casefold(),
        "place": place_key.strip(),
    }
    return [f"{kind}:{value}" for kind, value in said.items() if value]


def _seen(order: OrderView) -> Seen:
    return Seen(
        order_id=order.id,
        window_start_at=order.window_start_at,
        window_end_at=order.window_end_at,
        instructions=order.instructions,
        lines=tuple(msgspec.structs.replace(line, unit_price_minor=None) for line in order.lines),
    )


def _view(row: ConsigneeHabit, zone: ZoneInfo) -> PreferenceView:
    seen = msgspec.convert(row.seen, list[Seen])
    start, end = row.window_start_local, row.window_end_local
    if start is None and seen:
        windows = [(each.window_start_at, each.window_end_at) for each in seen]
        start, end = _usual([(_local(opens, zone), _local(ends, zone)) for opens, ends in windows])
    return PreferenceView(
        id=row.id,
        account_id=row.account_id,
        known_by=row.key.split(":")[0],
        window_start_local=start,
        window_end_local=end,
        safe_place=row.safe_place,
        access_note=row.access_note,
        instructions=_usual([each.instructions for each in seen]) if seen else "",
        goods=_usual([each.lines for each in seen]) if seen else (),
        orders_seen=len(seen),
        changed_at=row.changed_at,
        changed_by=row.changed_by,
    )


def _usual[T: Hashable](values: Sequence[T]) -> T:
    """The most frequent; of several, the newest."""
    return Counter(values).most_common(1)[0][0]


def _local(at: datetime, zone: ZoneInfo) -> time:
    return at.astimezone(zone).time().replace(second=0, microsecond=0)


async def _load(
    session: AsyncSession, preference_id: UUID, account_id: UUID | None
) -> ConsigneeHabit:
    row: Any = await session.get(
        ConsigneeHabit, preference_id, with_for_update=True, populate_existing=True
    )
    if row is None or (account_id and row.account_id != account_id):
        raise UnknownPreference(preference_id=preference_id)
    found: ConsigneeHabit = row
    return found


async def _audit(session: AsyncSession, action: str, row: ConsigneeHabit, by: str) -> None:
    await record_audit(session, by=by, action=action, subject=f"preference:{row.id}")
