"""One dispatcher's screen: frames as fast as it acknowledges them, never more than two ahead.

The map feed calls all screens at its ticks; those that show the same are sent the same bytes.
"""

import asyncio
from uuid import UUID

import msgspec
from picows import WSMsgType, WSTransport

from server.identity import service as identity
from server.kit.db import Database, is_away
from server.live.endings import Refused, SignedOut, ending_for
from server.live.map_feed import MapFeed
from server.live.map_moves import View
from server.live.sockets import Caller, House

FRAMES_AHEAD = 2
BEAT_S = 3.0
"""A frame is sent at least so often, changes or not: so a screen knows that it is up to date."""

SESSION_CHECK_S = 15.0


FAR_EVERY_S = 2.0
"""So often a screen hears of drivers outside of what it shows; of the others at every tick."""


class FromScreen(msgspec.Struct):
    """What a screen says: the cursor of the newest frame that it has drawn, or what part of the
    world it shows (west, south, east, north)."""

    ack: int | None = None
    view: View | None = None


class Screen(Caller):
    """One open page. While it sleeps it gets nothing, then one frame with all that it missed.
    Frames of records say the how manieth of all frames they are, so that a page sees when one was
    lost on the way.

    session_id: the sign-in that opened it; when that ends, so does the screen.
    """

    def __init__(self, house: House, map_feed: MapFeed, db: Database, session_id: UUID) -> None:
        super().__init__(house)
        self._map_feed = map_feed
        self._db = db
        self._session_id = session_id
        self._in_flight: list[int] = []
        """The cursors of the frames that it has not acknowledged."""
        self._sent = 0
        self._view: View | None = None
        self._told = 0
        """The cursor of all that is no move; of moves there is one for what the screen shows, and
        one for the whole world."""
        self._near = self._far = 0
        self._beat_s = self._far_s = 0.0
        """When it has to hear something, and of the whole world, again."""
        self._is_ready = False
        """Whether there is something to show it."""
        self._is_current = False
        """As it was told."""
        self._showing: asyncio.Task[None] | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        super().on_ws_connected(transport)
        self._showing = asyncio.create_task(self._show())

    def hear(self, message: bytes) -> None:
        try:
            said = msgspec.json.decode(message, type=FromScreen)
            if said.ack is None and said.view is None:
                raise msgspec.ValidationError
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self.end(Refused('Send {"ack": cursor of the newest frame drawn}.'))
            return
        self._view = said.view or self._view
        if said.ack is not None:
            drawn = said.ack
            self._in_flight = [cursor for cursor in self._in_flight if cursor > drawn]

    def hang_up(self) -> None:
        if self._showing is not None:
            self._showing.cancel()

    async def _show(self) -> None:
        try:
            with self._map_feed.watched(self._show_news):
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._read())
                    await self._map_feed.catch_up()
                    self._is_ready = True
                    self._show_news()
                    await self._watch_sign_in()
        except* Exception as errors:
            self._showing = None
            self.end(ending_for(errors.exceptions[0]))

    async def _read(self) -> None:
        """At once, not at the next tick. What it shows already stays when the database goes
        meanwhile: the map is read again as soon as it is back."""
        try:
            await self._map_feed.refresh()
        except Exception as error:
            if not (self._is_ready and is_away(error)):
                raise

    @property
    def _is_behind(self) -> bool:
        """With drawing."""
        return len(self._in_flight) >= FRAMES_AHEAD

    def _show_news(self) -> None:
        """What it has yet to hear, unless it is behind."""
        if not self._is_ready or self._is_behind or self._is_ending:
            return
        try:
            now_s = asyncio.get_running_loop().time()
            is_current_now = not self._is_current and self._map_feed.is_current
            if is_current_now or self._map_feed.has_news(self._told) or now_s >= self._beat_s:
                frame, self._told = self._map_feed.frame(self._told)
                self._is_current = frame["is_current"]
                frame["number"] = self._sent + 1
                self._show_frame(msgspec.json.encode(frame), self._told)
                self._beat_s = now_s + BEAT_S
            if not self._is_behind:
                self._show_moves(now_s)
        except Exception as error:
            self.end(ending_for(error))

    def _show_moves(self, now_s: float) -> None:
        if self._view is None:  # it shows the whole world
            moves, self._near = self._map_feed.moves(self._near)
            self._far = self._near
        elif now_s >= self._far_s:
            moves, self._far = self._map_feed.moves(self._far)
            self._near, self._far_s = self._far, now_s + FAR_EVERY_S
        else:
            moves, self._near = self._map_feed.moves(self._near, self._view)
        if self._told and moves is not None:
            self._show_frame(moves, self._near)

    def _show_frame(self, frame: bytes, cursor: int) -> None:
        self._in_flight.append(cursor)
        self._sent += 1
        self.send(frame, WSMsgType.TEXT if frame[:1] == b"{" else WSMsgType.BINARY)

    async def _watch_sign_in(self) -> None:
        while True:
            await asyncio.sleep(SESSION_CHECK_S)
            async with self._db.transaction() as session:
                if not await identity.is_session_open(session, self._session_id):
                    raise SignedOut
