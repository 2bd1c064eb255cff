"""Taking in the fixes that phones send: those of one, or of many in a handful of statements."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from server.protocol.from_driver import Fix
from server.tracking.devices import Device, lock_devices, save_devices
from server.tracking.fences import notice_arrivals
from server.tracking.filters import Memory, reason_against
from server.tracking.partitions import day_of, ensure_partitions
from server.tracking.positions import LivePosition
from server.tracking.readings import Reading, in_order
from server.tracking.storing import count_rejections, move_markers, store_readings


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """What one device has sent.

    clock_error_s: the server's time minus the phone's; a large one is added to the fixes' times.
    """

    driver_id: UUID
    device_id: UUID
    fixes: Sequence[Fix]
    clock_error_s: float = 0.0


class Ingested(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch.

    rejected: reason -> how many were not kept.
    through_seq: acknowledge this, once committed: everything sent up to it was dealt with. It is
        the highest number that this device has ever used, so that a phone which was restored from
        a backup, and counts again from an old one, learns where to go on.
    newest: the driver's new marker; None when the batch did not move it.
    """

    stored: int
    rejected: dict[str, int]
    through_seq: int
    newest: LivePosition | None


@dataclass(slots=True)
class Sifted:
    """A batch while it is dealt with."""

    batch: Batch
    device: Device
    kept: list[Reading] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)


async def ingest_fixes(
    session: AsyncSession,
    *,
    driver_id: UUID,
    device_id: UUID,
    fixes: Sequence[Fix],
    received_at: datetime,
    clock_error_s: float = 0.0,
) -> Ingested:
    """Filter and store what one device has sent; see `ingest_batches`."""
    batch = Batch(
        driver_id=driver_id, device_id=device_id, fixes=fixes, clock_error_s=clock_error_s
    )
    if not fixes:
        return Ingested(stored=0, rejected={}, through_seq=0, newest=None)
    (ingested,) = await ingest_batches(session, [batch], received_at=received_at)
    return ingested


async def ingest_batches(
    session: AsyncSession, batches: Sequence[Batch], *, received_at: datetime
) -> list[Ingested]:
    """Filter and store what many devices have sent; none of the batches is empty. Locks are taken
    in the order of the devices' and then of the drivers' ids."""
    devices = await lock_devices(session, {each.device_id: each.driver_id for each in batches})
    sifted = [_sift(each, devices[each.device_id], received_at) for each in batches]
    await save_devices(session, devices.values())
    rejected: defaultdict[UUID, Counter[str]] = defaultdict(Counter)
    paths: defaultdict[UUID, list[tuple[Device, Reading]]] = defaultdict(list)
    for each in sifted:
        rejected[each.batch.driver_id] += each.rejected
        paths[each.batch.driver_id] += [(each.device, reading) for reading in each.kept]
    await count_rejections(session, day_of(received_at), rejected)
    readings = [pair for path in paths.values() for pair in path]
    moved: dict[UUID, LivePosition] = {}
    if readings:
        await ensure_partitions(session, {day_of(reading.taken_at) for _, reading in readings})
        await store_readings(session, received_at, readings)
        newest = {driver_id: max(path, key=_age) for driver_id, path in paths.items() if path}
        moved = await move_markers(session, received_at, newest)
        await notice_arrivals(
            session,
            {driver_id: [each for _, each in path] for driver_id, path in paths.items() if path},
        )
    return [
        Ingested(
            stored=len(each.kept),
            rejected=dict(each.rejected),
            through_seq=each.device.handled_seqs[-1][1],
            newest=moved.get(each.batch.driver_id) if each.kept else None,
        )
        for each in sifted
    ]


def _sift(batch: Batch, device: Device, received_at: datetime) -> Sifted:
    sifted = Sifted(batch, device)
    memory = Memory(
        now=received_at, handled=device.handled_seqs, last=device.last, doubted=device.doubted
    )
    for reading in in_order(batch.fixes, clock_error_s=batch.clock_error_s):
        reason = reason_against(reading, memory)
        if reason is None:
            sifted.kept.append(reading)
        else:
            sifted.rejected[reason] += 1
    device.remember(memory, [fix.seq for fix in batch.fixes])
    return sifted


def newest_claim(batch: Batch, received_at: datetime) -> LivePosition | None:
    """Where the driver says to be, for a map whose database is away: checked as far as can be
    without knowing where the driver was before."""
    memory = Memory(now=received_at)
    for reading in reversed(in_order(batch.fixes, clock_error_s=batch.clock_error_s)):
        if reason_against(reading, memory) is None:
            return LivePosition(
                driver_id=batch.driver_id,
                position=reading.position,
                taken_at=reading.taken_at,
                received_at=received_at,
                speed_mps=reading.speed_mps,
                heading_deg=reading.heading_deg,
                battery_percent=None,
            )
    return None


def _age(pair: tuple[Device, Reading]) -> tuple[datetime, int]:
    return pair[1].taken_at, pair[1].seq
