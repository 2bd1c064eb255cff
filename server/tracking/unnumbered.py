"""Readings of trackers that do not number what they send, as our own phones do.

They get their numbers here, in the order in which they come; a reading is known again by its time,
because a receiver reads one place at a time.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.protocol.from_driver import Fix
from server.tracking.devices import lock_row
from server.tracking.ingest import Ingested, ingest_fixes
from server.tracking.models import FixRow


async def ingest_unnumbered(
    session: AsyncSession,
    *,
    driver_id: UUID,
    device_id: UUID,
    fixes: Sequence[Fix],
    received_at: datetime,
) -> Ingested:
    """Filter and store what one device has sent, but for what it has sent before. The numbers of
    `fixes` are not looked at."""
    device = await lock_row(session, device_id, driver_id)
    times = {fix.taken_at for fix in fixes}
    stored = await session.scalars(
        select(FixRow.taken_at).where(FixRow.device_id == device_id, FixRow.taken_at.in_(times))
    )
    # A doubted one that comes again must not speak for itself.
    known = {*stored, device.doubted_taken_at}
    fresh = sorted(
        {fix.taken_at: fix for fix in fixes if fix.taken_at not in known}.values(),
        key=lambda fix: fix.taken_at,
    )
    through = device.handled_through or 0
    await session.flush()
    return await ingest_fixes(
        session,
        driver_id=driver_id,
        device_id=device_id,
        fixes=[replace(fix, seq=through + 1 + number) for number, fix in enumerate(fresh)],
        received_at=received_at,
    )
