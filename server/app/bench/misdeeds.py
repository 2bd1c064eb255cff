"""What phones and screens can do to a server that is not their work: each is a row of `postrider
bench faults`, and gives back a note on what it saw, that begins with WRONG when it was let through.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from server.app.bench.witness import Witness, invite_witnesses
from server.identity import service as identity
from server.identity.access import Role
from server.kit.db import Database
from server.kit.ids import new_id
from server.protocol import codec
from server.protocol.envelope import Envelope
from server.protocol.from_driver import Hello

FLOOD_S = 5.0
SLEEP_S = 6.0
KNOCKS = 30
TOO_LONG = 1009


class Misdeeds:
    def __init__(self, db: Database, port: int, people: list[Witness]) -> None:
        self._db = db
        self._people = people
        self._origin = f"http://127.0.0.1:{port}"
        self._url = f"ws://127.0.0.1:{port}/ws/driver"
        self._screen_url = f"ws://127.0.0.1:{port}/ws/dispatch"

    async def flood(self) -> str:
        """As much as the socket takes."""
        sent = 0
        async with self._guest() as socket:
            with suppress(TimeoutError, ConnectionClosed):
                async with asyncio.timeout(FLOOD_S):
                    while True:
                        await socket.send("{}" * 500)
                        sent += 1
        return f"got rid of {sent / FLOOD_S:.0f} frames a second, most into buffers of the kernel"

    async def knock_with_wrong_token(self) -> str:
        statuses = set()
        for _ in range(KNOCKS):
            try:
                async with self._line({"Authorization": "Bearer pd_none"}):
                    return "WRONG: let in"
            except InvalidStatus as refused:
                statuses.add(refused.response.status_code)
        return "refused with " + ", ".join(map(str, sorted(statuses)))

    async def use_the_token_of_another(self) -> str:
        """The newest counts; the true owner takes the place back with its next connection."""
        async with self._line(self._people[0].headers) as socket:
            await self._say_hello(socket)
            await socket.recv()
            with suppress(ConnectionClosed):
                async with asyncio.timeout(FLOOD_S):
                    while True:
                        await socket.recv()
        return f"ended with {socket.close_code} when the owner came back"

    async def cut_frames(self) -> str:
        for _ in range(20):
            async with self._guest() as socket:
                socket.transport.write(b"\x81\xfe\x01\x00\x00\x00\x00\x00half")
                socket.transport.abort()
        return ""

    async def send_megabyte(self) -> str:
        async with self._guest() as socket:
            with suppress(ConnectionClosed):
                await socket.send("x" * 2**20)
                await socket.recv()
            return _expect(TOO_LONG, socket.close_code)

    async def send_zip_bomb(self) -> str:
        """A frame that says to be compressed, where nothing was agreed on: it is never unpacked."""
        async with self._guest() as socket:
            with suppress(ConnectionClosed):
                socket.transport.write(b"\xc2\x84\x00\x00\x00\x00" + b"\x4b\x04\x00\x00")
                async with asyncio.timeout(FLOOD_S):
                    while True:
                        await socket.recv()
            return "" if socket.close_code else "WRONG: taken"

    async def speak_wrongly(self) -> str:
        async with self._guest(protocol=99) as socket:
            answer = codec.decode(await socket.recv()).body
        code = getattr(answer, "code", type(answer).__name__)
        return code if code == "live.app_too_old" else f"WRONG: {code}"

    async def read_nothing(self) -> str:
        """A screen that acknowledges at once what it never reads from its socket."""
        async with self._screen() as socket:
            socket.transport.pause_reading()
            await asyncio.sleep(SLEEP_S)
        return ""

    async def sleep_as_a_tab(self) -> str:
        """A page that does not draw gets two frames and no more, then all it missed at once."""
        async with self._screen() as socket:
            frames: list[str | bytes] = []
            with suppress(TimeoutError):
                async with asyncio.timeout(SLEEP_S):
                    while True:
                        frames.append(await socket.recv())
            await socket.send(msgspec.json.encode({"ack": 2**53}).decode())
            async with asyncio.timeout(SLEEP_S):
                await socket.recv()
        asleep = len(frames)
        return f"{asleep} frames while asleep" if asleep <= 2 else f"WRONG: {asleep} frames"

    def _line(self, headers: dict[str, str]) -> AbstractAsyncContextManager[ClientConnection]:
        return connect(self._url, additional_headers=headers)

    async def _say_hello(self, socket: ClientConnection, protocol: int = 1) -> None:
        hello = Hello(protocol=protocol, app_version="bench")
        now = self._people[0].now()
        await socket.send(codec.encode(Envelope(id=str(new_id()), sent_at=now, body=hello)))

    @asynccontextmanager
    async def _guest(self, protocol: int = 1) -> AsyncIterator[ClientConnection]:
        """A phone of its own that said Hello, for what no witness would do."""
        (guest,) = await invite_witnesses(self._db, 1, self._url)
        with suppress(WebSocketException):
            async with self._line(guest.headers) as socket:
                await self._say_hello(socket, protocol)
                if protocol == 1:
                    await socket.recv()
                yield socket

    @asynccontextmanager
    async def _screen(self) -> AsyncIterator[ClientConnection]:
        """A dispatcher's page."""
        async with self._db.transaction() as session:
            person = await identity.create_person(
                session,
                name="Dee",
                email=f"{new_id().hex}@postrider.example",
                role=Role.DISPATCHER,
                by="bench",
            )
            opened = await identity.open_session(session, person.id)
        headers = {"Cookie": f"{identity.SESSION_COOKIE}={opened.token}", "Origin": self._origin}
        async with connect(
            self._screen_url, additional_headers=headers, compression=None
        ) as socket:
            yield socket


def _expect(wanted: int, code: int | None) -> str:
    return "" if code == wanted else f"WRONG: ended with {code}"
