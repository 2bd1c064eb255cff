"""Making, changing and cancelling consignments."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET
from sqlalchemy import inspect
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments.events import (
    ConsignmentAmended,
    ConsignmentAnnounced,
    ConsignmentCancelled,
)
from server.consignments.lifecycle import STAYS_PUT
from server.consignments.lookup import UnknownConsignment, parcels_of, view_of
from server.consignments.models import (
    WAYBILL_NUMBERS,
    Consignment,
    CustodyEvent,
    Parcel,
)
from server.consignments.views import (
    ConsignmentChanges,
    ConsignmentView,
    NewConsignment,
    NewParcel,
    Party,
)
from server.consignments.waybill import MAX_PIECES, barcode_of, waybill_of
from server.kit import clock
from server.kit.errors import Conflict, Invalid
from server.kit.ids import new_id
from server.kit.outbox import emit
from server.protocol.to_driver import ProofDemand

CLOSED = frozenset({"delivered", "returned", "lost", "cancelled"})


class NoParcels(Invalid):
    """A consignment has 1 to 999 parcels; this one has {count}."""

    code = "consignments.parcel_count"


class BarcodeTaken(Conflict):
    """The barcode {barcode!r} is already on another parcel. Leave it out to get a fresh one."""

    code = "consignments.barcode_taken"


class ConsignmentUnderway(Conflict):
    """Consignment {waybill} is {state} and can no longer be cancelled. Only a return can bring
    it back."""

    code = "consignments.underway"


class ConsignmentClosed(Conflict):
    """Consignment {waybill} is {state}; there is nothing left to change."""

    code = "consignments.closed"


async def create_consignment(
    session: AsyncSession, new: NewConsignment, *, by: str, announce: bool = True
) -> ConsignmentView:
    """Give it a waybill number, and a barcode to every parcel that has none.

    announce: false for goods that are already in a driver's hands: nobody was told of them before
        and nobody needs to plan them.

    Raises
    ------
    NoParcels, BarcodeTaken
    """
    if not 1 <= len(new.parcels) <= MAX_PIECES:
        raise NoParcels(count=len(new.parcels))
    now = clock.now()
    waybill = waybill_of(await session.scalar(WAYBILL_NUMBERS.next_value()) or 0)
    row = Consignment(
        waybill=waybill,
        kind=new.kind,
        state="announced",
        order_id=new.order_id,
        account_id=new.account_id,
        **_party("consignor", new.consignor),
        **_party("consignee", new.consignee),
        origin_depot_id=new.origin_depot_id,
        window_start_at=new.window_start_at,
        window_end_at=new.window_end_at,
        pickup_window_start_at=new.pickup_window_start_at,
        pickup_window_end_at=new.pickup_window_end_at,
        service_level=new.service_level,
        instructions=new.instructions,
        skills=list(new.skills),
        proof=msgspec.to_builtins(new.proof),
        pin=new.pin,
        cash_minor=new.cash_minor,
        currency=new.currency,
        created_at=now,
        created_by=by,
    )
    session.add(row)
    await session.flush()
    parcels = await add_parcels(session, row, new.parcels)
    if announce:
        session.add_all(announcement(parcel, now, by) for parcel in parcels)
        emit(
            session,
            ConsignmentAnnounced(consignment_id=row.id, kind=row.kind, order_id=row.order_id),
        )
    await session.flush()
    return view_of(row, parcels)


async def amend_consignment(
    session: AsyncSession, consignment_id: UUID, changes: ConsignmentChanges, *, by: str
) -> ConsignmentView:
    """Change what is given; says ConsignmentAmended only when something is different now.

    Raises
    ------
    UnknownConsignment, ConsignmentClosed
    """
    row = await lock_consignment(session, consignment_id)
    if row.state in CLOSED:
        raise ConsignmentClosed(waybill=row.waybill, state=row.state)
    wanted = _columns(changes)
    for name, value in wanted.items():
        setattr(row, name, value)
    if session.is_modified(row):
        columns = inspect(row).attrs
        changed = tuple(name for name in wanted if columns[name].history.has_changes())
        row.amended_at, row.amended_by = clock.now(), by
        emit(session, ConsignmentAmended(consignment_id=row.id, changed=changed))
        await session.flush()
    return view_of(row, (await parcels_of(session, [row.id]))[row.id])


async def cancel_consignment(
    session: AsyncSession, consignment_id: UUID, *, by: str, reason: str
) -> None:
    """Stop it before it is on the road. Cancelling twice is fine.

    Raises
    ------
    UnknownConsignment, ConsignmentUnderway
    """
    row = await lock_consignment(session, consignment_id)
    if row.state == "cancelled":
        return
    parcels = (await parcels_of(session, [row.id]))[row.id]
    if not all(parcel.state in STAYS_PUT for parcel in parcels):
        raise ConsignmentUnderway(waybill=row.waybill, state=row.state)
    row.state = "cancelled"
    row.cancelled_at, row.cancelled_by, row.cancel_reason = clock.now(), by, reason
    emit(session, ConsignmentCancelled(consignment_id=row.id))
    await session.flush()


async def lock_consignment(session: AsyncSession, consignment_id: UUID) -> Consignment:
    row = await session.get(
        Consignment, consignment_id, with_for_update={"key_share": True}, populate_existing=True
    )
    if row is None:
        raise UnknownConsignment(consignment_id=consignment_id)
    return row


async def add_parcels(
    session: AsyncSession,
    consignment: Consignment,
    parcels: Sequence[NewParcel],
    *,
    first_piece: int = 1,
) -> list[Parcel]:
    """Give a consignment these parcels, within this room; the rows, in their order."""
    if not parcels:
        return []
    rows = [
        msgspec.structs.asdict(parcel)
        | {
            "id": new_id(),
            "consignment_id": consignment.id,
            "piece": piece,
            "barcode": parcel.barcode or barcode_of(consignment.waybill, piece),
            "state": "announced",
        }
        for piece, parcel in enumerate(parcels, start=first_piece)
    ]
    added = (await session.scalars(INSERT_UNLESS_TAKEN, rows)).all()
    if len(added) < len(rows):
        ids = {parcel.id for parcel in added}
        raise BarcodeTaken(barcode=next(row["barcode"] for row in rows if row["id"] not in ids))
    return sorted(added, key=lambda parcel: parcel.piece)


INSERT_UNLESS_TAKEN = (
    insert(Parcel).on_conflict_do_nothing(index_elements=[Parcel.barcode]).returning(Parcel)
)


def announcement(parcel: Parcel, now: datetime, by: str) -> CustodyEvent:
    return CustodyEvent(
        parcel_id=parcel.id,
        state="announced",
        occurred_at=now,
        received_at=now,
        by=by,
        conflicting=False,
    )


def _columns(changes: ConsignmentChanges) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for name in changes.__struct_fields__:
        value = getattr(changes, name)
        if value is UNSET:
            continue
        if isinstance(value, Party):
            columns |= _party(name, value)
        elif isinstance(value, ProofDemand):
            columns[name] = msgspec.to_builtins(value)
        elif isinstance(value, tuple):
            columns[name] = list(value)
        else:
            columns[name] = value
    return columns


def _party(side: str, party: Party) -> dict[str, Any]:
    return {
        f"{side}_name": party.name,
        f"{side}_phone": party.phone,
        f"{side}_place_id": party.place_id,
    }
