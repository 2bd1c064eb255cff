"""Fences: circles around the places where a driver is expected. Who enters one has arrived.

Driving past is not arriving: the driver must be slow inside, or stay.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.kit import clock
from server.kit.geo import Position, haversine_m
from server.kit.outbox import emit
from server.tracking.arrivals import Arrivals
from server.tracking.events import DriverArrived
from server.tracking.models import FenceRow
from server.tracking.readings import Reading

SLOW_MPS = 2.0
DWELL = timedelta(seconds=30)


class Fence(msgspec.Struct, frozen=True, kw_only=True):
    subject_id: UUID
    position: Position
    radius_m: float


async def set_fences(session: AsyncSession, driver_id: UUID, fences: Sequence[Fence]) -> None:
    """These and no others. A fence that stays the same stays entered; a moved one starts afresh."""
    await session.execute(
        delete(FenceRow).where(
            FenceRow.driver_id == driver_id,
            FenceRow.subject_id.not_in([fence.subject_id for fence in fences]),
        )
    )
    if not fences:
        return
    new = insert(FenceRow).values(
        [
            {
                "driver_id": driver_id,
                "subject_id": fence.subject_id,
                "position": fence.position,
                "radius_m": fence.radius_m,
                "set_at": clock.now(),
            }
            for fence in {fence.subject_id: fence for fence in fences}.values()
        ]
    )
    await session.execute(
        new.on_conflict_do_update(
            index_elements=[FenceRow.driver_id, FenceRow.subject_id],
            set_={
                "position": new.excluded.position,
                "radius_m": new.excluded.radius_m,
                "set_at": new.excluded.set_at,
                "inside_since": None,
                "entered_at": None,
            },
            where=(FenceRow.radius_m != new.excluded.radius_m)
            | (func.st_distance(FenceRow.position, new.excluded.position) > 0.5),
        )
    )


async def notice_arrivals(
    session: AsyncSession, arrivals: Arrivals, near: Collection[tuple[UUID, UUID]]
) -> None:
    """Say DriverArrived for each fence that these fixes enter. near: driver and subject of each
    that they may enter."""
    if not near:
        return
    fences = await session.scalars(
        select(FenceRow)
        .where(tuple_(FenceRow.driver_id, FenceRow.subject_id).in_(near))
        .order_by(FenceRow.driver_id, FenceRow.subject_id)
        .execution_options(populate_existing=True)
    )
    drivers = {driver_id for driver_id, _ in near}
    paths = defaultdict(list)
    for number, sender in enumerate(arrivals.of.tolist()):
        if (driver_id := arrivals.senders[sender].driver_id) in drivers:
            paths[driver_id].append(arrivals.reading(number))
    for path in paths.values():
        path.sort(key=lambda reading: reading.taken_at)
    await _follow_all(session, fences.all(), paths)


async def _follow_all(
    session: AsyncSession, fences: Sequence[FenceRow], paths: Mapping[UUID, Sequence[Reading]]
) -> None:
    for fence in fences:
        inside_since, entered_at = follow(
            fence.position,
            fence.radius_m,
            fence.inside_since,
            [each for each in paths[fence.driver_id] if each.taken_at >= fence.set_at],
        )
        if (inside_since, entered_at) == (fence.inside_since, None):
            continue
        # Another phone of the same driver may be first, so the database decides.
        noted = await session.scalar(
            update(FenceRow)
            .where(
                FenceRow.driver_id == fence.driver_id,
                FenceRow.subject_id == fence.subject_id,
                FenceRow.entered_at.is_(None),
            )
            .values(inside_since=inside_since, entered_at=entered_at)
            .returning(FenceRow.subject_id)
        )
        if noted is not None and entered_at is not None:
            emit(
                session,
                DriverArrived(driver_id=fence.driver_id, subject_id=noted, occurred_at=entered_at),
            )


def follow(
    centre: Position, radius_m: float, inside_since: datetime | None, path: Sequence[Reading]
) -> tuple[datetime | None, datetime | None]:
    """(since when inside, when arrived) after this path; a reading too vague for the circle says
    nothing, neither that one is inside nor that one left."""
    for reading in path:
        if reading.accuracy_m > radius_m:
            continue
        if not _is_within(centre, radius_m, reading.position):
            inside_since = None
            continue
        inside_since = inside_since or reading.taken_at
        is_slow = reading.speed_mps is not None and reading.speed_mps <= SLOW_MPS
        if is_slow or reading.taken_at - inside_since >= DWELL:
            return inside_since, reading.taken_at
    return inside_since, None


def _is_within(centre: Position, radius_m: float, position: Position) -> bool:
    # A degree of latitude is 111 km: most fences are out of question without any trigonometry.
    if abs(position.lat - centre.lat) * 110_000 > radius_m:
        return False
    return haversine_m(centre, position) <= radius_m
