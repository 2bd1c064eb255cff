"""The pool: what could be planned for a depot and day, and what could not and why. A query."""

from datetime import date, datetime
from uuid import UUID

import msgspec
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service as consignments
from server.dispatch.inputs import day_bounds, find_depot
from server.dispatch.models import Depot, Task
from server.dispatch.situation import read_situation
from server.dispatch.work import OBSTACLES
from server.kit.geo import Position
from server.places import service as places


class PoolItem(msgspec.Struct, frozen=True, kw_only=True):
    """One task in the pool. obstacle: why it cannot be planned, None when it can."""

    task_id: UUID
    consignment_id: UUID
    waybill: str
    kind: str
    attempt: int
    address: str
    position: Position | None
    window_start_at: datetime | None
    window_end_at: datetime | None
    parcels: int
    weight_g: int
    skills: tuple[str, ...]
    obstacle: str | None
    sentence: str | None


async def read_pool(session: AsyncSession, depot_id: UUID, day: date) -> list[PoolItem]:
    """What waits for a run on that day, what no depot could be found for yet included."""
    depot = await find_depot(session, depot_id)
    tasks = await _read_tasks(session, depot, day)
    situation = await read_situation(session, depot_id, day)
    obstacles = {one.waybill: one for one in situation.obstacles}
    goods = await consignments.get_consignments(session, {task.consignment_id for task in tasks})
    found = await places.get_places(session, {task.place_id for task in tasks})
    items = []
    for task in tasks:
        consignment, place = goods[task.consignment_id], found[task.place_id]
        obstacle = obstacles.get(consignment.waybill)
        code = obstacle.code if obstacle else "needs_pin" if task.depot_id is None else None
        items.append(
            PoolItem(
                task_id=task.id,
                consignment_id=task.consignment_id,
                waybill=consignment.waybill,
                kind=task.kind,
                attempt=task.attempt,
                address=place.line,
                position=place.position,
                window_start_at=task.window_start_at,
                window_end_at=task.window_end_at,
                parcels=len(consignment.parcels),
                weight_g=sum(parcel.weight_g for parcel in consignment.parcels),
                skills=consignment.skills,
                obstacle=code,
                sentence=OBSTACLES[code] if code else None,
            )
        )
    return items


async def _read_tasks(session: AsyncSession, depot: Depot, day: date) -> list[Task]:
    until = day_bounds(depot, day)[1]
    found = await session.scalars(
        select(Task)
        .where(
            Task.state == "unassigned",
            or_(Task.depot_id == depot.id, Task.depot_id.is_(None)),
            or_(Task.window_start_at.is_(None), Task.window_start_at < until),
        )
        .order_by(Task.id)
    )
    return list(found)
