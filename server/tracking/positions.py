"""Reading where drivers are and were, and how far they drove."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.kit.geo import Position
from server.tracking.distance import Odometer
from server.tracking.models import FixRejection, FixRow, LivePositionRow, TrackedDevice
from server.tracking.partitions import day_of


class LivePosition(msgspec.Struct, frozen=True):
    driver_id: UUID
    position: Position
    taken_at: datetime
    received_at: datetime
    speed_mps: float | None
    heading_deg: float | None
    battery_percent: int | None


class TrailPoint(msgspec.Struct, frozen=True, kw_only=True):
    position: Position
    taken_at: datetime
    accuracy_m: float
    speed_mps: float | None


async def latest_positions(
    session: AsyncSession, driver_ids: Collection[UUID] | None = None
) -> list[LivePosition]:
    """The newest known position of each driver, or of these."""
    query = (
        select(
            LivePositionRow.driver_id,
            LivePositionRow.position,
            LivePositionRow.taken_at,
            LivePositionRow.received_at,
            LivePositionRow.speed_mps,
            LivePositionRow.heading_deg,
            TrackedDevice.battery_percent,
        )
        .join(TrackedDevice, TrackedDevice.device_id == LivePositionRow.device_id, isouter=True)
        .order_by(LivePositionRow.driver_id)
    )
    if driver_ids is not None:
        query = query.where(LivePositionRow.driver_id.in_(driver_ids))
    return [LivePosition(*row) for row in await session.execute(query)]


async def breadcrumb(
    session: AsyncSession, driver_id: UUID, *, since: datetime, until: datetime
) -> list[TrailPoint]:
    """The driver's stored trail from `since` on and before `until`, in the order of time."""
    rows = await session.execute(
        select(FixRow.position, FixRow.taken_at, FixRow.accuracy_m, FixRow.speed_mps)
        .where(FixRow.driver_id == driver_id)
        .where(FixRow.taken_at >= since, FixRow.taken_at < until)
        .order_by(FixRow.taken_at, FixRow.seq)
    )
    return [
        TrailPoint(position=position, taken_at=taken_at, accuracy_m=accuracy_m, speed_mps=speed)
        for position, taken_at, accuracy_m, speed in rows
    ]


async def breadcrumbs(
    session: AsyncSession, driver_ids: Collection[UUID], *, since: datetime
) -> dict[UUID, list[TrailPoint]]:
    """The trails of some drivers from `since` on, each in the order of time."""
    rows = await session.execute(
        select(
            FixRow.driver_id,
            FixRow.position,
            FixRow.taken_at,
            FixRow.accuracy_m,
            FixRow.speed_mps,
        )
        .where(FixRow.driver_id.in_(driver_ids), FixRow.taken_at >= since)
        .order_by(FixRow.taken_at, FixRow.seq)
    )
    found: dict[UUID, list[TrailPoint]] = {}
    for driver_id, position, taken_at, accuracy_m, speed in rows:
        found.setdefault(driver_id, []).append(
            TrailPoint(position=position, taken_at=taken_at, accuracy_m=accuracy_m, speed_mps=speed)
        )
    return found


async def driven_m(
    session: AsyncSession, *, since: datetime, until: datetime, driver_id: UUID | None = None
) -> dict[UUID, float]:
    """How far each driver drove, or this one, as `distance` counts it."""
    query = (
        select(
            FixRow.driver_id,
            FixRow.position,
            FixRow.taken_at,
            FixRow.accuracy_m,
            FixRow.speed_mps,
        )
        .where(FixRow.taken_at >= since, FixRow.taken_at < until)
        .order_by(FixRow.driver_id, FixRow.taken_at, FixRow.seq)
        .execution_options(yield_per=5000)
    )
    if driver_id is not None:
        query = query.where(FixRow.driver_id == driver_id)
    odometers: dict[UUID, Odometer] = {}
    async for driver, position, taken_at, accuracy_m, speed_mps in await session.stream(query):
        odometer = odometers.setdefault(driver, Odometer())
        odometer.pass_by(position, taken_at, accuracy_m=accuracy_m, speed_mps=speed_mps)
    return {driver: odometer.driven_m for driver, odometer in odometers.items()}


async def fix_rejections(
    session: AsyncSession, *, since: datetime, until: datetime
) -> dict[str, int]:
    """Reason -> fixes not kept, over the days (UTC) of `since` to `until`, both included."""
    rows = await session.execute(
        select(FixRejection.reason, func.sum(FixRejection.count))
        .where(FixRejection.day.between(day_of(since), day_of(until)))
        .group_by(FixRejection.reason)
    )
    return {reason: int(count) for reason, count in rows}
