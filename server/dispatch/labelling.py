"""What goes on a label: from the consignment, its places, and the run that takes it."""

from collections.abc import Collection, Sequence
from datetime import datetime, tzinfo
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service as consignments
from server.consignments.service import ConsignmentView, Label, ParcelView
from server.dispatch.fleet import DepotView, list_depots
from server.dispatch.whereabouts import Work, find_work
from server.kit.errors import Invalid
from server.kit.money import Money
from server.kit.settings import Settings
from server.places import service as places
from server.places.service import PlaceView

MOST_LABELS = 500


class TooManyLabels(Invalid):
    """These are {count} labels; at most {limit} can be printed at once."""

    code = "dispatch.too_many_labels"


async def labels_of_consignments(
    session: AsyncSession,
    consignment_ids: Sequence[UUID],
    *,
    settings: Settings,
    account_id: UUID | None = None,
) -> list[Label]:
    """The labels of all their parcels, in that order. account_id: only if all belong to it.

    Raises
    ------
    UnknownConsignment, TooManyLabels
    """
    found = [
        await consignments.get_consignment(session, each, account_id=account_id)
        for each in dict.fromkeys(consignment_ids)
    ]
    return await _labels(session, [(each, each.parcels) for each in found], settings)


async def labels_of_barcode(
    session: AsyncSession, barcode: str, *, settings: Settings, account_id: UUID | None = None
) -> list[Label]:
    """The label of the parcel that this barcode means now.

    Raises
    ------
    UnknownBarcode
    """
    consignment = await consignments.consignment_of_barcode(session, barcode, account_id=account_id)
    ref = (await consignments.find_parcels(session, [barcode]))[barcode]
    mine = tuple(parcel for parcel in consignment.parcels if parcel.id == ref.parcel_id)
    return await _labels(session, [(consignment, mine)], settings)


async def _labels(
    session: AsyncSession,
    chosen: Sequence[tuple[ConsignmentView, Collection[ParcelView]]],
    settings: Settings,
) -> list[Label]:
    parcel_ids = [parcel.id for _, parcels in chosen for parcel in parcels]
    if len(parcel_ids) > MOST_LABELS:
        raise TooManyLabels(count=len(parcel_ids), limit=MOST_LABELS)
    work = await find_work(session, [consignment.id for consignment, _ in chosen])
    depots = {depot.id: depot for depot in await list_depots(session)}
    known = await places.get_places(
        session,
        {
            place_id
            for each, _ in chosen
            for place_id in (each.consignor.place_id, each.consignee.place_id)
            if place_id is not None
        }
        | {depot.place_id for depot in depots.values()},
    )
    ssccs: dict[UUID, str] = {}
    if settings.gs1_prefix:
        ssccs = await consignments.give_ssccs(session, parcel_ids, prefix=settings.gs1_prefix)
    return [
        _label(
            work[consignment.id],
            parcel,
            sscc=ssccs.get(parcel.id),
            depots=depots,
            known=known,
            settings=settings,
        )
        for consignment, parcels in chosen
        for parcel in parcels
    ]


def _label(
    work: Work,
    parcel: ParcelView,
    *,
    sscc: str | None,
    depots: dict[UUID, DepotView],
    known: dict[UUID, PlaceView],
    settings: Settings,
) -> Label:
    consignment = work.consignment
    depot = depots.get(work.depot_id) if work.depot_id else None
    base = known[depot.place_id] if depot else None
    door = known[consignment.consignee.place_id] if consignment.consignee.place_id else base
    start = known[consignment.consignor.place_id] if consignment.consignor.place_id else base
    to_depot = consignment.consignee.place_id is None
    zone = ZoneInfo(depot.timezone) if depot else settings.timezone
    return Label(
        barcode=parcel.barcode,
        waybill=consignment.waybill,
        piece=[each.id for each in consignment.parcels].index(parcel.id) + 1,
        pieces=len(consignment.parcels),
        consignee=consignment.consignee.name or (depot.name if depot else ""),
        place_line=door.line if door else "",
        phone=consignment.consignee.phone,
        extra=door.extra if door else "",
        access=door.access_note if door and not to_depot else "",
        instructions=consignment.instructions,
        service_level=(consignment.service_level or "").replace("_", " ").upper(),
        window=window_line(consignment.window_start_at, consignment.window_end_at, zone),
        weight_g=parcel.weight_g,
        sender=consignment.consignor.name,
        from_line=start.line if start else "",
        cash=_cash(consignment),
        depot=depot.name if depot else "",
        run=work.driver_name,
        stop=str(work.stop) if work.stop else "",
        is_return=consignment.kind == "return",
        sscc=sscc,
    )


def _cash(consignment: ConsignmentView) -> str:
    if not consignment.cash_minor:
        return ""
    return str(Money(consignment.cash_minor, consignment.currency))


def window_line(start_at: datetime | None, end_at: datetime | None, zone: tzinfo) -> str:
    """When it is to come, in the depot's time: `Mon 2 Mar 09:00–17:00`."""
    start, end = (at.astimezone(zone) if at else None for at in (start_at, end_at))
    if start is None or end is None:
        return f"until {_day(end)} {end:%H:%M}" if end else _from(start)
    if start.date() == end.date():
        return f"{_day(start)} {start:%H:%M}–{end:%H:%M}"
    return f"{_day(start)} {start:%H:%M} – {_day(end)} {end:%H:%M}"


def _from(start: datetime | None) -> str:
    return f"from {_day(start)} {start:%H:%M}" if start else ""


def _day(at: datetime) -> str:
    return f"{at:%a} {at.day} {at:%b}"
