"""One dispatcher's screen: frames as fast as it acknowledges them, never more than two ahead."""

import asyncio
from contextlib import suppress
from uuid import UUID

import msgspec

from server.identity import service as identity
from server.kit.db import Database
from server.live.endings import Refused, SignedOut
from server.live.map_feed import TICK_S, MapFeed
from server.live.sockets import Socket

FRAMES_AHEAD = 2
BEAT_S = 3.0
"""A frame is sent at least so often, changes or not: so a screen knows that it is up to date."""

SESSION_CHECK_S = 15.0


class Acknowledgement(msgspec.Struct):
    """What a screen sends back: the cursor of the newest frame that it has drawn."""

    ack: int


class Screen:
    """One open page. While it sleeps it gets nothing, then one frame with all that it missed.

    session_id: the sign-in that opened it; when that ends, so does the screen.
    """

    def __init__(self, map_feed: MapFeed, db: Database, session_id: UUID, socket: Socket) -> None:
        self._map_feed = map_feed
        self._db = db
        self._session_id = session_id
        self._socket = socket
        self._in_flight: list[int] = []
        """The cursors of the frames that it has not acknowledged."""
        self._room = asyncio.Event()
        self._room.set()

    async def show(self) -> None:
        """Until it goes."""
        with self._map_feed.watched():
            await self._socket.converse(self._hear(), self._write(), self._watch_sign_in())

    async def _hear(self) -> None:
        while True:
            try:
                drawn = msgspec.json.decode(await self._socket.receive(), type=Acknowledgement).ack
            except (msgspec.MsgspecError, UnicodeDecodeError):
                raise Refused('Send {"ack": cursor of the newest frame drawn}.') from None
            self._in_flight = [cursor for cursor in self._in_flight if cursor > drawn]
            if len(self._in_flight) < FRAMES_AHEAD:
                self._room.set()

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
            await self._socket.send(msgspec.json.encode(frame).decode())
            await asyncio.sleep(TICK_S)

    async def _watch_sign_in(self) -> None:
        while True:
            await asyncio.sleep(SESSION_CHECK_S)
            async with self._db.transaction() as session:
                if not await identity.is_session_open(session, self._session_id):
                    raise SignedOut
