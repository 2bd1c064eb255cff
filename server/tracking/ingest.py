"""Taking in what phones send: batches of fixes, and heartbeats."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.kit.geo import Position
from server.protocol.from_driver import Fix, Heartbeat
from server.tracking.fences import notice_arrivals
from server.tracking.filters import Memory, Spot, reason_against
from server.tracking.models import FixRejection, LivePositionRow, TrackedDevice
from server.tracking.partitions import day_of, ensure_partitions
from server.tracking.positions import LivePosition
from server.tracking.readings import Reading, in_order
from server.tracking.seq_ranges import added


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


async def ingest_fixes(
    session: AsyncSession,
    *,
    driver_id: UUID,
    device_id: UUID,
    fixes: Sequence[Fix],
    received_at: datetime,
    clock_error_s: float = 0.0,
) -> Ingested:
    """Filter and store a batch.

    clock_error_s: the server's time minus the phone's; a large one is added to the fixes' times.
    """
    if not fixes:
        return Ingested(stored=0, rejected={}, through_seq=0, newest=None)
    device = await _lock_device(session, device_id, driver_id)
    memory = _memory_of(device, received_at)
    kept: list[Reading] = []
    rejected: Counter[str] = Counter()
    for reading in in_order(fixes, clock_error_s=clock_error_s):
        reason = reason_against(reading, memory)
        if reason is None:
            kept.append(reading)
        else:
            rejected[reason] += 1
    _remember(device, memory, [fix.seq for fix in fixes])
    await session.flush()
    await _count_rejections(session, driver_id, received_at, rejected)
    newest = None
    if kept:
        await _store(session, driver_id, device_id, received_at, kept)
        newest = await _move_marker(session, device, received_at, kept)
        await notice_arrivals(session, driver_id, kept)
    return Ingested(
        stored=len(kept),
        rejected=dict(rejected),
        through_seq=device.handled_seqs[-1][1],
        newest=newest,
    )


async def record_heartbeat(
    session: AsyncSession,
    *,
    driver_id: UUID,
    device_id: UUID,
    heartbeat: Heartbeat,
    received_at: datetime,
) -> None:
    """Keep the phone's last sign of life; an older one that comes late changes nothing."""
    device = await _lock_device(session, device_id, driver_id)
    if device.heartbeat_at is not None and device.heartbeat_at > received_at:
        return
    for name, value in asdict(heartbeat).items():
        setattr(device, name, value)
    if device.battery_percent not in range(101):
        device.battery_percent = None
    device.heartbeat_at = received_at
    await session.flush()


async def _lock_device(session: AsyncSession, device_id: UUID, driver_id: UUID) -> TrackedDevice:
    """The device's row, which other batches of the same device wait for."""
    query = (
        select(TrackedDevice)
        .where(TrackedDevice.device_id == device_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    device = await session.scalar(query)
    if device is None:
        await session.execute(
            insert(TrackedDevice)
            .values(
                device_id=device_id,
                driver_id=driver_id,
                handled_seqs=[],
                unsent_commands=0,
                unsent_fixes=0,
            )
            .on_conflict_do_nothing()
        )
        device = (await session.scalars(query)).one()
    device.driver_id = driver_id
    return device


def _memory_of(device: TrackedDevice, now: datetime) -> Memory:
    def spot(
        position: Position | None, taken_at: datetime | None, accuracy_m: float | None
    ) -> Spot | None:
        if position is None or taken_at is None or accuracy_m is None:
            return None
        return Spot(position, taken_at, accuracy_m)

    return Memory(
        now=now,
        handled=device.handled_seqs,
        last=spot(device.last_position, device.last_taken_at, device.last_accuracy_m),
        doubted=spot(device.doubted_position, device.doubted_taken_at, device.doubted_accuracy_m),
    )


def _remember(device: TrackedDevice, memory: Memory, seqs: Sequence[int]) -> None:
    device.handled_seqs = added(device.handled_seqs, seqs)
    for name, spot in (("last", memory.last), ("doubted", memory.doubted)):
        setattr(device, f"{name}_position", spot and spot.position)
        setattr(device, f"{name}_taken_at", spot and spot.taken_at)
        setattr(device, f"{name}_accuracy_m", spot and spot.accuracy_m)


async def _count_rejections(
    session: AsyncSession, driver_id: UUID, received_at: datetime, rejected: Counter[str]
) -> None:
    if not rejected:
        return
    day = day_of(received_at)
    new = insert(FixRejection).values(
        [
            {"day": day, "driver_id": driver_id, "reason": reason, "count": count}
            for reason, count in sorted(rejected.items())
        ]
    )
    await session.execute(
        new.on_conflict_do_update(
            index_elements=[FixRejection.day, FixRejection.driver_id, FixRejection.reason],
            set_={"count": FixRejection.count + new.excluded.count},
        )
    )


# Several times as fast as inserting rows one by one; the key is the last guard against doubles.
INSERT_FIXES = text(
    """
    insert into fix (
        device_id, seq, taken_at, driver_id, received_at, claimed_at, position,
        accuracy_m, speed_mps, heading_deg
    )
    select
        :device_id, seq, taken_at, :driver_id, :received_at, claimed_at,
        st_setsrid(st_makepoint(lon, lat), 4326)::geography, accuracy_m, speed_mps, heading_deg
    from unnest(
        cast(:seq as bigint[]), cast(:taken_at as timestamptz[]),
        cast(:claimed_at as timestamptz[]), cast(:lon as float8[]), cast(:lat as float8[]),
        cast(:accuracy_m as real[]), cast(:speed_mps as real[]), cast(:heading_deg as real[])
    ) as reading (seq, taken_at, claimed_at, lon, lat, accuracy_m, speed_mps, heading_deg)
    on conflict do nothing
    """
)


async def _store(
    session: AsyncSession,
    driver_id: UUID,
    device_id: UUID,
    received_at: datetime,
    readings: Sequence[Reading],
) -> None:
    await ensure_partitions(session, {day_of(reading.taken_at) for reading in readings})
    columns: dict[str, Any] = {
        name: [getattr(reading, name) for reading in readings]
        for name in ("seq", "taken_at", "claimed_at", "accuracy_m", "speed_mps", "heading_deg")
    }
    columns["lon"] = [reading.position.lon for reading in readings]
    columns["lat"] = [reading.position.lat for reading in readings]
    await session.execute(
        INSERT_FIXES,
        {"device_id": device_id, "driver_id": driver_id, "received_at": received_at, **columns},
    )


async def _move_marker(
    session: AsyncSession, device: TrackedDevice, received_at: datetime, kept: Sequence[Reading]
) -> LivePosition | None:
    """Move the driver's marker, unless a later fix has moved it already."""
    newest = max(kept, key=lambda reading: (reading.taken_at, reading.seq))
    marker = {
        "device_id": device.device_id,
        "position": newest.position,
        "taken_at": newest.taken_at,
        "received_at": received_at,
        "speed_mps": newest.speed_mps,
        "heading_deg": newest.heading_deg,
    }
    moved = await session.scalar(
        insert(LivePositionRow)
        .values(driver_id=device.driver_id, **marker)
        .on_conflict_do_update(
            index_elements=[LivePositionRow.driver_id],
            set_=marker,
            where=LivePositionRow.taken_at < newest.taken_at,
        )
        .returning(LivePositionRow.driver_id)
    )
    if moved is None:
        return None
    return LivePosition(
        driver_id=device.driver_id,
        position=newest.position,
        taken_at=newest.taken_at,
        received_at=received_at,
        speed_mps=newest.speed_mps,
        heading_deg=newest.heading_deg,
        battery_percent=device.battery_percent,
    )
