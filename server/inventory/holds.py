"""Holds: soft claims of quotes and carts, which end by themselves."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.inventory.availability import availability
from server.inventory.changing import changing_stock
from server.inventory.claims import demands_of, refuse_shortage, summed
from server.inventory.errors import HoldInThePast, HoldOver, UnknownHold
from server.inventory.events import HoldExpired
from server.inventory.ledger import lock_skus
from server.inventory.models import Hold, HoldLine
from server.inventory.stock import HoldView, Wanted
from server.kit import clock
from server.kit.ids import new_id
from server.kit.outbox import emit


async def place_hold(
    session: AsyncSession,
    *,
    account_id: UUID,
    lines: Sequence[Wanted],
    expires_at: datetime,
    subject: str = "",
    by: str,
) -> HoldView:
    """Keep these goods from others until `expires_at`.

    Raises
    ------
    HoldInThePast, NotEnoughStock, UnknownSku
    """
    if expires_at <= clock.now():
        raise HoldInThePast(expires_at=expires_at)
    wanted = summed(await demands_of(session, account_id, lines))
    skus = await lock_skus(session, wanted)
    promised = await availability(session, skus.keys())
    available = {sku_id: each.available for sku_id, each in promised.items()}
    refuse_shortage(skus, wanted, available)
    hold = Hold(id=new_id(), account_id=account_id, expires_at=expires_at, subject=subject, by=by)
    session.add(hold)
    await session.flush()
    session.add_all(
        HoldLine(hold_id=hold.id, sku_id=sku_id, quantity=quantity)
        for sku_id, quantity in wanted.items()
    )
    await session.flush()
    return msgspec.convert(hold, HoldView, from_attributes=True)


async def release_hold(
    session: AsyncSession, hold_id: UUID, *, account_id: UUID | None = None
) -> None:
    """End the hold early, as often as it is asked."""
    async with changing_stock(session, await _skus_of(session, [hold_id])):
        hold = await _lock(session, hold_id, account_id)
        hold.closed_at = hold.closed_at or clock.now()


async def close_hold(session: AsyncSession, hold_id: UUID, *, account_id: UUID) -> None:
    """The order that the hold was for takes its place. The SKUs are locked."""
    hold = await _lock(session, hold_id, account_id)
    if hold.closed_at:
        raise HoldOver
    hold.closed_at = clock.now()
    await session.flush()


async def close_expired_holds(session: AsyncSession, *, limit: int = 100) -> int:
    """Let those who wait have what expired holds kept; return how many were closed."""
    expired = (
        await session.scalars(
            select(Hold.id)
            .where(Hold.closed_at.is_(None), Hold.expires_at <= clock.now())
            .order_by(Hold.expires_at)
            .limit(limit)
        )
    ).all()
    closed = 0
    async with changing_stock(session, await _skus_of(session, expired)):
        for hold_id in expired:
            hold = await _lock(session, hold_id, None)
            if hold.closed_at is None:
                hold.closed_at = clock.now()
                emit(session, HoldExpired(hold_id=hold_id))
                closed += 1
    return closed


async def _skus_of(session: AsyncSession, hold_ids: Sequence[UUID]) -> set[UUID]:
    return set(await session.scalars(select(HoldLine.sku_id).where(HoldLine.hold_id.in_(hold_ids))))


async def _lock(session: AsyncSession, hold_id: UUID, account_id: UUID | None) -> Hold:
    hold = await session.scalar(
        select(Hold)
        .where(Hold.id == hold_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if hold is None or (account_id and hold.account_id != account_id):
        raise UnknownHold(hold_id=hold_id)
    return hold
