"""Unannounced returns: somebody at a door hands a driver goods to take back. That happened, so it
is never refused; what does not fit is left out."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service as consignments
from server.consignments.service import (
    ConsignmentView,
    NewConsignment,
    NewParcel,
    NewProof,
    Party,
)
from server.kit import clock
from server.kit.geo import Position
from server.protocol.from_driver import CollectReturn, HandedOverParcel
from server.returns.booking import next_rma, parcels_for
from server.returns.lookup import get_return
from server.returns.models import Return
from server.returns.views import ReturningParcel, ReturnView

MAX_PARCELS = 999
MAX_TEXT = 500
MAX_BARCODE = 200
MAX_WEIGHT_G = 1_000_000


async def collect_unannounced(
    session: AsyncSession,
    *,
    driver_id: UUID,
    command: CollectReturn,
    occurred_at: datetime,
    received_at: datetime,
    source_id: str,
    place_id: UUID | None = None,
    original_consignment_id: UUID | None = None,
) -> ReturnView:
    """A return that begins in the driver's hands, with consignment, parcels, custody and proof.

    place_id, original_consignment_id: of the stop where it happened, when it was at one. Parcels
    that we delivered once tell by their labels what they belong to.
    source_id: the command; the same one again gives the return that it made the first time.
    """
    before = await session.scalar(
        select(Return.id).where(Return.driver_id == driver_id, Return.source_id == source_id)
    )
    if before is not None:
        return await get_return(session, before)
    parcels = [_cleaned(parcel) for parcel in command.parcels[:MAX_PARCELS]]
    parcels = parcels or [ReturningParcel(description="Unlabelled goods")]
    original = await _original(session, parcels, original_consignment_id)
    by = f"driver:{driver_id}"
    coming = await consignments.create_consignment(
        session, _way_back(original, place_id, parcels, command.reason), by=by, announce=False
    )
    at = command.position
    position = Position(at.lon, at.lat) if at is not None else None
    proof_id = await consignments.record_proof(
        session,
        NewProof(
            consignment_id=coming.id,
            kind="POC",
            occurred_at=occurred_at,
            received_at=received_at,
            driver_id=driver_id,
            command_id=source_id,
            recipient_name=command.proof.recipient_name,
            photos=command.proof.photos,
            signature=command.proof.signature,
            scans=command.proof.scans,
            age_checked=command.proof.age_checked,
            note=command.proof.note,
            position=position,
        ),
    )
    await consignments.record_custody(
        session,
        parcel_ids=[parcel.id for parcel in coming.parcels],
        state="collected",
        occurred_at=occurred_at,
        received_at=received_at,
        by=by,
        driver_id=driver_id,
        position=position,
        proof_id=proof_id,
        source_id=source_id,
        strict=False,
    )
    now = clock.now()
    row = Return(
        rma=await next_rma(session),
        state="collected",
        announced=False,
        account_id=coming.account_id,
        order_id=coming.order_id,
        original_consignment_id=original.id if original else None,
        consignment_id=coming.id,
        reason=command.reason[:MAX_TEXT],
        driver_id=driver_id,
        source_id=source_id,
        created_at=now,
        created_by=by,
        changed_at=now,
    )
    session.add(row)
    await session.flush()
    session.add_all(parcels_for(row.id, parcels))
    await session.flush()
    return await get_return(session, row.id)


def _cleaned(parcel: HandedOverParcel) -> ReturningParcel:
    weight_g = parcel.weight_g or 0
    return ReturningParcel(
        barcode=(parcel.barcode or "").strip()[:MAX_BARCODE] or None,
        description=parcel.description[:MAX_TEXT],
        weight_g=weight_g if 0 <= weight_g <= MAX_WEIGHT_G else 0,
    )


async def _original(
    session: AsyncSession, parcels: list[ReturningParcel], at_stop: UUID | None
) -> ConsignmentView | None:
    """The consignment on which the goods went out: the label knows better than the stop."""
    labels = [parcel.barcode for parcel in parcels if parcel.barcode is not None]
    found = await consignments.find_parcels(session, labels)
    candidates = [found[label].consignment_id for label in labels if label in found]
    if at_stop is not None:
        candidates.append(at_stop)
    known = await consignments.get_consignments(session, candidates)
    return next((known[each] for each in candidates if each in known), None)


def _way_back(
    original: ConsignmentView | None,
    place_id: UUID | None,
    parcels: list[ReturningParcel],
    reason: str,
) -> NewConsignment:
    """Every parcel gets a barcode of its own, because the label that it bears may be taken; the old
    one stays findable."""
    return NewConsignment(
        kind="return",
        account_id=original.account_id if original else None,
        order_id=original.order_id if original else None,
        consignor=_giver(original, place_id),
        consignee=Party(name=original.consignor.name if original else "Depot"),
        parcels=tuple(
            NewParcel(
                former_barcode=parcel.barcode,
                description=parcel.description,
                weight_g=parcel.weight_g,
            )
            for parcel in parcels
        ),
        instructions=reason[:MAX_TEXT],
        origin_depot_id=original.origin_depot_id if original else None,
    )


def _giver(original: ConsignmentView | None, place_id: UUID | None) -> Party:
    if original is not None and place_id in (None, original.consignee.place_id):
        return original.consignee
    if original is not None and place_id == original.consignor.place_id:
        return original.consignor
    return Party(name="", place_id=place_id)
