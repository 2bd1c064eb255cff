"""Whose work a scanned parcel is: its depot, its run and its driver."""

from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

import msgspec
from msgspec import structs
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service as consignments
from server.consignments.service import ConsignmentView, Scan
from server.dispatch.inputs import lock_depots
from server.dispatch.lifecycle import FINAL
from server.dispatch.models import Depot, Run, Stop, Task
from server.dispatch.tasks import lock_tasks
from server.identity import service as identity


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done with a consignment. run: that which it is in, if any; driver_name: of it.
    stop: the number of the stop in the run, from 1."""

    consignment: ConsignmentView
    tasks: tuple[Task, ...]
    depot_id: UUID | None
    run: Run | None
    stop: int | None
    driver_name: str


async def lock_work(
    session: AsyncSession, depot_id: UUID, consignment_ids: Collection[UUID]
) -> dict[UUID, Depot]:
    """Lock this depot and those of the consignments, then their tasks: as for every scan."""
    depot_ids = await session.scalars(
        select(Task.depot_id).where(Task.consignment_id.in_(consignment_ids)).distinct()
    )
    depots = await lock_depots(session, [depot_id, *depot_ids])
    await lock_tasks(session, Task.consignment_id.in_(consignment_ids))
    return {depot.id: depot for depot in depots}


async def find_work(session: AsyncSession, consignment_ids: Collection[UUID]) -> dict[UUID, Work]:
    """Consignment id -> its work, as it is now."""
    goods = await consignments.get_consignments(session, consignment_ids)
    tasks: dict[UUID, list[Task]] = {each: [] for each in goods}
    for task in await session.scalars(
        select(Task).where(Task.consignment_id.in_(goods)).order_by(Task.id)
    ):
        tasks[task.consignment_id].append(task)
    next_tasks = {each: _next_task(group) for each, group in tasks.items()}
    stop_ids = {task.stop_id for task in next_tasks.values() if task and task.stop_id}
    rows = await session.execute(
        select(Stop, Run).join(Run, Run.id == Stop.run_id).where(Stop.id.in_(stop_ids))
    )
    halts = {stop.id: (stop, run) for stop, run in rows}
    people = await identity.get_people(session, {run.driver_id for _, run in halts.values()})
    work = {}
    for consignment_id, consignment in goods.items():
        following = next_tasks[consignment_id]
        stop_id = following.stop_id if following else None
        stop, run = halts[stop_id] if stop_id else (None, None)
        known = [each.depot_id for each in reversed(tasks[consignment_id]) if each.depot_id]
        work[consignment_id] = Work(
            consignment=consignment,
            tasks=tuple(tasks[consignment_id]),
            depot_id=known[0] if known else consignment.origin_depot_id,
            run=run,
            stop=stop.sequence + 1 if stop else None,
            driver_name=people[run.driver_id].name if run else "",
        )
    return work


def without_withdrawn(scans: Iterable[Scan], work: Mapping[UUID, Work]) -> list[Scan]:
    """A parcel that was packed otherwise while we waited for our turn is none any more."""
    return [
        structs.replace(scan, parcel=None, container=None, container_id=None)
        if scan.parcel is not None
        and work[scan.parcel.consignment_id].consignment.parcel(scan.parcel.parcel_id) is None
        else scan
        for scan in scans
    ]


def _next_task(tasks: Iterable[Task]) -> Task | None:
    """The delivery that is still to be done, else whatever else is."""
    still = [task for task in tasks if task.state not in FINAL]
    return next((task for task in still if task.kind == "delivery"), still[0] if still else None)
