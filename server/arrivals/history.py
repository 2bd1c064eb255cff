"""Keeping how long things took, and learning from it."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import Float, case, delete, func, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.arrivals.models import ForecastScore, TimeTaken
from server.arrivals.pace import MOST_EXCESS, SURE_S, Cell, Kind

LEARNS_FROM = timedelta(days=60)
"""What is older says little about the roads and people of today."""

KEPT = timedelta(days=400)


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of a driver's day. ended_local: the same moment by the depot's clock."""

    subject_id: UUID
    kind: Kind
    depot_id: UUID
    driver_id: UUID
    area: str
    expected_s: float
    taken_s: float
    ended_at: datetime
    ended_local: datetime


async def note_times(session: AsyncSession, times: Iterable[Taken]) -> None:
    """Keep how long these took; what was kept before stays as it was."""
    rows = [
        {
            "subject_id": each.subject_id,
            "kind": each.kind.value,
            "depot_id": each.depot_id,
            "driver_id": each.driver_id,
            "area": each.area,
            "hour": each.ended_local.hour,
            "day": each.ended_local.date(),
            "expected_s": max(each.expected_s, 0.0),
            "taken_s": max(each.taken_s, 0.0),
            "ended_at": each.ended_at,
        }
        for each in sorted(times, key=lambda each: (each.subject_id, each.kind))
    ]
    if rows:
        await session.execute(insert(TimeTaken).values(rows).on_conflict_do_nothing())


async def read_cells(
    session: AsyncSession,
    depot_id: UUID,
    *,
    since: datetime,
    driver_ids: Collection[UUID] | None = None,
) -> list[Cell]:
    """What happened at a depot since then, or to these drivers, as sums."""
    sure_s = case(*[(TimeTaken.kind == kind.value, SURE_S[kind]) for kind in Kind], else_=0.0)
    ratio = (TimeTaken.taken_s + sure_s) / (TimeTaken.expected_s + sure_s)
    excess = sql_cast(func.least(func.greatest(func.ln(ratio), -MOST_EXCESS), MOST_EXCESS), Float)
    groups = (
        TimeTaken.kind,
        TimeTaken.driver_id,
        TimeTaken.area,
        TimeTaken.hour,
        TimeTaken.day,
    )
    query = (
        select(*groups, func.count(), func.sum(excess), func.sum(excess * excess))
        .where(TimeTaken.depot_id == depot_id, TimeTaken.ended_at >= since)
        .group_by(*groups)
        .order_by(*groups)
    )
    if driver_ids is not None:
        query = query.where(TimeTaken.driver_id.in_(driver_ids))
    return [Cell(Kind(row[0]), *row[1:]) for row in await session.execute(query)]


async def forget_old_times(session: AsyncSession, *, before: datetime) -> None:
    await session.execute(delete(TimeTaken).where(TimeTaken.ended_at < before))
    await session.execute(delete(ForecastScore).where(ForecastScore.arrived_at < before))
