"""Tells phones and screens that there is something new to read."""

from sqlalchemy.ext.asyncio import AsyncSession

from server.dispatch.events import ManifestChanged, TaskChanged
from server.identity.events import DeviceRevoked
from server.kit.feed import announce
from server.kit.outbox import reaction
from server.live.news import DRIVERS_CHANNEL, MAP_CHANNEL, TELL_OF_ANYTHING, tell_of_run


@reaction
async def on_manifest_changed(session: AsyncSession, _: ManifestChanged) -> None:
    announce(session, MAP_CHANNEL, TELL_OF_ANYTHING)  # its phone has heard it already


@reaction
async def on_device_revoked(session: AsyncSession, event: DeviceRevoked) -> None:
    announce(session, DRIVERS_CHANNEL, str(event.driver_id).encode())


@reaction
async def on_task_changed(session: AsyncSession, event: TaskChanged) -> None:
    if event.run_id is not None:
        announce(session, MAP_CHANNEL, tell_of_run(event.run_id))
