"""What dispatch does when something happens in the rooms below."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from server.consignments.events import (
    ConsignmentAmended,
    ConsignmentAnnounced,
    ConsignmentCancelled,
    CustodyChanged,
)
from server.dispatch.amendments import amend_tasks
from server.dispatch.announced import create_tasks
from server.dispatch.manifest import issue_manifests
from server.dispatch.overtaken import catch_up_with_scans
from server.dispatch.pins import follow_pin
from server.dispatch.street import notice_arrival
from server.dispatch.tasks import cancel_tasks
from server.kit.outbox import reaction
from server.places.events import PlacePinned
from server.tracking.events import DriverArrived


@reaction
async def on_consignment_announced(
    session: AsyncSession, events: Sequence[ConsignmentAnnounced]
) -> None:
    await create_tasks(session, [event.consignment_id for event in events])


@reaction
async def on_consignment_amended(session: AsyncSession, event: ConsignmentAmended) -> None:
    drivers = await amend_tasks(session, event.consignment_id, changed=event.changed)
    await issue_manifests(session, drivers)


@reaction
async def on_consignment_cancelled(session: AsyncSession, event: ConsignmentCancelled) -> None:
    await issue_manifests(session, await cancel_tasks(session, event.consignment_id))


@reaction
async def on_custody_changed(session: AsyncSession, event: CustodyChanged) -> None:
    """What goes back to its sender is brought to no door any more; a scan that came before what it
    told of is understood now."""
    await catch_up_with_scans(session, event)
    if event.parcel_state == "returning" and event.state == "returning":
        because = "goes back to its sender"
        changed = await cancel_tasks(session, event.consignment_id, because=because)
        await issue_manifests(session, changed)


@reaction
async def on_place_pinned(session: AsyncSession, event: PlacePinned) -> None:
    await issue_manifests(session, await follow_pin(session, event.place_id))


@reaction
async def on_driver_arrived(session: AsyncSession, event: DriverArrived) -> None:
    await notice_arrival(session, event.driver_id, event.subject_id)
