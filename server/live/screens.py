"""One dispatcher's screen: frames as fast as it acknowledges them, never more than two ahead."""

import asyncio
from contextlib import suppress
from uuid import UUID

import msgspec
from picows import WSTransport

from server.identity import service as identity
from server.kit.db import Database
from server.live.endings import Refused, SignedOut, ending_for
from server.live.map_feed import TICK_S, MapFeed
from server.live.sockets import Caller, House

FRAMES_AHEAD = 2
BEAT_S = 3.0
"""A frame is sent at least so often, changes or not: so a screen knows that it is up to date."""

SESSION_CHECK_S = 15.0


class Acknowledgement(msgspec.Struct):
    """What a screen sends back: the cursor of the newest frame that it has drawn."""

    ack: int


class Screen(Caller):
    """One open page. While it sleeps it gets nothing, then one frame with all that it missed.

    session_id: the sign-in that opened it; when that ends, so does the screen.
    """

    def __init__(self, house: House, map_feed: MapFeed, db: Database, session_id: UUID) -> None:
        super().__init__(house)
        self._map_feed = map_feed
        self._db = db
        self._session_id = session_id
        self._in_flight: list[int] = []
        """The cursors of the frames that it has not acknowledged."""
        self._room = asyncio.Event()
        self._room.set()
        self._showing: asyncio.Task[None] | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        super().on_ws_connected(transport)
        self._showing = asyncio.create_task(self._show())

    def hear(self, message: bytes) -> None:
        try:
            drawn = msgspec.json.decode(message, type=Acknowledgement).ack
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self.end(Refused('Send {"ack": cursor of the newest frame drawn}.'))
            return
        self._in_flight = [cursor for cursor in self._in_flight if cursor > drawn]
        if len(self._in_flight) < FRAMES_AHEAD:
            self._room.set()

    def hang_up(self) -> None:
        if self._showing is not None:
            self._showing.cancel()

    async def _show(self) -> None:
        try:
            with self._map_feed.watched():
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._write())
                    group.create_task(self._watch_sign_in())
        except* Exception as errors:
            self._showing = None
            self.end(ending_for(errors.exceptions[0]))

    async def _write(self) -> None:
        await self._map_feed.refresh()
        cursor = 0
        while True:
            await self._room.wait()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._map_feed.changed_since(cursor), BEAT_S)
            frame, cursor = self._map_feed.frame(cursor)
            self._in_flight.append(cursor)
            if len(self._in_flight) >= FRAMES_AHEAD:
                self._room.clear()
            self.send(msgspec.json.encode(frame))
            await asyncio.sleep(TICK_S)

    async def _watch_sign_in(self) -> None:
        while True:
            await asyncio.sleep(SESSION_CHECK_S)
            async with self._db.transaction() as session:
                if not await identity.is_session_open(session, self._session_id):
                    raise SignedOut
