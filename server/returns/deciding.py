"""What becomes of a return that was asked for: approved, declined, booked, given up. An exchange
goes the way of its return."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service as consignments
from server.consignments.service import ConsignmentUnderway
from server.kit import clock
from server.returns.booking import (
    approve,
    book_drop_off,
    book_pickup,
    move_return,
    request_return,
)
from server.returns.exchange_progress import go_on, link_legs, return_given_up
from server.returns.lifecycle import RETURN
from server.returns.lookup import exchange_of_return, get_return, lock_return
from server.returns.models import Return
from server.returns.reasons import approves_itself, rules_for
from server.returns.views import ReturningGoods, ReturningParcel, ReturnView

SYSTEM = "returns"


async def create_return(
    session: AsyncSession,
    *,
    consignment_id: UUID | None = None,
    order_id: UUID | None = None,
    parcels: Sequence[ReturningParcel] = (),
    goods: Sequence[ReturningGoods] = (),
    reason: str,
    window_start_at: datetime | None = None,
    window_end_at: datetime | None = None,
    by: str,
) -> ReturnView:
    """A return that the company itself announces: requested, approved and booked at once. The rules
    of the reasons do not bind it."""
    asked = await request_return(
        session,
        consignment_id=consignment_id,
        order_id=order_id,
        parcels=parcels,
        goods=goods,
        reason=reason,
        by=by,
        lenient=True,
    )
    return await approve_return(
        session, asked.id, window_start_at=window_start_at, window_end_at=window_end_at, by=by
    )


async def ask_for_return(
    session: AsyncSession,
    *,
    consignment_id: UUID | None = None,
    order_id: UUID | None = None,
    parcels: Sequence[ReturningParcel] = (),
    goods: Sequence[ReturningGoods] = (),
    reason: str,
    by: str,
    account_id: UUID | None = None,
) -> ReturnView:
    """A return that somebody else asks for: approved by itself when every reason allows that, and
    then to be booked; else it waits for a decision.

    Raises
    ------
    As request_return
    """
    asked = await request_return(
        session,
        consignment_id=consignment_id,
        order_id=order_id,
        parcels=parcels,
        goods=goods,
        reason=reason,
        by=by,
        account_id=account_id,
    )
    rules = await rules_for(session, asked.account_id, goods)
    if not approves_itself(goods, rules):
        return asked
    await approve(session, await lock_return(session, asked.id), by=SYSTEM)
    return await get_return(session, asked.id)


async def approve_return(
    session: AsyncSession,
    return_id: UUID,
    *,
    window_start_at: datetime | None = None,
    window_end_at: datetime | None = None,
    by: str,
) -> ReturnView:
    """Approve it and book its collection at the door."""
    row = await lock_return(session, return_id)
    if row.state != "approved":
        await approve(session, row, by=by)
    await book_pickup(
        session, row, window_start_at=window_start_at, window_end_at=window_end_at, by=by
    )
    await _lead_on(session, row, by=by)
    return await get_return(session, row.id)


async def book_return(
    session: AsyncSession,
    return_id: UUID,
    *,
    drop_off: bool = False,
    window_start_at: datetime | None = None,
    window_end_at: datetime | None = None,
    by: str,
    account_id: UUID | None = None,
) -> ReturnView:
    """Say how the goods of an approved return come: collected at the door, or brought."""
    row = await lock_return(session, return_id, account_id=account_id)
    if drop_off:
        await book_drop_off(session, row, by=by)
    else:
        await book_pickup(
            session, row, window_start_at=window_start_at, window_end_at=window_end_at, by=by
        )
    await _lead_on(session, row, by=by)
    return await get_return(session, row.id)


async def decline_return(
    session: AsyncSession, return_id: UUID, *, reason: str, by: str
) -> ReturnView:
    row = await lock_return(session, return_id)
    await _give_up(session, row, "declined", reason=reason, by=by)
    return await get_return(session, row.id)


async def cancel_return(
    session: AsyncSession,
    return_id: UUID,
    *,
    reason: str,
    by: str,
    account_id: UUID | None = None,
) -> ReturnView:
    """Cancel it before the goods are collected, and its consignment with it."""
    row = await lock_return(session, return_id, account_id=account_id)
    if row.state != "cancelled":
        await _give_up(session, row, "cancelled", reason=reason, by=by)
    return await get_return(session, row.id)


async def expire_next(session: AsyncSession) -> bool:
    """End one return whose goods were never handed over; whether there was one."""
    now = clock.now()
    return_id = await session.scalar(
        select(Return.id)
        .where(Return.state.in_(("approved", "booked")), Return.expires_at <= now)
        .order_by(Return.expires_at)
        .limit(1)
    )
    if return_id is None:
        return False
    row = await lock_return(session, return_id)
    if not RETURN.allows(row.state, "expired"):
        return True  # the goods came while we waited
    try:
        async with session.begin_nested():
            await _give_up(session, row, "expired", reason="never handed over", by=SYSTEM)
    except ConsignmentUnderway:
        # A driver has them, and the news of that is on its way to us.
        row = await lock_return(session, return_id)
        row.expires_at = now + timedelta(days=1)
        await session.flush()
    return True


async def follow_consignment(session: AsyncSession, row: Return, state: str) -> None:
    """Where its consignment is says where the return is; news may come twice or late, so it never
    goes back. A return that was given up revives when its goods come all the same."""
    if not RETURN.allows(row.state, state):
        return
    await move_return(session, row, state, by=SYSTEM)
    if state == "cancelled":
        await _tell_exchange(session, row, "its collection was cancelled")


async def _give_up(session: AsyncSession, row: Return, state: str, *, reason: str, by: str) -> None:
    RETURN.check(row.state, state)
    if row.consignment_id is not None:
        await consignments.unlink_consignment(session, row.consignment_id, by=by)
        await consignments.cancel_consignment(session, row.consignment_id, by=by, reason=reason)
    await move_return(session, row, state, by=by, reason=reason)
    await _tell_exchange(session, row, reason or f"the return was {state}")


async def _tell_exchange(session: AsyncSession, row: Return, reason: str) -> None:
    exchange = await exchange_of_return(session, row.id)
    if exchange is not None:
        await return_given_up(session, exchange, reason=reason)


async def _lead_on(session: AsyncSession, row: Return, *, by: str) -> None:
    exchange = await exchange_of_return(session, row.id)
    if exchange is not None:
        await go_on(session, exchange, by=by)
        await link_legs(session, exchange)
