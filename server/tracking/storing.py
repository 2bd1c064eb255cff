"""Writes what is left of batches after the filters: many rows in one statement each."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.tracking.devices import Device
from server.tracking.models import FixRejection
from server.tracking.positions import LivePosition
from server.tracking.readings import Reading

# Several times as fast as inserting rows one by one; the key is the last guard against doubles.
INSERT_FIXES = text(
    """
    insert into fix (
        device_id, seq, taken_at, driver_id, received_at, claimed_at, position,
        accuracy_m, speed_mps, heading_deg
    )
    select
        device_id, seq, taken_at, driver_id, :received_at, claimed_at,
        st_setsrid(st_makepoint(lon, lat), 4326)::geography, accuracy_m, speed_mps, heading_deg
    from unnest(
        cast(:device_id as uuid[]), cast(:driver_id as uuid[]),
        cast(:seq as bigint[]), cast(:taken_at as timestamptz[]),
        cast(:claimed_at as timestamptz[]), cast(:lon as float8[]), cast(:lat as float8[]),
        cast(:accuracy_m as real[]), cast(:speed_mps as real[]), cast(:heading_deg as real[])
    ) as reading (
        device_id, driver_id, seq, taken_at, claimed_at, lon, lat, accuracy_m, speed_mps,
        heading_deg
    )
    on conflict do nothing
    """
)

MOVE_MARKERS = text(
    """
    insert into live_position (
        driver_id, device_id, position, taken_at, received_at, speed_mps, heading_deg
    )
    select
        driver_id, device_id, st_setsrid(st_makepoint(lon, lat), 4326)::geography, taken_at,
        :received_at, speed_mps, heading_deg
    from unnest(
        cast(:driver_id as uuid[]), cast(:device_id as uuid[]),
        cast(:lon as float8[]), cast(:lat as float8[]), cast(:taken_at as timestamptz[]),
        cast(:speed_mps as real[]), cast(:heading_deg as real[])
    ) as marker (driver_id, device_id, lon, lat, taken_at, speed_mps, heading_deg)
    order by driver_id
    on conflict (driver_id) do update set
        device_id = excluded.device_id,
        position = excluded.position,
        taken_at = excluded.taken_at,
        received_at = excluded.received_at,
        speed_mps = excluded.speed_mps,
        heading_deg = excluded.heading_deg
    where live_position.taken_at < excluded.taken_at
    returning driver_id
    """
)


async def count_rejections(
    session: AsyncSession, day: date, rejected: Mapping[UUID, Counter[str]]
) -> None:
    """rejected: driver -> reason -> how many fixes were not kept."""
    rows = [
        {"day": day, "driver_id": driver_id, "reason": reason, "count": count}
        for driver_id, reasons in sorted(rejected.items())
        for reason, count in sorted(reasons.items())
    ]
    if not rows:
        return
    new = insert(FixRejection).values(rows)
    await session.execute(
        new.on_conflict_do_update(
            index_elements=[FixRejection.day, FixRejection.driver_id, FixRejection.reason],
            set_={"count": FixRejection.count + new.excluded.count},
        )
    )


async def store_readings(
    session: AsyncSession, received_at: datetime, readings: Sequence[tuple[Device, Reading]]
) -> None:
    await session.execute(
        INSERT_FIXES,
        {
            "received_at": received_at,
            **_columns(readings),
            "seq": [reading.seq for _, reading in readings],
            "claimed_at": [reading.claimed_at for _, reading in readings],
            "accuracy_m": [reading.accuracy_m for _, reading in readings],
        },
    )


async def move_markers(
    session: AsyncSession, received_at: datetime, newest: Mapping[UUID, tuple[Device, Reading]]
) -> dict[UUID, LivePosition]:
    """Move the drivers' markers to their newest readings, but for those that a later fix has moved
    already; the new markers by driver."""
    moved = await session.scalars(
        MOVE_MARKERS, {"received_at": received_at, **_columns(list(newest.values()))}
    )
    return {
        driver_id: LivePosition(
            driver_id=driver_id,
            position=reading.position,
            taken_at=reading.taken_at,
            received_at=received_at,
            speed_mps=reading.speed_mps,
            heading_deg=reading.heading_deg,
            battery_percent=device.battery_percent,
        )
        for driver_id in moved
        for device, reading in (newest[driver_id],)
    }


def _columns(readings: Sequence[tuple[Device, Reading]]) -> dict[str, Any]:
    return {
        "device_id": [device.device_id for device, _ in readings],
        "driver_id": [device.driver_id for device, _ in readings],
        "lon": [reading.position.lon for _, reading in readings],
        "lat": [reading.position.lat for _, reading in readings],
        "taken_at": [reading.taken_at for _, reading in readings],
        "speed_mps": [reading.speed_mps for _, reading in readings],
        "heading_deg": [reading.heading_deg for _, reading in readings],
    }
