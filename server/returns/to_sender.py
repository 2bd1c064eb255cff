"""Deliveries that did not succeed go back to their sender: refused ones, and those that were
attempted as often as was agreed with the account.

As long as the parcels are in a vehicle, the street says where they are. Back at the depot they turn
round: what came from our own shelves is inspected like every return, and what somebody else handed
over is brought home to them.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
from server.consignments import service as consignments
from server.consignments.service import (
    ConsignmentView,
    NewConsignment,
    NewParcel,
    ParcelView,
    Party,
    StoryEntry,
)
from server.orders import service as orders
from server.orders.service import UnknownOrder
from server.returns.booking import add_lines, add_return, move_return, parcels_for
from server.returns.goods import order_behind
from server.returns.lookup import lines_of, lock_return
from server.returns.models import Return
from server.returns.resolution import resolve
from server.returns.views import ReturningGoods, ReturningParcel

BY = "returns"


async def turn_round(
    session: AsyncSession,
    consignment_id: UUID,
    parcel_ids: Sequence[UUID],
    *,
    occurred_at: datetime,
) -> None:
    """Parcels of a delivery have come to the depot. Those that have failed for good go back; told
    twice, they have turned round already."""
    consignment = await consignments.get_consignment(session, consignment_id)
    here = [each for each in consignment.parcels if each.id in parcel_ids]
    here = [each for each in here if each.state == "at_depot"]
    if not here or consignment.cancelled_at is not None:
        return
    story = await consignments.story(session, consignment_id)
    policy = await accounts.get_return_policy(session, consignment.account_id)
    attempts = await consignments.count_attempts(session, consignment_id)
    failed = [
        parcel
        for parcel in here
        if (before := _state_before_depot(story, parcel.barcode)) == "refused"
        or (before == "attempted" and attempts >= policy.attempts_max)
    ]
    if not failed:
        return
    await consignments.record_custody(
        session,
        parcel_ids=[parcel.id for parcel in failed],
        state="returning",
        occurred_at=occurred_at,
        received_at=occurred_at,
        by=BY,
        strict=False,
    )
    is_whole = len(failed) == len(consignment.parcels)
    refused = any(_state_before_depot(story, each.barcode) == "refused" for each in failed)
    reason = "refused" if refused else f"attempted {attempts} times"
    row = await _open_return(session, consignment, failed, reason, is_whole=is_whole)
    await _tell_order(session, consignment, f"Goes back to its sender: {reason} ({row.rma}).")
    if consignment.consignor.place_id is not None:
        await _bring_home(session, row, consignment, failed)


async def came_home(session: AsyncSession, consignment_id: UUID) -> None:
    """A consignment that brings goods home to their sender was delivered there."""
    return_id = await session.scalar(
        select(Return.id).where(Return.consignment_id == consignment_id, Return.kind == "to_sender")
    )
    if return_id is None:
        return
    row = await lock_return(session, return_id)
    if row.state != "received":
        return
    await move_return(session, row, "inspected", by=BY)
    await resolve(session, row, await lines_of(session, [row.id]), by=BY)


async def _open_return(
    session: AsyncSession,
    consignment: ConsignmentView,
    parcels: Sequence[ParcelView],
    reason: str,
    *,
    is_whole: bool,
) -> Return:
    """Which goods are in which parcel is not known here: of a part, the box will tell."""
    row = await add_return(
        session, consignment, state="received", reason=reason, by=BY, kind="to_sender"
    )
    coming = [
        ReturningParcel(barcode=each.barcode, description=each.description, weight_g=each.weight_g)
        for each in parcels
    ]
    session.add_all(parcels_for(row.id, coming))
    order = await order_behind(session, consignment)
    if is_whole and order is not None and consignment.consignor.place_id is None:
        everything = [
            ReturningGoods(order_line=number, quantity=line.quantity)
            for number, line in enumerate(order.lines, 1)
        ]
        await add_lines(session, row, order, everything)
    await session.flush()
    return row


async def _bring_home(
    session: AsyncSession,
    row: Return,
    consignment: ConsignmentView,
    parcels: Sequence[ParcelView],
) -> None:
    home = await consignments.create_consignment(
        session,
        NewConsignment(
            kind="delivery",
            account_id=consignment.account_id,
            consignor=Party(name=consignment.consignee.name),
            consignee=consignment.consignor,
            parcels=tuple(
                NewParcel(
                    former_barcode=each.barcode,
                    description=each.description,
                    weight_g=each.weight_g,
                )
                for each in parcels
            ),
            service_level=consignment.service_level,
            instructions=f"Back to its sender ({row.reason}): {consignment.waybill}",
            skills=consignment.skills,
            origin_depot_id=consignment.origin_depot_id,
        ),
        by=BY,
    )
    row.consignment_id = home.id
    await session.flush()


async def _tell_order(session: AsyncSession, consignment: ConsignmentView, note: str) -> None:
    if consignment.order_id is None:
        return
    try:
        await orders.note_on_order(session, consignment.order_id, note, by=BY)
    except UnknownOrder:
        return


def _state_before_depot(story: Sequence[StoryEntry], barcode: str) -> str | None:
    """Where the parcel was before it came to the depot the last time."""
    states = [entry.state for entry in story if barcode in entry.barcodes and not entry.conflicting]
    while states and states[-1] == "at_depot":
        states.pop()
    return states[-1] if states else None
