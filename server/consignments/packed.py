"""What was announced is packed: the real parcels take the place of those that were expected."""

from collections.abc import Collection, Sequence
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments.booking import (
    CLOSED,
    ConsignmentClosed,
    NoParcels,
    add_parcels,
    announcement,
    lock_consignment,
)
from server.consignments.custody import UnknownParcels
from server.consignments.events import ConsignmentAmended, CustodyChanged
from server.consignments.lifecycle import STAYS_PUT, consignment_state
from server.consignments.lookup import parcels_of, view_of
from server.consignments.models import Consignment, Parcel
from server.consignments.views import ConsignmentView, NewParcel
from server.consignments.waybill import MAX_PIECES
from server.kit import clock
from server.kit.errors import Conflict
from server.kit.outbox import emit


class ParcelsHaveLeft(Conflict):
    """Parcels of consignment {waybill} have left the depot already, so it cannot be packed
    otherwise any more. Send what is left with a new order."""

    code = "consignments.parcels_have_left"


async def replace_parcels(
    session: AsyncSession,
    consignment_id: UUID,
    *,
    expected: Collection[UUID],
    packed: Sequence[NewParcel],
    by: str,
) -> tuple[UUID, ...]:
    """Put the packed parcels in the place of those that were `expected`; their ids, in order.

    A packed parcel without a barcode of its own takes over the label of an expected one, which may
    have been printed already. An expected one that is left over is withdrawn. Nothing can be added
    once a parcel has left; what did not leave can still be withdrawn.

    Raises
    ------
    UnknownConsignment, UnknownParcels, ConsignmentClosed, ParcelsHaveLeft, NoParcels, BarcodeTaken
    """
    row = await lock_consignment(session, consignment_id)
    if row.state in CLOSED:
        raise ConsignmentClosed(waybill=row.waybill, state=row.state)
    parcels = {each.id: each for each in (await parcels_of(session, [row.id]))[row.id]}
    if unknown := set(expected) - set(parcels):
        raise UnknownParcels(parcel_ids=", ".join(sorted(map(str, unknown))))
    load_before = _load(view_of(row, list(parcels.values())))
    free = [each for parcel_id, each in parcels.items() if parcel_id in set(expected)]
    staying = parcels.values() if packed else free
    if any(each.state not in STAYS_PUT for each in staying):
        raise ParcelsHaveLeft(waybill=row.waybill)
    placed: list[Parcel | None] = []
    for new in packed:
        takes_over = new.barcode is None and bool(free)
        placed.append(_fill(free.pop(0), new) if takes_over else None)
    for each in free:
        each.withdrawn_at = clock.now()
    fresh = [new for new, known in zip(packed, placed, strict=True) if known is None]
    added = iter(await _add(session, row, fresh, by=by))
    ids = tuple(known.id if known else next(added).id for known in placed)
    now = (await parcels_of(session, [row.id]))[row.id]
    if not now:
        raise NoParcels(count=0)
    _project(session, row, now)
    row.amended_at, row.amended_by = clock.now(), by
    load = _load(view_of(row, now))
    changed = tuple(name for name in load if load[name] != load_before[name])
    emit(session, ConsignmentAmended(consignment_id=row.id, changed=changed or ("contents",)))
    await session.flush()
    return ids


def _load(consignment: ConsignmentView) -> dict[str, int]:
    """What its parcels come to together."""
    return {
        "weight_g": sum(each.weight_g for each in consignment.parcels),
        "volume_ml": sum(each.volume_ml for each in consignment.parcels),
        "parcels": len(consignment.parcels),
    }


def _project(session: AsyncSession, row: Consignment, parcels: Sequence[Parcel]) -> None:
    """Without the parcels that were withdrawn, the consignment may be further than it was."""
    state = consignment_state([each.state for each in parcels], cancelled=False)
    if state != row.state:
        row.state = state
        emit(
            session,
            CustodyChanged(
                consignment_id=row.id,
                order_id=row.order_id,
                kind=row.kind,
                state=state,
                parcel_ids=tuple(each.id for each in parcels if each.state == state),
                parcel_state=state,
                occurred_at=clock.now(),
            ),
        )


def _fill(parcel: Parcel, new: NewParcel) -> Parcel:
    for name, value in msgspec.structs.asdict(new).items():
        if name != "barcode":
            setattr(parcel, name, value)
    return parcel


async def _add(
    session: AsyncSession, row: Consignment, parcels: Sequence[NewParcel], *, by: str
) -> list[Parcel]:
    known = (
        await session.scalars(select(Parcel.piece).where(Parcel.consignment_id == row.id))
    ).all()
    if len(known) + len(parcels) > MAX_PIECES:
        raise NoParcels(count=len(known) + len(parcels))
    added = await add_parcels(session, row, parcels, first_piece=max(known) + 1)
    session.add_all(announcement(each, clock.now(), by) for each in added)
    return added
