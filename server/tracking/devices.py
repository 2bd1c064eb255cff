"""What is remembered of each phone between its batches, and its heartbeats."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.kit.geo import Position
from server.protocol.from_driver import Heartbeat
from server.tracking.filters import Memory, Spot
from server.tracking.models import TrackedDevice
from server.tracking.seq_ranges import Ranges, added


@dataclass(slots=True)
class Device:
    """handled_seqs: the fixes dealt with. last, doubted: see filters.Memory."""

    device_id: UUID
    driver_id: UUID
    handled_seqs: Ranges
    last: Spot | None
    doubted: Spot | None
    battery_percent: int | None

    def remember(self, memory: Memory, seqs: Sequence[int]) -> None:
        self.handled_seqs = added(self.handled_seqs, seqs)
        self.last, self.doubted = memory.last, memory.doubted


INSERT_MISSING = text(
    """
    insert into tracked_device (device_id, driver_id, handled_seqs, unsent_commands, unsent_fixes)
    select device_id, driver_id, '[]', 0, 0
    from unnest(cast(:device_ids as uuid[]), cast(:driver_ids as uuid[]))
        as new (device_id, driver_id)
    order by device_id
    on conflict do nothing
    """
)

LOCK = text(
    """
    select device_id, cast(handled_seqs as text), battery_percent,
        st_x(last_position::geometry), st_y(last_position::geometry), last_taken_at,
        last_accuracy_m,
        st_x(doubted_position::geometry), st_y(doubted_position::geometry), doubted_taken_at,
        doubted_accuracy_m
    from tracked_device
    where device_id = any(cast(:device_ids as uuid[]))
    order by device_id
    for update
    """
)

SAVE = text(
    """
    update tracked_device set
        driver_id = new.driver_id,
        handled_seqs = cast(new.handled_seqs as jsonb),
        last_position = st_setsrid(st_makepoint(new.last_lon, new.last_lat), 4326)::geography,
        last_taken_at = new.last_taken_at,
        last_accuracy_m = new.last_accuracy_m,
        doubted_position =
            st_setsrid(st_makepoint(new.doubted_lon, new.doubted_lat), 4326)::geography,
        doubted_taken_at = new.doubted_taken_at,
        doubted_accuracy_m = new.doubted_accuracy_m
    from unnest(
        cast(:device_id as uuid[]), cast(:driver_id as uuid[]), cast(:handled_seqs as text[]),
        cast(:last_lon as float8[]), cast(:last_lat as float8[]),
        cast(:last_taken_at as timestamptz[]), cast(:last_accuracy_m as float8[]),
        cast(:doubted_lon as float8[]), cast(:doubted_lat as float8[]),
        cast(:doubted_taken_at as timestamptz[]), cast(:doubted_accuracy_m as float8[])
    ) as new (
        device_id, driver_id, handled_seqs, last_lon, last_lat, last_taken_at, last_accuracy_m,
        doubted_lon, doubted_lat, doubted_taken_at, doubted_accuracy_m
    )
    where tracked_device.device_id = new.device_id
    """
)


async def lock_devices(session: AsyncSession, drivers: Mapping[UUID, UUID]) -> dict[UUID, Device]:
    """The rows of these devices (device -> driver), for which other batches of them wait."""
    wanted = {"device_ids": list(drivers)}
    rows = (await session.execute(LOCK, wanted)).all()
    if len(rows) < len(drivers):
        missing = list(drivers.keys() - {row[0] for row in rows})
        await session.execute(
            INSERT_MISSING,
            {"device_ids": missing, "driver_ids": [drivers[each] for each in missing]},
        )
        rows = (await session.execute(LOCK, wanted)).all()
    return {
        row[0]: Device(
            device_id=row[0],
            driver_id=drivers[row[0]],
            handled_seqs=msgspec.json.decode(row[1]),
            battery_percent=row[2],
            last=_spot(*row[3:7]),
            doubted=_spot(*row[7:11]),
        )
        for row in rows
    }


async def save_devices(session: AsyncSession, devices: Collection[Device]) -> None:
    """Write what was remembered to the locked rows."""
    columns: dict[str, Any] = {
        "device_id": [each.device_id for each in devices],
        "driver_id": [each.driver_id for each in devices],
        "handled_seqs": [msgspec.json.encode(each.handled_seqs).decode() for each in devices],
    }
    for name in ("last", "doubted"):
        spots: list[Spot | None] = [getattr(each, name) for each in devices]
        columns[f"{name}_lon"] = [spot and spot.position.lon for spot in spots]
        columns[f"{name}_lat"] = [spot and spot.position.lat for spot in spots]
        columns[f"{name}_taken_at"] = [spot and spot.taken_at for spot in spots]
        columns[f"{name}_accuracy_m"] = [spot and spot.accuracy_m for spot in spots]
    await session.execute(SAVE, columns)


async def record_heartbeat(
    session: AsyncSession,
    *,
    driver_id: UUID,
    device_id: UUID,
    heartbeat: Heartbeat,
    received_at: datetime,
) -> None:
    """Keep the phone's last sign of life; an older one that comes late changes nothing."""
    device = await _lock_row(session, device_id, driver_id)
    if device.heartbeat_at is not None and device.heartbeat_at > received_at:
        return
    for name, value in asdict(heartbeat).items():
        setattr(device, name, value)
    if device.battery_percent not in range(101):
        device.battery_percent = None
    device.heartbeat_at = received_at
    await session.flush()


class SignOfLife(msgspec.Struct, frozen=True, kw_only=True):
    """The last heartbeat of a driver's phone, with the causes why there may be no other."""

    heartbeat_at: datetime
    battery_percent: int | None
    network: str | None
    gps: str | None
    battery_saver: bool | None


async def last_signs(session: AsyncSession, driver_ids: Collection[UUID]) -> dict[UUID, SignOfLife]:
    """Driver -> the newest sign of life of any of their phones."""
    rows = await session.scalars(
        select(TrackedDevice)
        .where(TrackedDevice.driver_id.in_(driver_ids), TrackedDevice.heartbeat_at.is_not(None))
        .order_by(TrackedDevice.heartbeat_at)
        .execution_options(populate_existing=True)
    )
    return {row.driver_id: msgspec.convert(row, SignOfLife, from_attributes=True) for row in rows}


async def _lock_row(session: AsyncSession, device_id: UUID, driver_id: UUID) -> TrackedDevice:
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
    query = (
        select(TrackedDevice)
        .where(TrackedDevice.device_id == device_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    device = (await session.scalars(query)).one()
    device.driver_id = driver_id
    return device


def _spot(
    lon: float | None, lat: float | None, taken_at: datetime | None, accuracy_m: float | None
) -> Spot | None:
    if lon is None or lat is None or taken_at is None or accuracy_m is None:
        return None
    return Spot(Position(lon, lat), taken_at, accuracy_m)
