"""One customer whose tracking page is open as a socket. It hears, and has nothing to say."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
from picows import WSTransport

from server.live.endings import Ending, Refused, ending_for
from server.live.followers import Followers
from server.live.sockets import Caller, House
from server.live.tracking_page import TrackingStatus


class NothingMore(Ending):
    """There is nothing more to tell."""


class Visitor(Caller):
    """news: what is told, until it ends."""

    def __init__(
        self, house: House, followers: Followers, token: str, news: AsyncIterator[TrackingStatus]
    ) -> None:
        super().__init__(house)
        self._followers = followers
        self._token = token
        self._news = news
        self._telling: asyncio.Task[None] | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        super().on_ws_connected(transport)
        self._telling = asyncio.create_task(self._tell())

    def hear(self, message: bytes) -> None:
        self.end(Refused("There is nothing to be said here."))

    def hang_up(self) -> None:
        if self._telling is not None:
            self._telling.cancel()

    async def _tell(self) -> None:
        ending: Ending = NothingMore()
        try:
            with self._followers.held(self._token):
                async for status in self._news:
                    self.send(msgspec.json.encode(status))
        except Exception as error:
            ending = ending_for(error)
        self._telling = None
        self.end(ending)
