"""New consignments become tasks of the depot that serves them."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments import service as consignments
from server.consignments.service import ConsignmentView, UnknownConsignment
from server.dispatch.fleet import nearest_depots
from server.dispatch.inputs import lock_depots, record_task_change
from server.dispatch.models import Task
from server.dispatch.tasks import new_task
from server.places import service as places


async def create_tasks(session: AsyncSession, consignment_ids: Collection[UUID]) -> None:
    """The tasks of new consignments; one having some already is fine."""
    found = await consignments.get_consignments(session, consignment_ids)
    for missing in set(consignment_ids) - found.keys():
        raise UnknownConsignment(consignment_id=missing)
    have = set(
        await session.scalars(
            select(Task.consignment_id).where(Task.consignment_id.in_(consignment_ids))
        )
    )
    new = [
        each
        for each in found.values()
        # From the depot to the depot nobody drives.
        if not each.cancelled_at and each.id not in have and _door_of(each) is not None
    ]
    depot_ids = await _serving_depots(session, new)
    # Locked before any row refers to it: a foreign key alone locks it too weakly, and raising
    # that lock later would make two of us wait for each other.
    depots = {depot.id: depot for depot in await lock_depots(session, depot_ids.values())}
    for consignment in new:
        tasks = [task for kind in _kinds(consignment) if (task := new_task(consignment, kind))]
        depot_id = depot_ids[consignment.id]
        for task in tasks:
            task.depot_id = depot_id
            session.add(task)
        if depot_id is not None:
            what = f"{consignment.waybill} was added."
            record_task_change(session, depots[depot_id], tasks[0], what)
    await session.flush()


def _door_of(consignment: ConsignmentView) -> UUID | None:
    """The place by which the depot is chosen; None at the depot itself."""
    party = consignment.consignee if consignment.kind == "delivery" else consignment.consignor
    return party.place_id


async def _serving_depots(
    session: AsyncSession, new: Sequence[ConsignmentView]
) -> dict[UUID, UUID | None]:
    """Consignment -> the depot that it is to start from, or the one that serves its door."""
    doors = {
        each.id: door
        for each in new
        if each.origin_depot_id is None and (door := _door_of(each)) is not None
    }
    there = await places.get_places(session, set(doors.values()))
    nearest = await nearest_depots(session, {place.position for place in there.values()})
    served = {each: nearest[there[door].position] for each, door in doors.items()}
    return {each.id: each.origin_depot_id for each in new} | served


def _kinds(consignment: ConsignmentView) -> Sequence[str]:
    match consignment.kind:
        case "courier":
            return ("pickup", "delivery")
        case "return":
            return ("return_pickup",)
        case _:
            return ("delivery",)
