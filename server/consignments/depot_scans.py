"""What was scanned at the gates of the depots, and from that, at which depot a parcel is.

Only keeps the facts. What a scan means (for which run, of which depot) is known in a room above.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments.models import DepotScan, Parcel

Direction = Literal["in", "out"]


class GateScan(msgspec.Struct, frozen=True, kw_only=True):
    """One barcode at a gate, with what the person there was told. parcel_id: None if unknown."""

    barcode: str
    parcel_id: UUID | None
    result: str


async def keep_depot_scans(
    session: AsyncSession,
    scans: Sequence[GateScan],
    *,
    scan_id: str,
    depot_id: UUID,
    direction: Direction,
    occurred_at: datetime,
    received_at: datetime,
    by: str,
) -> None:
    session.add_all(
        DepotScan(
            scan_id=scan_id,
            depot_id=depot_id,
            direction=direction,
            barcode=scan.barcode,
            parcel_id=scan.parcel_id,
            result=scan.result,
            occurred_at=occurred_at,
            received_at=received_at,
            by=by,
        )
        for scan in scans
    )
    await session.flush()


async def depots_of_parcels(
    session: AsyncSession, parcel_ids: Collection[UUID]
) -> dict[UUID, UUID]:
    """Parcel id -> the depot where it is, as far as a scan at the gate told."""
    rows = await session.execute(
        select(DepotScan.parcel_id, DepotScan.depot_id, DepotScan.direction)
        .join(Parcel, Parcel.id == DepotScan.parcel_id)
        .where(DepotScan.parcel_id.in_(parcel_ids), Parcel.state == "at_depot")
        .ext(distinct_on(DepotScan.parcel_id))
        .order_by(DepotScan.parcel_id, DepotScan.occurred_at.desc(), DepotScan.id.desc())
    )
    return {row.parcel_id: row.depot_id for row in rows if row.direction == "in"}
