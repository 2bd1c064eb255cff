"""The input version: how a plan notices that the world has moved on since its inputs were read.

A depot's row counts every change of its pool, fleet, shifts and places; `planning_change` says for
which days each one matters and what it was. Whoever changes anything of a depot locks that row
first, which puts all changes of one depot in one queue: nothing slips in between the check of a
plan and its publication, and nobody waits for another in a circle.

Lock order everywhere: depots by id, then tasks by id, then whatever else.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.dispatch.models import Depot, PlanningChange, Task
from server.kit import clock
from server.kit.errors import Invalid, NotFound


class UnknownDepot(NotFound):
    """There is no depot {depot_id}."""

    code = "dispatch.unknown_depot"


class BadDay(Invalid):
    """{day} is not a day that can be planned: it must lie between 2000 and 2200."""

    code = "dispatch.bad_day"


class Change(msgspec.Struct, frozen=True):
    """One thing that is not as it was when the plan was made."""

    version: int
    what: str
    changed_at: datetime


async def lock_depot(session: AsyncSession, depot_id: UUID) -> Depot:
    (depot,) = await lock_depots(session, [depot_id])
    return depot


async def lock_depots(session: AsyncSession, depot_ids: Iterable[UUID | None]) -> list[Depot]:
    """Lock them in the order of their ids; those that are None are left out."""
    wanted = {depot_id for depot_id in depot_ids if depot_id is not None}
    if not wanted:
        return []
    depots = await session.scalars(
        select(Depot)
        .where(Depot.id.in_(wanted))
        .order_by(Depot.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = list(depots)
    for missing in wanted - {depot.id for depot in found}:
        raise UnknownDepot(depot_id=missing)
    return found


async def find_depot(session: AsyncSession, depot_id: UUID) -> Depot:
    depot = await session.get(Depot, depot_id)
    if depot is None:
        raise UnknownDepot(depot_id=depot_id)
    return depot


def record_change(
    session: AsyncSession,
    depot: Depot,
    what: str,
    *,
    first_day: date | None = None,
    last_day: date | None = None,
    load_of: UUID | None = None,
) -> None:
    """Count up the version of a locked depot; plans of days in between become stale."""
    depot.input_version += 1
    session.add(
        PlanningChange(
            depot_id=depot.id,
            version=depot.input_version,
            first_day=first_day,
            last_day=last_day,
            what=what,
            changed_at=clock.now(),
            load_of=load_of,
        )
    )


def record_task_change(
    session: AsyncSession, depot: Depot, task: Task, what: str, *, load_of: UUID | None = None
) -> None:
    """A change that matters from the day of the task's window on, since it may be late by then."""
    first_day = local_day(depot, task.window_start_at) if task.window_start_at else None
    record_change(session, depot, what, first_day=first_day, load_of=load_of)


def local_day(depot: Depot, at: datetime) -> date:
    """The depot's own day in which that moment lies."""
    return at.astimezone(ZoneInfo(depot.timezone)).date()


def check_day(day: date) -> None:
    """Refuse what only a typing error can mean, before it overflows somewhere."""
    if not 2000 <= day.year <= 2200:
        raise BadDay(day=day)


def day_bounds(depot: Depot, day: date) -> tuple[datetime, datetime]:
    """When the depot's day begins and when the next one does."""
    check_day(day)
    zone = ZoneInfo(depot.timezone)
    start_at = datetime(day.year, day.month, day.day, tzinfo=zone)
    following = day + timedelta(days=1)
    end_at = datetime(following.year, following.month, following.day, tzinfo=zone)
    return start_at.astimezone(UTC), end_at.astimezone(UTC)
