"""Whether a plan still holds: what has changed since its inputs were read, and matters to it.

Parcels are packed, weighed and measured while a plan is being made and looked at. That alone speaks
against a plan only when a vehicle of it cannot carry what it is to carry now.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service as consignments
from server.dispatch.draft import DraftPlan, DraftRun
from server.dispatch.inputs import Change
from server.dispatch.models import PlanningChange, Run, Vehicle
from server.dispatch.work import size_of
from server.kit.errors import Conflict

MOST_TOLD = 50


class StalePlan(Conflict):
    """The world has moved on since this plan was made: {what} Request a new plan."""

    code = "dispatch.stale_plan"

    def __init__(self, changes: Iterable[str]) -> None:
        told = list(changes)
        more = f" And {len(told) - 3} more." if len(told) > 3 else ""
        super().__init__(what=" ".join(told[:3]) + more, changes=told)


async def refuse_stale(
    session: AsyncSession, depot_id: UUID, day: date, version: int, draft: DraftPlan
) -> None:
    """Raises StalePlan."""
    changes = await changes_since(session, depot_id, day, version, draft)
    if changes:
        raise StalePlan(change.what for change in changes)


async def changes_since(
    session: AsyncSession, depot_id: UUID, day: date, version: int, draft: DraftPlan
) -> list[Change]:
    """What has changed for that day and this draft does not allow for, oldest first; at most 50."""
    after = (
        PlanningChange.depot_id == depot_id,
        PlanningChange.version > version,
        or_(PlanningChange.first_day.is_(None), PlanningChange.first_day <= day),
        or_(PlanningChange.last_day.is_(None), PlanningChange.last_day >= day),
    )
    resized = await session.scalars(select(PlanningChange.load_of).where(*after).distinct())
    too_much = await _overloading(session, draft, {each for each in resized if each is not None})
    rows: Any = await session.scalars(
        select(PlanningChange)
        .where(
            *after,
            or_(PlanningChange.load_of.is_(None), PlanningChange.load_of.in_(too_much)),
        )
        .order_by(PlanningChange.version)
        .limit(MOST_TOLD)
    )
    return [Change(row.version, row.what, row.changed_at) for row in rows]


async def _overloading(session: AsyncSession, draft: DraftPlan, resized: set[UUID]) -> set[UUID]:
    """Which of them are in a run whose vehicle may not be able to carry everything any more.

    A run is reckoned as if all of it lay in the vehicle at once; one on the road, which may carry
    other things besides, is not reckoned at all.
    """
    if not resized:
        return set()
    aboard = {run.run_id: _consignments_of(run) for run in draft.runs}
    concerned = [run for run in draft.runs if aboard[run.run_id] & resized]
    goods = await consignments.get_consignments(
        session, {each for run in concerned for each in aboard[run.run_id]}
    )
    vehicle_ids = {run.vehicle_id for run in concerned}
    vehicles = {
        vehicle.id: vehicle
        for vehicle in await session.scalars(select(Vehicle).where(Vehicle.id.in_(vehicle_ids)))
    }
    started = set(
        await session.scalars(
            select(Run.id).where(
                Run.id.in_([run.run_id for run in concerned]), Run.state != "published"
            )
        )
    )
    overloading: set[UUID] = set()
    for run in concerned:
        vehicle = vehicles[run.vehicle_id]
        room = (
            vehicle.capacity_weight_g,
            vehicle.capacity_volume_ml,
            vehicle.capacity_parcels,
        )
        sizes = [size_of(goods[each]) for each in aboard[run.run_id]]
        load = [sum(size[measure] for size in sizes) for measure in range(len(room))]
        if run.run_id in started or any(map(int.__gt__, load, room)):
            overloading |= aboard[run.run_id] & resized
    return overloading


def _consignments_of(run: DraftRun) -> set[UUID]:
    return {visit.consignment_id for stop in run.stops for visit in stop.visits}
