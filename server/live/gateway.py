"""A gateway: the process that carries the sockets of phones and screens.

Any number run on one machine or on many; which of them a phone or a screen comes to does not
matter, because what must last is in PostGIS and what must be quick goes by Redis to all of them.
They get their connections from the web process of their machine (handover), or from a proxy by
TCP.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

from picows import WSListener

from server.identity.access import Principal
from server.kit.blobs import Blobs
from server.kit.db import Database
from server.kit.feed import Feed
from server.kit.metrics import Metric, exposition
from server.kit.settings import Settings
from server.live.connections import Connections
from server.live.driver_session import DriverSession
from server.live.endings import Ending
from server.live.entrance import DRIVER_PATH, Door, Entrance, Request
from server.live.fix_intake import FixIntake
from server.live.followers import follow
from server.live.handover import Mailbox
from server.live.map_feed import MapFeed
from server.live.metrics import plain_answer
from server.live.phone import Phone
from server.live.screens import Screen
from server.live.sockets import Caller, tick_all
from server.live.tracking_texts import language_of
from server.live.visitor import Visitor

log = logging.getLogger(__name__)

PAUSE_S = 1.0
TICK_S = 1.0
FINISH_WITHIN_S = 5.0


class Restarting(Ending):
    """This server stops; connect again."""

    code = 1012


class Gateway:
    """All sockets of this process, and what keeps them current."""

    def __init__(
        self,
        settings: Settings,
        db: Database,
        feed: Feed,
        blobs: Blobs,
        intake: type[FixIntake] = FixIntake,
    ) -> None:
        self._db = db
        self._blobs = blobs
        self._zone = settings.timezone
        self._entrance = Entrance(db, settings)
        self._mailbox = Mailbox(settings.gateways_dir, self._take)
        self._arriving: set[asyncio.Task[Any]] = set()
        self._server: asyncio.Server | None = None
        self._callers: set[Caller] = set()
        self._is_draining = False
        self.connections = Connections(db, feed)
        self.map_feed = MapFeed(db, feed)
        self.intake = intake(db, feed)
        self._jobs: list[asyncio.Task[None]] = []

    async def open(self, host: str = "127.0.0.1", port: int | None = None) -> None:
        """Take connections: those that the web process hands over, and at `port` when given."""
        jobs = (
            self.connections.listen,
            self.connections.keep_current,
            self.map_feed.listen,
            self.map_feed.keep_current,
            self.map_feed.sweep,
            self.map_feed.show,
            self.intake.run,
            self.intake.tell_all,
            self._tick,
        )
        self._jobs = [asyncio.create_task(_keep_running(job)) for job in jobs]
        if port is not None:
            loop = asyncio.get_running_loop()
            self._server = await loop.create_server(
                self._door, host, port, reuse_port=True, backlog=4096
            )
        self._mailbox.open()

    async def drain(self) -> None:
        """Take no more connections, finish and acknowledge what was said, and send all away. Once
        is enough."""
        if self._is_draining:
            return
        self._is_draining = True
        self._mailbox.close()
        if self._server is not None:
            self._server.close()
        for caller in self._callers:
            caller.pause()
        try:
            async with asyncio.timeout(FINISH_WITHIN_S):
                await self.intake.store_all()
                self.intake.tell_the_untold()
                for caller in list(self._callers):
                    if isinstance(caller, Phone):
                        await caller.finish()
        except TimeoutError:
            log.warning("some phones were not answered before the end; they will ask again")
        for caller in list(self._callers):
            caller.end(Restarting())
        async with asyncio.timeout(FINISH_WITHIN_S):
            while self._callers:  # each is cut off a second after its goodbye
                await asyncio.sleep(0.01)
        for job in self._jobs:
            job.cancel()
        await asyncio.gather(*self._jobs, *self._arriving, return_exceptions=True)

    def _door(self) -> Door:
        return Door(self._entrance.admit, self._listen, tell=self._tell)

    def _tell(self, path: str) -> bytes | None:
        match path:
            case "/health":
                return plain_answer("ok\n")
            case "/metrics":
                return plain_answer(exposition(self._metrics()))
        return None

    def _metrics(self) -> list[Metric]:
        phones, intake = len(self.connections.phones()), self.intake
        return [
            Metric("phones", "gauge", "Phones that are connected.", phones),
            Metric("screens", "gauge", "Screens that are open.", len(self._callers) - phones),
            Metric("fixes_stored_total", "counter", "Fixes that were stored.", intake.stored),
            Metric("fixes_refused_total", "counter", "Fixes that a filter held.", intake.refused),
            Metric(
                "fixes_not_stored_total",
                "counter",
                "Fixes that were not stored, so that phones send them again.",
                intake.not_stored,
            ),
        ]

    def _take(self, connection: socket.socket, head: bytes) -> None:
        """A connection that the web process hands over."""
        connection.setblocking(False)
        loop = asyncio.get_running_loop()
        arriving = loop.create_task(
            loop.connect_accepted_socket(
                lambda: Door(self._entrance.admit, self._listen, head=head), connection
            )
        )
        self._arriving.add(arriving)
        arriving.add_done_callback(self._arriving.discard)

    def _listen(self, request: Request, principal: Principal | None) -> WSListener:
        """Whom a caller talks to that was let in."""
        if principal is None:
            return self._show_parcel(request)
        if request.path == DRIVER_PATH:
            return Phone(self, DriverSession(self._db, self._blobs, principal), self.intake)
        assert principal.session_id is not None  # neither phones nor API keys are let in here
        return Screen(self, self.map_feed, self._db, principal.session_id)

    def _show_parcel(self, request: Request) -> Visitor:
        """To a customer with a link."""
        chosen = dict(parse_qsl(request.query)).get("lang", "")
        language = language_of(request.headers.get("accept-language", ""), chosen)
        token = request.link_token or ""
        news = follow(self._db, token, self._zone, language)
        return Visitor(self, self._entrance.followers, token, news)

    def note_connected(self, caller: Caller) -> None:
        self._callers.add(caller)
        if self._is_draining:
            caller.end(Restarting())
        elif isinstance(caller, Phone):
            self.connections.hold(caller)

    def note_gone(self, caller: Caller) -> None:
        self._callers.discard(caller)
        if isinstance(caller, Phone):
            self.connections.release(caller)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            tick_all(self._callers)


async def _keep_running(job: Callable[[], Awaitable[None]]) -> None:
    """A job ends only by a defect; sockets that nobody keeps current would be worse than that."""
    while True:
        try:
            await job()
        except Exception:
            log.exception("%s failed; starting it again", job)
        await asyncio.sleep(PAUSE_S)


@asynccontextmanager
async def open_gateway(
    settings: Settings,
    db: Database,
    feed: Feed,
    blobs: Blobs,
    *,
    port: int | None = None,
    intake: type[FixIntake] = FixIntake,
) -> AsyncIterator[Gateway]:
    """A gateway until the block ends, then drained."""
    gateway = Gateway(settings, db, feed, blobs, intake)
    await gateway.open(settings.host, port)
    try:
        yield gateway
    finally:
        await gateway.drain()
