"""One connected phone: its frames are answered in order, and its manifest is pushed beside them."""

import asyncio

from server.live.driver_session import DriverSession
from server.live.endings import Ending, HelloLate
from server.live.sockets import Socket
from server.protocol import codec

HELLO_WITHIN_S = 15.0


class Phone:
    """Whoever else has something for this phone says `look` or `end`, and waits for nothing."""

    def __init__(self, session: DriverSession, socket: Socket) -> None:
        self.session = session
        self._socket = socket
        self._told_to_look = asyncio.Event()
        self._told_to_end = asyncio.Event()
        self._ending = Ending()

    def look(self) -> None:
        """There may be a newer manifest."""
        self._told_to_look.set()

    def end(self, ending: Ending) -> None:
        """Say goodbye. A frame that is being dealt with is dropped unanswered."""
        self._ending = ending
        self._told_to_end.set()

    async def talk(self) -> None:
        """Until one of us goes."""
        await self._socket.converse(self._wait_for_end(), self._hear(), self._push())

    async def _wait_for_end(self) -> None:
        await self._told_to_end.wait()
        raise self._ending

    async def _hear(self) -> None:
        deadline_s = asyncio.get_running_loop().time() + HELLO_WITHIN_S
        while True:
            for answer in await self.session.hear(await self._receive(deadline_s)):
                await self._socket.send(codec.encode(answer))

    async def _receive(self, deadline_s: float) -> str | bytes:
        if self.session.greeted:
            return await self._socket.receive()
        try:
            async with asyncio.timeout_at(deadline_s):
                return await self._socket.receive()
        except TimeoutError:
            raise HelloLate from None

    async def _push(self) -> None:
        while True:
            await self._told_to_look.wait()
            self._told_to_look.clear()
            if (newer := await self.session.newer_manifest()) is not None:
                await self._socket.send(codec.encode(newer))
