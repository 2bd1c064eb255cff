"""Standing orders: the same order again and again, by a rule, until somebody says otherwise."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.identity.service import record_audit
from server.kit import clock
from server.kit.errors import PostriderError
from server.kit.inputs import FilledLine
from server.orders.capture import capture_order, with_windows
from server.orders.errors import (
    NotOneOfItsDays,
    TooManySkipped,
    UnknownStandingOrder,
    UnknownTimezone,
)
from server.orders.models import StandingOrder
from server.orders.order import OrderDraft
from server.orders.recurrence import MAX_SKIPPED, check_rule, occurrences

CHANNEL = "standing"
SHOWN = 10

Rule = Annotated[str, Meta(min_length=6, max_length=300, pattern=r"^[A-Za-z0-9=;,:+-]+$")]
LocalMoment = Annotated[datetime, Meta(tz=False)]
Zone = Annotated[str, Meta(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9_+/-]+$")]


class Rhythm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When an order comes again.

    rule: of RFC 5545, such as FREQ=WEEKLY;BYDAY=MO,TH or FREQ=MONTHLY;BYDAY=1MO;COUNT=12.
    starts_local: when its first window opens, in `timezone`; the time of day of all.
    duration_s: how long each window is. lead_s: how long before it the order is captured.
    """

    name: FilledLine
    rule: Rule
    starts_local: LocalMoment
    timezone: Zone
    duration_s: Annotated[int, Meta(ge=600, le=86_400)]
    lead_s: Annotated[int, Meta(ge=0, le=30 * 86_400)] = 86_400


class StandingView(msgspec.Struct, frozen=True, kw_only=True):
    """next: when its next windows open. problem: why the last occurrence was not captured."""

    id: UUID
    account_id: UUID
    name: str
    rule: str
    starts_local: str
    timezone: str
    duration_s: int
    lead_s: int
    state: Literal["active", "paused", "ended"]
    skipped: tuple[date, ...]
    next: tuple[datetime, ...]
    problem: str
    order: OrderDraft
    created_at: datetime
    created_by: str


class StandingPage(msgspec.Struct, frozen=True, kw_only=True):
    items: list[StandingView]
    next: UUID | None


async def create_standing_order(
    session: AsyncSession, draft: OrderDraft, rhythm: Rhythm, *, by: str
) -> StandingView:
    """Let the draft be captured again and again; its windows and external id are the rhythm's.

    Raises
    ------
    BadRule, UnknownTimezone, and what is wrong with the order itself
    """
    zone = _zone(rhythm.timezone)
    check_rule(rhythm.rule, rhythm.starts_local)
    template = msgspec.structs.replace(
        draft, channel=CHANNEL, origin="standing", external_id=None, source_sha256=""
    )
    row = StandingOrder(
        account_id=draft.account_id,
        template=msgspec.to_builtins(template),
        **msgspec.structs.asdict(rhythm),
        skipped=[],
        problem="",
        created_at=clock.now(),
        created_by=by,
    )
    _schedule(row, after=clock.now())
    await with_windows(session, _draft(row, clock.now() + timedelta(days=1)), zone)
    session.add(row)
    await session.flush()
    await _audit(session, "standing_order.created", row, by)
    return _view(row)


async def get_standing_order(
    session: AsyncSession, standing_id: UUID, *, account_id: UUID | None = None
) -> StandingView:
    return _view(await _load(session, standing_id, account_id))


async def list_standing_orders(
    session: AsyncSession,
    *,
    account_id: UUID | None = None,
    limit: int = 50,
    after: UUID | None = None,
) -> StandingPage:
    """Newest first."""
    query = select(StandingOrder).order_by(StandingOrder.id.desc()).limit(limit + 1)
    if account_id:
        query = query.where(StandingOrder.account_id == account_id)
    if after:
        query = query.where(StandingOrder.id < after)
    rows = (await session.scalars(query)).all()
    items = [_view(row) for row in rows[:limit]]
    return StandingPage(items=items, next=items[-1].id if len(rows) > limit else None)


async def pause_standing_order(
    session: AsyncSession, standing_id: UUID, *, by: str, account_id: UUID | None = None
) -> StandingView:
    row = await _load(session, standing_id, account_id, lock=True)
    row.paused_at = row.paused_at or clock.now()
    await _audit(session, "standing_order.paused", row, by)
    return _view(row)


async def resume_standing_order(
    session: AsyncSession, standing_id: UUID, *, by: str, account_id: UUID | None = None
) -> StandingView:
    """Go on with what is still to come; what fell into the pause stays out."""
    row = await _load(session, standing_id, account_id, lock=True)
    if row.paused_at:
        row.paused_at = None
        if row.next_at:
            _schedule(row, after=clock.now())
    await _audit(session, "standing_order.resumed", row, by)
    return _view(row)


async def skip_date(
    session: AsyncSession, standing_id: UUID, day: date, *, by: str, account_id: UUID | None = None
) -> StandingView:
    """Leave out the occurrence of one day, in the standing order's own timezone.

    Raises
    ------
    NotOneOfItsDays
        When nothing is to come on that day any more.
    TooManySkipped
    """
    row = await _load(session, standing_id, account_id, lock=True)
    if day.isoformat() in row.skipped:
        return _view(row)
    if len(row.skipped) >= MAX_SKIPPED:
        raise TooManySkipped(max_skipped=MAX_SKIPPED)
    zone = _zone(row.timezone)
    eve = datetime.combine(day, datetime.min.time(), zone).astimezone(UTC) - timedelta(seconds=1)
    coming = _coming(row, after=eve, limit=1)
    if not (row.next_at and coming and coming[0] >= row.next_at) or (
        coming[0].astimezone(zone).date() != day
    ):
        raise NotOneOfItsDays(day=day.isoformat())
    row.skipped = [*row.skipped, day.isoformat()]
    _schedule(row, after=row.next_at - timedelta(seconds=1))
    await _audit(session, "standing_order.skipped", row, by, day=day.isoformat())
    return _view(row)


async def end_standing_order(
    session: AsyncSession, standing_id: UUID, *, by: str, account_id: UUID | None = None
) -> StandingView:
    """Nothing more comes of it; what was captured stays."""
    row = await _load(session, standing_id, account_id, lock=True)
    row.next_at = row.capture_at = None
    await _audit(session, "standing_order.ended", row, by)
    return _view(row)


async def capture_due(session: AsyncSession) -> bool:
    """Capture the one occurrence that is due for longest, exactly once; False when none is.

    One that cannot be captured is passed over, and the standing order says why.
    """
    row = await session.scalar(
        select(StandingOrder)
        .where(StandingOrder.paused_at.is_(None), StandingOrder.capture_at <= clock.now())
        .order_by(StandingOrder.capture_at)
        .limit(1)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    if row is None or row.next_at is None:
        return False
    row.problem = ""
    try:
        async with session.begin_nested():
            draft = _draft(row, row.next_at)
            await capture_order(session, draft, by="system", zone=_zone(row.timezone))
    except PostriderError as refused:
        row.problem = f"{row.next_at.isoformat()}: {refused.message}"
    _schedule(row, after=max(row.next_at, clock.now() - timedelta(seconds=row.duration_s)))
    await session.flush()
    return True


def _draft(row: StandingOrder, window_start_at: datetime) -> OrderDraft:
    return msgspec.structs.replace(
        msgspec.convert(row.template, OrderDraft),
        external_id=f"{row.id}:{window_start_at.isoformat()}",
        window_start_at=window_start_at,
        window_end_at=window_start_at + timedelta(seconds=row.duration_s),
    )


def _schedule(row: StandingOrder, *, after: datetime) -> None:
    coming = _coming(row, after=after, limit=1)
    row.next_at = coming[0] if coming else None
    row.capture_at = row.next_at - timedelta(seconds=row.lead_s) if row.next_at else None


def _coming(row: StandingOrder, *, after: datetime, limit: int) -> list[datetime]:
    return occurrences(
        row.rule,
        row.starts_local,
        _zone(row.timezone),
        after=after,
        skipped={date.fromisoformat(day) for day in row.skipped},
        limit=limit,
    )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError, ValueError):  # a folder of zones is an OSError
        raise UnknownTimezone(field="timezone", timezone=name) from None


async def _load(
    session: AsyncSession, standing_id: UUID, account_id: UUID | None, *, lock: bool = False
) -> StandingOrder:
    row = await session.get(
        StandingOrder, standing_id, with_for_update=lock or None, populate_existing=lock
    )
    if row is None or (account_id and row.account_id != account_id):
        raise UnknownStandingOrder(standing_id=standing_id)
    return row


def _view(row: StandingOrder) -> StandingView:
    coming: Sequence[datetime] = ()
    if row.next_at:
        coming = _coming(row, after=row.next_at - timedelta(seconds=1), limit=SHOWN)
    return StandingView(
        id=row.id,
        account_id=row.account_id,
        name=row.name,
        rule=row.rule,
        starts_local=row.starts_local.isoformat(),
        timezone=row.timezone,
        duration_s=row.duration_s,
        lead_s=row.lead_s,
        state="ended" if row.next_at is None else "paused" if row.paused_at else "active",
        skipped=tuple(date.fromisoformat(day) for day in row.skipped),
        next=tuple(coming),
        problem=row.problem,
        order=msgspec.convert(row.template, OrderDraft),
        created_at=row.created_at,
        created_by=row.created_by,
    )


async def _audit(
    session: AsyncSession, action: str, row: StandingOrder, by: str, **said: str
) -> None:
    await record_audit(
        session, by=by, action=action, subject=f"standing_order:{row.id}", details=said
    )
    await session.flush()
