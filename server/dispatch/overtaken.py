"""Scans that overtook the news of what was scanned.

A driver takes back goods that nobody announced, and scans them at the depot. When that scan is
heard of first, nobody knows the barcode yet. As soon as the news of the return comes, the scan
counts from when it was made, and what it raised settles itself.
"""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service as consignments
from server.consignments.events import CustodyChanged
from server.dispatch.exceptions import settle_scanned
from server.dispatch.fleet import find_driver
from server.dispatch.inputs import lock_depot
from server.dispatch.models import StreetFact

LONGEST_TOUR = timedelta(days=2)
"""A scan this long after the goods were taken back is of something else."""


async def catch_up_with_scans(session: AsyncSession, event: CustodyChanged) -> None:
    """Unload what came back and was scanned at the depot before we knew it."""
    if event.kind != "return" or event.parcel_state != "collected":
        return
    coming = (await consignments.get_consignments(session, [event.consignment_id])).values()
    waiting = {
        parcel.id: parcel.holder_id
        for each in coming
        for parcel in each.parcels
        if parcel.id in event.parcel_ids and parcel.state == "collected" and parcel.holder_id
    }
    for driver_id in sorted(set(waiting.values())):
        driver = await find_driver(session, driver_id)
        await lock_depot(session, driver.depot_id)
        facts = await session.scalars(
            select(StreetFact)
            .where(
                StreetFact.driver_id == driver_id,
                StreetFact.kind == "ScanParcels",
                StreetFact.occurred_at.between(event.occurred_at, event.occurred_at + LONGEST_TOUR),
            )
            .order_by(StreetFact.occurred_at, StreetFact.id)
        )
        for fact in facts:
            if fact.details["purpose"] != "unload":
                continue
            refs = await consignments.find_parcels(session, fact.details["barcodes"])
            brought = {
                barcode: ref.parcel_id
                for barcode, ref in refs.items()
                if waiting.get(ref.parcel_id) == driver_id
            }
            if not brought:
                continue
            await consignments.record_custody(
                session,
                parcel_ids=sorted(set(brought.values())),
                state="at_depot",
                occurred_at=fact.occurred_at,
                received_at=fact.received_at,
                by=f"driver:{driver_id}",
                position=fact.position,
                source_id=fact.command_id,
                strict=False,
            )
            await settle_scanned(session, "unknown_barcode", driver_id, brought)
