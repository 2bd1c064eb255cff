"""Urgent jobs that are only offered: without an answer in time they go back to the pool.

An answer is whatever the driver does with the job: accept, decline, set off, or do it. Who answers
too late has lost it, unless it was done already, which is never refused.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.dispatch.exceptions import raise_exception
from server.dispatch.inputs import lock_depots
from server.dispatch.manifest import issue_manifests
from server.dispatch.models import Task
from server.dispatch.tasks import back_to_pool, lock_tasks
from server.kit import clock

MOST_AT_ONCE = 50


def offer(tasks: Iterable[Task], *, until: datetime) -> None:
    """Wait for an answer to those that a driver has got but not taken yet."""
    for task in tasks:
        if task.state == "assigned":
            task.answer_by_at = until


async def take_back_unanswered(session: AsyncSession) -> int:
    """Put what was offered and not answered in time back into the pool, and before a person; how
    many tasks."""
    over = Task.state == "assigned", Task.answer_by_at <= clock.now()
    found = (
        await session.execute(
            select(Task.id, Task.depot_id).where(*over).order_by(Task.id).limit(MOST_AT_ONCE)
        )
    ).all()
    depots = {depot.id: depot for depot in await lock_depots(session, [row[1] for row in found])}
    changed: set[UUID] = set()
    # Meanwhile the driver may have answered.
    tasks = await lock_tasks(session, Task.id.in_([row[0] for row in found]), *over)
    for task in tasks:
        driver_id = task.driver_id
        assert task.depot_id is not None and driver_id is not None
        task.barred_drivers = sorted({*task.barred_drivers, driver_id})
        raise_exception(session, "offer_unanswered", task=task, driver_id=driver_id)
        await back_to_pool(session, depots[task.depot_id], task, "An offer was not answered.")
        changed.add(driver_id)
    await issue_manifests(session, changed)
    return len(tasks)
