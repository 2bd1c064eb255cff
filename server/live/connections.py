"""The phones that are connected to this process, and what must be pushed to them.

News on Redis makes it quick; the sweep makes it certain: every second the manifests that connected
phones have not acknowledged are looked up, so a lost message costs a second and no more.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.exc import DBAPIError

from server.dispatch import service as dispatch
from server.identity import service as identity
from server.kit.db import Database
from server.kit.feed import Feed
from server.live.driver_session import DriverSession
from server.live.news import DRIVERS_CHANNEL
from server.protocol import codec
from server.protocol.envelope import Envelope
from server.protocol.to_driver import Manifest

log = logging.getLogger(__name__)

SWEEP_S = 1.0
RESEND_S = 10.0


@dataclass(eq=False)
class Phone:
    """One connected phone.

    sent_version, sent_at_s: the last manifest sent here, and when (loop time).
    """

    session: DriverSession
    send: Callable[[str], Awaitable[None]]
    close: Callable[[], Awaitable[None]]
    sent_version: int = -1
    sent_at_s: float = field(default=0.0)

    async def send_manifest(self) -> None:
        envelope = await self.session.manifest()
        self.note_sent(envelope)
        await self.send(codec.encode(envelope))

    def note_sent(self, envelope: Envelope) -> None:
        """Remember which manifest this phone was sent last, so that it gets the same only once."""
        if isinstance(envelope.body, Manifest):
            self.sent_version = envelope.body.version
            self.sent_at_s = asyncio.get_running_loop().time()


class Connections:
    """All phones on this process, by driver."""

    def __init__(self, db: Database, feed: Feed) -> None:
        self._db = db
        self._feed = feed
        self._phones: defaultdict[UUID, set[Phone]] = defaultdict(set)
        self._look = asyncio.Event()

    def add(self, phone: Phone) -> None:
        self._phones[phone.session.driver_id].add(phone)

    def remove(self, phone: Phone) -> None:
        self._phones[phone.session.driver_id].discard(phone)
        if not self._phones[phone.session.driver_id]:
            del self._phones[phone.session.driver_id]

    async def listen(self) -> None:
        """Wake the sweep on news. Runs until cancelled."""
        async for news in self._feed.listen(DRIVERS_CHANNEL):
            if news is None or UUID(news[1].decode()) in self._phones:
                self._look.set()

    async def keep_current(self) -> None:
        """Push what connected phones lack. Runs until cancelled."""
        while True:
            try:
                await self.sweep()
            except (OSError, DBAPIError):
                log.warning("the drivers' sweep lost the database; trying again", exc_info=True)
            try:
                await asyncio.wait_for(self._look.wait(), SWEEP_S)
            except TimeoutError:
                continue
            self._look.clear()

    async def sweep(self) -> None:
        """Close the phones that were revoked; send manifests that are not acknowledged."""
        phones = [phone for set_ in self._phones.values() for phone in set_]
        if not phones:
            return
        async with self._db.transaction() as session:
            devices = [phone.session.device_id for phone in phones]
            revoked = await identity.revoked_devices(session, devices)
            waiting = await dispatch.unacknowledged_manifests(session, list(self._phones))
        now_s = asyncio.get_running_loop().time()
        for phone in phones:
            if phone.session.device_id in revoked:
                await self._try(phone, phone.close)
                continue
            version = waiting.get(phone.session.driver_id)
            if version is None:
                continue
            if version > phone.sent_version or now_s - phone.sent_at_s > RESEND_S:
                await self._try(phone, phone.send_manifest)

    async def _try(self, phone: Phone, act: Callable[[], Awaitable[None]]) -> None:
        """A phone that has just gone is not an error; it will ask again when it is back."""
        try:
            await act()
        except (OSError, RuntimeError) as error:
            log.info("driver %s is gone: %s", phone.session.driver_id, error)
            self.remove(phone)
