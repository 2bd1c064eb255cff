"""Announced returns: asked for, approved or declined, booked, cancelled."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service as consignments
from server.consignments.service import ConsignmentView, NewConsignment, NewParcel, Party
from server.identity.service import record_audit
from server.kit import clock
from server.kit.errors import Conflict, Invalid, NotFound
from server.returns.lifecycle import OVER, RETURN
from server.returns.lookup import get_return, lines_of, lock_return
from server.returns.models import RMA_NUMBERS, Return, ReturnParcel
from server.returns.views import ReturningParcel, ReturnView


class NothingWentOut(NotFound):
    """No goods went out for the order {order_id}, or it is not yours."""

    code = "returns.nothing_went_out"


class NothingToReturn(Conflict):
    """Nothing of consignment {waybill} can be returned: it was not delivered, or all that was is
    on its way back already."""

    code = "returns.nothing_to_return"


class NotReturnable(Conflict):
    """The parcel {barcode!r} was not delivered with consignment {waybill}, or is on its way back
    already."""

    code = "returns.not_returnable"


class NotDoorToDepot(Conflict):
    """Consignment {waybill} was delivered to no address from which it could be collected."""

    code = "returns.no_address"


class WhichGoods(Invalid):
    """Say which goods come back: give either consignment_id or order_id."""

    code = "returns.which_goods"


async def request_return(
    session: AsyncSession,
    *,
    consignment_id: UUID | None = None,
    order_id: UUID | None = None,
    parcels: Sequence[ReturningParcel] = (),
    reason: str,
    by: str,
    account_id: UUID | None = None,
) -> ReturnView:
    """Ask for a return, which somebody of the company then approves or declines.

    parcels: none means all that was delivered and is not on its way back already.
    account_id: only for goods of this account.

    Raises
    ------
    WhichGoods, UnknownConsignment, NothingWentOut, NothingToReturn, NotReturnable, NotDoorToDepot
    """
    original = await _original(session, consignment_id, order_id, account_id)
    row = await _add_return(
        session,
        original,
        await _returnable(session, original, parcels),
        reason=reason,
        by=by,
    )
    return await get_return(session, row.id)


async def create_return(
    session: AsyncSession,
    *,
    consignment_id: UUID | None = None,
    order_id: UUID | None = None,
    parcels: Sequence[ReturningParcel] = (),
    reason: str,
    window_start_at: datetime | None = None,
    window_end_at: datetime | None = None,
    by: str,
) -> ReturnView:
    """A return that the company itself announces: requested, approved and booked at once."""
    asked = await request_return(
        session,
        consignment_id=consignment_id,
        order_id=order_id,
        parcels=parcels,
        reason=reason,
        by=by,
    )
    return await approve_return(
        session, asked.id, window_start_at=window_start_at, window_end_at=window_end_at, by=by
    )


async def approve_return(
    session: AsyncSession,
    return_id: UUID,
    *,
    window_start_at: datetime | None = None,
    window_end_at: datetime | None = None,
    by: str,
) -> ReturnView:
    """Approve it and book the way back: a consignment from the consignee's door to the depot."""
    row = await lock_return(session, return_id)
    await _move(session, row, "approved", by=by)
    assert row.original_consignment_id is not None  # announced returns always have one
    original = await consignments.get_consignment(session, row.original_consignment_id)
    booked = await consignments.create_consignment(
        session,
        NewConsignment(
            kind="return",
            order_id=original.order_id,
            account_id=original.account_id,
            consignor=original.consignee,
            consignee=Party(name=original.consignor.name),
            parcels=tuple(
                NewParcel(
                    former_barcode=line.barcode,
                    description=line.description,
                    weight_g=line.weight_g,
                )
                for line in await lines_of(session, [row.id])
            ),
            window_start_at=window_start_at,
            window_end_at=window_end_at,
            instructions=f"Return {row.rma}",
            origin_depot_id=original.origin_depot_id,
        ),
        by=by,
    )
    row.consignment_id = booked.id
    await _move(session, row, "booked", by=by)
    return await get_return(session, row.id)


async def decline_return(
    session: AsyncSession, return_id: UUID, *, reason: str, by: str
) -> ReturnView:
    row = await lock_return(session, return_id)
    await _move(session, row, "declined", by=by, reason=reason)
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
    await get_return(session, return_id, account_id=account_id)
    row = await lock_return(session, return_id)
    if row.state == "cancelled":
        return await get_return(session, row.id)
    RETURN.check(row.state, "cancelled")
    if row.consignment_id is not None:
        await consignments.cancel_consignment(session, row.consignment_id, by=by, reason=reason)
    await _move(session, row, "cancelled", by=by, reason=reason)
    return await get_return(session, row.id)


async def next_rma(session: AsyncSession) -> str:
    return f"RMA-{await session.scalar(RMA_NUMBERS.next_value()):06d}"


async def _original(
    session: AsyncSession,
    consignment_id: UUID | None,
    order_id: UUID | None,
    account_id: UUID | None,
) -> ConsignmentView:
    if (consignment_id is None) == (order_id is None):
        raise WhichGoods
    if order_id is not None:
        found = await consignments.consignment_of_order(session, order_id)
        if found is None or account_id not in (None, found.account_id):
            raise NothingWentOut(order_id=order_id)
        consignment_id = found.id
    assert consignment_id is not None  # one of the two was given
    original = await consignments.get_consignment(session, consignment_id, account_id=account_id)
    if original.consignee.place_id is None:
        raise NotDoorToDepot(waybill=original.waybill)
    return original


async def _returnable(
    session: AsyncSession, original: ConsignmentView, wanted: Sequence[ReturningParcel]
) -> Sequence[ReturningParcel]:
    """What is to come back, checked against what was delivered and is not coming back already."""
    # Two requests at once for the same goods: the second waits, then sees the first.
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtext(str(original.id)))))
    coming = set(
        await session.scalars(
            select(ReturnParcel.barcode)
            .join(Return, Return.id == ReturnParcel.return_id)
            .where(
                Return.original_consignment_id == original.id,
                Return.state.not_in(OVER - {"resolved"}),
            )
        )
    )
    free = {
        parcel.barcode: ReturningParcel(
            barcode=parcel.barcode, description=parcel.description, weight_g=parcel.weight_g
        )
        for parcel in original.parcels
        if parcel.state == "delivered" and parcel.barcode not in coming
    }
    if not free:
        raise NothingToReturn(waybill=original.waybill)
    barcodes = [parcel.barcode for parcel in wanted if parcel.barcode is not None]
    for barcode in barcodes:
        if barcode not in free or barcodes.count(barcode) > 1:
            raise NotReturnable(barcode=barcode, waybill=original.waybill)
    return wanted or list(free.values())


async def _add_return(
    session: AsyncSession,
    original: ConsignmentView,
    parcels: Sequence[ReturningParcel],
    *,
    reason: str,
    by: str,
) -> Return:
    now = clock.now()
    row = Return(
        rma=await next_rma(session),
        state="requested",
        announced=True,
        account_id=original.account_id,
        order_id=original.order_id,
        original_consignment_id=original.id,
        reason=reason,
        created_at=now,
        created_by=by,
        changed_at=now,
    )
    session.add(row)
    await session.flush()
    session.add_all(lines_for(row.id, parcels))
    await session.flush()
    return row


def lines_for(return_id: UUID, parcels: Sequence[ReturningParcel]) -> list[ReturnParcel]:
    return [
        ReturnParcel(
            return_id=return_id,
            number=number,
            barcode=parcel.barcode,
            description=parcel.description,
            weight_g=parcel.weight_g,
        )
        for number, parcel in enumerate(parcels, start=1)
    ]


async def _move(
    session: AsyncSession, row: Return, state: str, *, by: str, reason: str = ""
) -> None:
    RETURN.check(row.state, state)
    row.state, row.changed_at = state, clock.now()
    await record_audit(
        session,
        by=by,
        action=f"return.{state}",
        subject=f"return:{row.id}",
        details={"reason": reason} if reason else {},
    )
    await session.flush()
