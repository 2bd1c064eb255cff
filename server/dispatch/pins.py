"""A place got its pin: what waits there can be planned, what is planned there has moved."""

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.dispatch.fleet import nearest_depot
from server.dispatch.inputs import lock_depots, record_change
from server.dispatch.lifecycle import FINAL
from server.dispatch.models import Depot, Task
from server.dispatch.tasks import lock_tasks
from server.places import service as places


async def follow_pin(session: AsyncSession, place_id: UUID) -> set[UUID]:
    """Bring tasks and depots at the place in line; the drivers who need a new manifest."""
    place = (await places.get_places(session, [place_id]))[place_id]
    open_here = (Task.place_id == place_id) & Task.state.not_in(FINAL)
    depot_ids = set(await session.scalars(select(Task.depot_id).where(open_here)))
    based_here = set(await session.scalars(select(Depot.id).where(Depot.place_id == place_id)))
    serving = await nearest_depot(session, place.position) if None in depot_ids else None
    depots = await lock_depots(session, depot_ids | based_here | {serving})
    tasks = await lock_tasks(session, open_here)
    homeless = {task.consignment_id for task in tasks if task.depot_id is None}
    await session.execute(
        update(Task)
        .where(Task.consignment_id.in_(homeless), Task.depot_id.is_(None))
        .values(depot_id=serving)
    )
    for depot in depots:
        if depot.id in based_here and place.position is not None:
            depot.position = place.position
        if tasks or depot.id in based_here:
            record_change(session, depot, f"{place.line or 'A place'} got a pin.")
    return {task.driver_id for task in tasks if task.driver_id is not None}
