"""Hand-over manifests: who gave which parcels to whom at one moment, with a signature.

What was written down then is kept as it was, never looked up again: reading a manifest later gives
exactly what was handed over, whatever has become of the parcels since.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments.custody import record_custody
from server.consignments.licence_plate_lookup import Scan, parcels_in, read_scans
from server.consignments.lookup import UnknownBarcode, get_consignments
from server.consignments.models import HANDOVER_NUMBERS, Handover
from server.identity import service as identity
from server.identity.access import Role
from server.kit import clock
from server.kit.errors import Invalid, NotFound
from server.kit.ids import new_id
from server.kit.typeset import printed, typeset

TEMPLATE = Path(__file__).parent / "handover.typ"

HandoverKind = Literal["loading", "linehaul", "agent", "shop"]

CUSTODY = {"loading": "loaded", "linehaul": "loaded", "agent": "loaded", "shop": "returned"}
"""What a hand-over makes of the parcels: they are in a vehicle, or back with the shop."""

TITLES = {
    "loading": "Loading manifest",
    "linehaul": "Linehaul manifest",
    "agent": "Hand-over to an agent",
    "shop": "Return to the shop",
}

MAX_PARCELS = 2000

Thousandth = Annotated[int, Meta(ge=0, le=1000)]
Stroke = Annotated[list[tuple[Thousandth, Thousandth]], Meta(min_length=1, max_length=1000)]
Signature = Annotated[list[Stroke], Meta(max_length=50)]
"""Strokes of a pen: points in thousandths of the field's width and height, from its top left."""


class UnknownHandover(NotFound):
    """There is no hand-over {handover_id}."""

    code = "consignments.unknown_handover"


class NotADriver(Invalid):
    """{driver_id} is no driver. Only a driver can take parcels into a vehicle of ours."""

    code = "consignments.not_a_driver"


class NothingHandedOver(Invalid):
    """A hand-over is of 1 to {limit} parcels; this would be {count}."""

    code = "consignments.nothing_handed_over"


class NewHandover(msgspec.Struct, frozen=True, kw_only=True):
    """barcodes: of parcels and of containers, for all that is in them. destination: the agent, the
    other depot or the shop."""

    kind: HandoverKind
    barcodes: Sequence[str]
    given_by: str
    taken_by: str
    occurred_at: datetime
    destination: str = ""
    vehicle: str = ""
    note: str = ""
    driver_id: UUID | None = None
    signature: Signature = []


class HandedOver(msgspec.Struct, frozen=True, kw_only=True):
    """One parcel as it was at that moment. container: the licence plate that was scanned for it."""

    parcel_id: UUID
    barcode: str
    waybill: str
    consignee: str
    description: str
    weight_g: int
    container: str | None


class HandoverView(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    number: str
    kind: HandoverKind
    given_by: str
    taken_by: str
    destination: str
    vehicle: str
    note: str
    driver_id: UUID | None
    signature: list[list[tuple[int, int]]]
    lines: tuple[HandedOver, ...]
    occurred_at: datetime
    received_at: datetime
    by: str


class HandoverSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A hand-over in a list; parcels: how many."""

    id: UUID
    number: str
    kind: HandoverKind
    given_by: str
    taken_by: str
    destination: str
    parcels: int
    occurred_at: datetime


async def hand_over(session: AsyncSession, new: NewHandover, *, by: str) -> HandoverView:
    """Write the manifest, and into the chain of custody of each parcel that it changed hands.

    Raises
    ------
    UnknownBarcode, NothingHandedOver, NotADriver
    """
    if new.driver_id is not None:
        people = await identity.get_people(session, [new.driver_id])
        if new.driver_id not in people or people[new.driver_id].role != Role.DRIVER:
            raise NotADriver(driver_id=new.driver_id)
    scans = await read_scans(session, new.barcodes)
    lines = await _lines(session, scans)
    if not 1 <= len(lines) <= MAX_PARCELS:
        raise NothingHandedOver(limit=MAX_PARCELS, count=len(lines))
    now = clock.now()
    row = Handover(
        id=new_id(),
        number=f"H-{await session.scalar(HANDOVER_NUMBERS.next_value()) or 0:06d}",
        kind=new.kind,
        given_by=new.given_by,
        taken_by=new.taken_by,
        destination=new.destination,
        vehicle=new.vehicle,
        note=new.note,
        driver_id=new.driver_id,
        signature=msgspec.to_builtins(new.signature),
        lines=msgspec.to_builtins(lines),
        occurred_at=new.occurred_at,
        received_at=now,
        by=by,
    )
    session.add(row)
    await record_custody(
        session,
        parcel_ids=[line.parcel_id for line in lines],
        state=CUSTODY[new.kind],
        occurred_at=new.occurred_at,
        received_at=now,
        by=by,
        driver_id=new.driver_id if CUSTODY[new.kind] == "loaded" else None,
        source_id=f"handover:{row.id}",
        containers=parcels_in(scans),
        strict=False,
    )
    await identity.record_audit(
        session,
        by=by,
        action="handover.made",
        subject=f"handover:{row.id}",
        details={"number": row.number, "parcels": len(lines)},
    )
    await session.flush()
    return _view(row)


async def get_handover(session: AsyncSession, handover_id: UUID) -> HandoverView:
    row = await session.get(Handover, handover_id)
    if row is None:
        raise UnknownHandover(handover_id=handover_id)
    return _view(row)


async def list_handovers(
    session: AsyncSession, *, after: UUID | None = None, limit: int = 50
) -> list[HandoverSummary]:
    """Newest first."""
    columns = (
        Handover.id,
        Handover.number,
        Handover.kind,
        Handover.given_by,
        Handover.taken_by,
        Handover.destination,
        func.jsonb_array_length(Handover.lines).label("parcels"),
        Handover.occurred_at,
    )
    query = select(*columns).order_by(Handover.id.desc()).limit(limit)
    if after is not None:
        query = query.where(Handover.id < after)
    return [
        msgspec.convert(dict(row), HandoverSummary)
        for row in (await session.execute(query)).mappings()
    ]


async def handover_pdf(handover: HandoverView) -> bytes:
    """The manifest on paper, made from what is kept: the same bytes whenever it is asked for."""
    plain = ("given_by", "taken_by", "destination", "vehicle", "note")
    words, plates = ("consignee", "description"), ("waybill", "container")
    return await typeset(
        TEMPLATE,
        {name: printed(getattr(handover, name)) for name in plain}
        | {
            "number": handover.number,
            "title": TITLES[handover.kind],
            "at": f"{handover.occurred_at:%Y-%m-%d %H:%M} UTC",
            "weight": f"{sum(line.weight_g for line in handover.lines) / 1000:.1f} kg",
            "signature": signature_svg(handover.signature),
            "lines": [
                {name: printed(getattr(line, name)) for name in words}
                | {name: printed(getattr(line, name) or "", longest_word=12) for name in plates}
                | {
                    "barcode": printed(line.barcode, longest_word=15),
                    "weight": f"{line.weight_g / 1000:.1f}" if line.weight_g else "",
                }
                for line in handover.lines
            ],
        },
    )


def signature_svg(strokes: Sequence[Sequence[tuple[int, int]]]) -> str | None:
    """Drawn from numbers alone, so nothing that somebody sends is ever read as a picture."""
    if not strokes:
        return None
    paths = "".join(
        "<path d='M{}'/>".format(" L".join(f"{x} {y * 3 // 10}" for x, y in [*stroke, stroke[-1]]))
        for stroke in strokes
    )
    return (
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='-10 -10 1020 320'>"
        "<g fill='none' stroke='black' stroke-width='6' stroke-linecap='round'>"
        f"{paths}</g></svg>"
    )


async def _lines(session: AsyncSession, scans: Sequence[Scan]) -> list[HandedOver]:
    """Each parcel once, in the order in which they were scanned."""
    lines: dict[UUID, HandedOver] = {}
    known = await get_consignments(
        session, {scan.parcel.consignment_id for scan in scans if scan.parcel is not None}
    )
    for scan in scans:
        if scan.parcel is None:
            if scan.is_unknown:
                raise UnknownBarcode(barcode=scan.barcode)
            continue  # an empty cage goes along, but is no goods
        consignment = known[scan.parcel.consignment_id]
        parcel = consignment.parcel(scan.parcel.parcel_id)
        if parcel is None:  # packed otherwise, a moment ago
            raise UnknownBarcode(barcode=scan.barcode)
        lines.setdefault(
            parcel.id,
            HandedOver(
                parcel_id=parcel.id,
                barcode=parcel.barcode,
                waybill=consignment.waybill,
                consignee=consignment.consignee.name,
                description=parcel.description,
                weight_g=parcel.weight_g,
                container=scan.container,
            ),
        )
    return list(lines.values())


def _view(row: Handover) -> HandoverView:
    return msgspec.convert(row, HandoverView, from_attributes=True)
