"""Finding consignments and parcels."""

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

import msgspec
from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments.lifecycle import PARCEL
from server.consignments.models import Consignment, Parcel, ParcelSscc
from server.consignments.sscc import is_sscc, read_scan
from server.consignments.views import ConsignmentView, ParcelRef, ParcelView, Party
from server.kit.errors import NotFound
from server.protocol.to_driver import ProofDemand


class UnknownConsignment(NotFound):
    """There is no consignment {consignment_id}, or it is not yours."""

    code = "consignments.unknown"


class UnknownBarcode(NotFound):
    """No parcel bears the barcode {barcode!r}."""

    code = "consignments.unknown_barcode"


async def get_consignments(
    session: AsyncSession, ids: Collection[UUID]
) -> dict[UUID, ConsignmentView]:
    """Those that exist, by id."""
    found = await _views(session, select(Consignment).where(Consignment.id.in_(ids)))
    return {view.id: view for view in found}


async def waybills_of(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, str]:
    """The waybill numbers of those that exist, by id."""
    query = select(Consignment.id, Consignment.waybill).where(Consignment.id.in_(ids))
    return {row.id: row.waybill for row in await session.execute(query)}


async def get_consignment(
    session: AsyncSession, consignment_id: UUID, *, account_id: UUID | None = None
) -> ConsignmentView:
    """account_id: only if it belongs to this account."""
    view = (await get_consignments(session, [consignment_id])).get(consignment_id)
    if view is None or (account_id is not None and view.account_id != account_id):
        raise UnknownConsignment(consignment_id=consignment_id)
    return view


async def list_consignments(
    session: AsyncSession,
    *,
    account_id: UUID | None = None,
    order_id: UUID | None = None,
    state: str | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> list[ConsignmentView]:
    """Newest first; `after` is the last id of the page before."""
    query = select(Consignment).order_by(Consignment.id.desc()).limit(limit)
    if account_id is not None:
        query = query.where(Consignment.account_id == account_id)
    if order_id is not None:
        query = query.where(Consignment.order_id == order_id)
    if state is not None:
        query = query.where(Consignment.state == state)
    if after is not None:
        query = query.where(Consignment.id < after)
    return await _views(session, query)


async def consignment_of_waybill(session: AsyncSession, waybill: str) -> ConsignmentView | None:
    """The consignment with this number, if there is one."""
    found = await _views(session, select(Consignment).where(Consignment.waybill == waybill))
    return found[0] if found else None


async def consignment_of_order(session: AsyncSession, order_id: UUID) -> ConsignmentView | None:
    """The consignment that fulfils the order; its returns are not meant."""
    return (await consignments_of_orders(session, [order_id])).get(order_id)


async def consignments_of_orders(
    session: AsyncSession, order_ids: Collection[UUID]
) -> dict[UUID, ConsignmentView]:
    """Order id -> the newest consignment that fulfils it."""
    found = await _views(
        session,
        select(Consignment)
        .where(Consignment.order_id.in_(order_ids), Consignment.kind != "return")
        .order_by(Consignment.id),
    )
    return {view.order_id: view for view in found if view.order_id is not None}


async def find_parcels(session: AsyncSession, barcodes: Collection[str]) -> dict[str, ParcelRef]:
    """The parcel that each barcode means now; unknown barcodes are left out.

    Goods that come back often bear the label of their first journey, so an old label means the
    returning parcel once the first journey is over.
    """
    meanings = await _meanings(session, barcodes)
    wanted = {each for meant in meanings.values() for each in meant}
    rows = await session.scalars(
        select(Parcel)
        .where(
            or_(Parcel.barcode.in_(wanted), Parcel.former_barcode.in_(wanted)),
            Parcel.withdrawn_at.is_(None),
        )
        .order_by(Parcel.id)
    )
    candidates: dict[str, list[Parcel]] = {}
    for parcel in rows:
        for barcode in {parcel.barcode, parcel.former_barcode} & wanted:
            candidates.setdefault(str(barcode), []).append(parcel)

    def fitness(parcel: Parcel, barcode: str) -> tuple[bool, bool, UUID]:
        return (not PARCEL.is_final(parcel.state), parcel.barcode == barcode, parcel.id)

    found = {
        barcode: ref_of(max(parcels, key=lambda parcel: fitness(parcel, barcode)))
        for barcode, parcels in candidates.items()
    }
    return {
        barcode: next(found[each] for each in meant if each in found)
        for barcode, meant in meanings.items()
        if any(each in found for each in meant)
    }


async def _meanings(session: AsyncSession, barcodes: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The barcodes that each may stand for, the likeliest first: it may be an SSCC, with or without
    what scanners put around it."""
    scans = {barcode: read_scan(barcode) for barcode in barcodes}
    rows = await session.execute(
        select(ParcelSscc.sscc, Parcel.barcode)
        .join(Parcel, Parcel.id == ParcelSscc.parcel_id)
        .where(ParcelSscc.sscc.in_([scan for scan in scans.values() if is_sscc(scan)]))
    )
    of_ssccs = {row.sscc: row.barcode for row in rows}
    return {
        barcode: (barcode, scan, *([of_ssccs[scan]] if scan in of_ssccs else []))
        for barcode, scan in scans.items()
    }


async def consignment_of_barcode(
    session: AsyncSession, barcode: str, *, account_id: UUID | None = None
) -> ConsignmentView:
    """The consignment of the parcel that this barcode means now."""
    ref = (await find_parcels(session, [barcode])).get(barcode)
    if ref is None:
        raise UnknownBarcode(barcode=barcode)
    try:
        return await get_consignment(session, ref.consignment_id, account_id=account_id)
    except UnknownConsignment:
        raise UnknownBarcode(barcode=barcode) from None


async def consignment_of_number(
    session: AsyncSession, number: str, *, account_id: UUID | None = None
) -> ConsignmentView:
    """By its waybill, or by what stands on one of its parcels; for people who look for it.

    Raises
    ------
    UnknownBarcode
    """
    found = await consignment_of_waybill(session, number.strip().upper())
    if found is not None and account_id in (None, found.account_id):
        return found
    return await consignment_of_barcode(session, number, account_id=account_id)


async def _views(session: AsyncSession, query: Select[Consignment]) -> list[ConsignmentView]:
    rows = (await session.scalars(query)).all()
    parcels = await parcels_of(session, [row.id for row in rows])
    return [view_of(row, parcels[row.id]) for row in rows]


async def parcels_of(
    session: AsyncSession, consignment_ids: Iterable[UUID]
) -> dict[UUID, list[Parcel]]:
    """Consignment id -> its parcels in the order of their labels."""
    found: dict[UUID, list[Parcel]] = {each: [] for each in consignment_ids}
    query = (
        select(Parcel)
        .where(Parcel.consignment_id.in_(found), Parcel.withdrawn_at.is_(None))
        .order_by(Parcel.piece)
        .execution_options(populate_existing=True)
    )
    for parcel in await session.scalars(query):
        found[parcel.consignment_id].append(parcel)
    return found


def view_of(row: Consignment, parcels: Sequence[Parcel]) -> ConsignmentView:
    return ConsignmentView(
        id=row.id,
        waybill=row.waybill,
        kind=row.kind,  # type: ignore[arg-type]  # held to the three by a check constraint
        state=row.state,
        order_id=row.order_id,
        account_id=row.account_id,
        consignor=Party(
            name=row.consignor_name, phone=row.consignor_phone, place_id=row.consignor_place_id
        ),
        consignee=Party(
            name=row.consignee_name, phone=row.consignee_phone, place_id=row.consignee_place_id
        ),
        parcels=tuple(map(_parcel_view, parcels)),
        window_start_at=row.window_start_at,
        window_end_at=row.window_end_at,
        pickup_window_start_at=row.pickup_window_start_at,
        pickup_window_end_at=row.pickup_window_end_at,
        service_level=row.service_level,
        instructions=row.instructions,
        skills=tuple(row.skills),
        proof=msgspec.convert(row.proof, ProofDemand),
        has_pin=row.pin is not None,
        cash_minor=row.cash_minor,
        currency=row.currency,
        origin_depot_id=row.origin_depot_id,
        created_at=row.created_at,
        cancelled_at=row.cancelled_at,
        linked_consignment_id=row.linked_consignment_id,
    )


def _parcel_view(row: Parcel) -> ParcelView:
    volume_mm3 = row.length_mm * row.width_mm * row.height_mm
    return ParcelView(
        id=row.id,
        barcode=row.barcode,
        description=row.description,
        weight_g=row.weight_g,
        volume_ml=-(-volume_mm3 // 1000),  # a started millilitre counts
        state=row.state,
        holder_id=row.holder_id,
    )


def ref_of(parcel: Parcel) -> ParcelRef:
    return ParcelRef(
        parcel_id=parcel.id,
        barcode=parcel.barcode,
        consignment_id=parcel.consignment_id,
        state=parcel.state,
    )
