"""The phones that are connected to this process, and what they must be told.

News on Redis makes it quick; the sweep makes it certain: every second the manifests that connected
phones have not acknowledged are looked up, so a lost message costs a second and no more. Nobody
here waits for a phone: each pushes to itself.
"""

import asyncio
import logging
from uuid import UUID

from server.dispatch import service as dispatch
from server.identity import service as identity
from server.kit.db import Database, is_away
from server.kit.feed import Feed
from server.live.endings import Replaced, Revoked
from server.live.news import DRIVERS_CHANNEL
from server.live.phone import Phone

log = logging.getLogger(__name__)

SWEEP_S = 1.0


class Connections:
    """All phones on this process, one connection each."""

    def __init__(self, db: Database, feed: Feed) -> None:
        self._db = db
        self._feed = feed
        self._phones: dict[UUID, Phone] = {}
        self._woken = asyncio.Event()

    def hold(self, phone: Phone) -> None:
        """While it is connected. An older connection of the same device is half dead or a second
        process of the app: the newest one counts."""
        device_id = phone.session.device_id
        if (older := self._phones.get(device_id)) is not None:
            older.end(Replaced())
        self._phones[device_id] = phone

    def release(self, phone: Phone) -> None:
        if self._phones.get(phone.session.device_id) is phone:
            del self._phones[phone.session.device_id]

    def phones(self) -> list[Phone]:
        """Those that are connected now."""
        return list(self._phones.values())

    async def listen(self) -> None:
        """Let phones look when there is news. Runs until cancelled."""
        async for news in self._feed.listen(DRIVERS_CHANNEL, dispatch.MANIFESTS_CHANNEL):
            driver_id = UUID(news[1].decode()) if news else None
            for phone in self._phones.values():
                if driver_id in (None, phone.session.driver_id):
                    phone.look()
                    self._woken.set()

    async def keep_current(self) -> None:
        """Sweep again and again. Runs until cancelled."""
        while True:
            try:
                await self.sweep()
            except Exception as error:
                if not is_away(error):
                    raise
                log.warning("the drivers' sweep lost the database; trying again: %s", error)
            try:
                await asyncio.wait_for(self._woken.wait(), SWEEP_S)
            except TimeoutError:
                continue
            self._woken.clear()

    async def sweep(self) -> None:
        """Close the phones that were revoked; wake those that lack their newest manifest."""
        phones = list(self._phones.values())
        if not phones:
            return
        async with self._db.transaction() as session:
            revoked = await identity.revoked_devices(
                session, [phone.session.device_id for phone in phones]
            )
            waiting = await dispatch.unacknowledged_manifests(
                session, {phone.session.driver_id for phone in phones}
            )
        for phone in phones:
            if phone.session.device_id in revoked:
                phone.end(Revoked())
            elif waiting.get(phone.session.driver_id, -1) > phone.session.told_version:
                phone.look()
