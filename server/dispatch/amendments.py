"""What an amended consignment means for its tasks: another time, another door, another day."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service as consignments
from server.dispatch.exceptions import raise_exception
from server.dispatch.inputs import local_day, record_task_change
from server.dispatch.lifecycle import FINAL, UNDER_WAY
from server.dispatch.models import Depot, Run, Stop, Task
from server.dispatch.tasks import back_to_pool, lock_consignment_tasks, new_task
from server.kit import clock

LOAD = frozenset(("weight_g", "volume_ml", "parcels"))
READ_BY_PLANS = LOAD | {
    "consignor_place_id",
    "consignee_place_id",
    "window_start_at",
    "window_end_at",
    "pickup_window_start_at",
    "pickup_window_end_at",
    "service_level",
    "skills",
    "linked_consignment_id",
}
"""What of a consignment a plan is made from; see ConsignmentAmended.changed."""


async def amend_tasks(
    session: AsyncSession, consignment_id: UUID, *, changed: Collection[str] = ()
) -> set[UUID]:
    """Bring the open tasks in line with their consignment; the drivers who need a new manifest.

    changed: what is different of it; empty for whatever it may be.
    When a place changed, or the time to another day than its run's, the work goes back to the
    pool, except what a driver is on the way to.
    """
    depots, tasks = await lock_consignment_tasks(session, consignment_id)
    consignment = await consignments.get_consignment(session, consignment_id)
    changed_drivers: set[UUID] = set()
    has_moved = False
    matters = not changed or not READ_BY_PLANS.isdisjoint(changed)
    load_of = consignment_id if changed and READ_BY_PLANS.intersection(changed) <= LOAD else None
    open_tasks = [task for task in tasks if task.state not in FINAL]
    for task in open_tasks:
        fresh = new_task(consignment, task.kind)
        if task.pickup_from in ("depot", "vehicle") or fresh is None:
            continue
        has_moved |= fresh.place_id != task.place_id
        task.place_id = fresh.place_id
        if task.attempt == 1 or _is_later(fresh, task):
            task.window_start_at, task.window_end_at = fresh.window_start_at, fresh.window_end_at
            has_moved |= await _misses_its_run(session, depots, task)
        task.service_s = fresh.service_s
        task.changed_at = clock.now()
        for depot in depots if matters else ():
            record_task_change(
                session, depot, task, f"{consignment.waybill} was amended.", load_of=load_of
            )
    for task in open_tasks:
        if task.driver_id is None:
            continue
        changed_drivers.add(task.driver_id)
        if has_moved and task.state in UNDER_WAY:
            raise_exception(session, "changed_on_the_road", task=task, driver_id=task.driver_id)
            stop = await session.get_one(Stop, task.stop_id)
            stop.place_id = task.place_id
        elif has_moved:
            raise_exception(session, "taken_from_run", task=task, driver_id=task.driver_id)
            await back_to_pool(session, depots[0], task, f"{consignment.waybill} was amended.")
    await session.flush()
    return changed_drivers


def _is_later(fresh: Task, task: Task) -> bool:
    """Whether the agreed time has been put after that of a further attempt."""
    if fresh.window_start_at is None or task.window_start_at is None:
        return False
    return fresh.window_start_at > task.window_start_at


async def _misses_its_run(session: AsyncSession, depots: Sequence[Depot], task: Task) -> bool:
    """Whether the task's time lies on another day than the run that it is in."""
    if task.stop_id is None or task.window_start_at is None:
        return False
    day = await session.scalar(
        select(Run.day).join(Stop, Stop.run_id == Run.id).where(Stop.id == task.stop_id)
    )
    return day is not None and local_day(depots[0], task.window_start_at) > day
