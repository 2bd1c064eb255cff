"""What phones and screens can do to a server that is not their work: each is a row of `postrider
bench faults`, and gives back a note on what it saw, that begins with WRONG when it was let through.
"""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

import httpx
import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from server.app.bench.office import cursor_of, open_screen, sign_in
from server.app.bench.witness import Witness, invite_witnesses
from server.kit.db import Database
from server.kit.ids import new_id
from server.live.screens import FRAMES_AHEAD
from server.protocol import PROTOCOL_VERSION, codec
from server.protocol.envelope import Envelope
from server.protocol.from_driver import Hello

FLOOD_S = 5.0
SLEEP_S = 6.0
KNOCKS = 30
ACK_EVERY_S = 0.25
EVERYTHING_DRAWN = msgspec.json.encode({"ack": 2**53}).decode()
BOMB_BYTES = 64 * 1024 * 1024
TOO_LONG = 1009


class Misdeeds:
    def __init__(self, db: Database, port: int, people: list[Witness]) -> None:
        self._db = db
        self._people = people
        self._origin = f"http://127.0.0.1:{port}"
        self._url = f"ws://127.0.0.1:{port}/ws/driver"
        self._port = port

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
        """The newest counts; the true owner takes the place back with its next connection, or goes
        on beside it at another gateway."""
        async with self._line(self._people[0].headers) as socket:
            with suppress(TimeoutError, ConnectionClosed):
                async with asyncio.timeout(FLOOD_S):
                    await self._say_hello(socket)
                    while True:
                        await socket.recv()
        return f"ended with {socket.close_code}"

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
                while True:
                    await socket.recv()
            return _expect(TOO_LONG, socket.close_code)

    async def send_zip_bomb(self) -> str:
        """A frame that says to be compressed, where nothing was agreed on, and a body: neither is
        ever unpacked."""
        async with self._guest() as socket:
            with suppress(ConnectionClosed):
                socket.transport.write(b"\xc2\x84\x00\x00\x00\x00" + b"\x4b\x04\x00\x00")
                async with asyncio.timeout(FLOOD_S):
                    while True:
                        await socket.recv()
            if not socket.close_code:
                return "WRONG: taken as a frame"
        headers = {**self._people[-1].headers, "Content-Encoding": "gzip"}
        async with httpx.AsyncClient(
            base_url=self._origin, headers=headers, timeout=FLOOD_S
        ) as web:
            bomb = gzip.compress(bytes(BOMB_BYTES))
            answer = await web.post("/api/driver/envelopes", content=bomb)
        if not answer.is_client_error:
            return f"WRONG: {answer.status_code} for a body"
        return f"frame ended with {socket.close_code}, body refused with {answer.status_code}"

    async def speak_wrongly(self) -> str:
        async with self._guest(protocol=99) as socket:
            async with asyncio.timeout(FLOOD_S):
                answer = codec.decode(await socket.recv()).body
        code = getattr(answer, "code", type(answer).__name__)
        return code if code == "live.app_too_old" else f"WRONG: {code}"

    async def read_nothing(self) -> str:
        """A screen that reads nothing from its socket, and says that it has drawn all."""
        async with open_screen(self._port, await sign_in(self._db, self._origin)) as socket:
            socket.transport.pause_reading()
            with suppress(ConnectionClosed):
                for _ in range(round(SLEEP_S / ACK_EVERY_S)):
                    await socket.send(EVERYTHING_DRAWN)
                    await asyncio.sleep(ACK_EVERY_S)
            socket.transport.resume_reading()
        return ""

    async def sleep_as_a_tab(self) -> str:
        """A page that does not draw gets two frames and no more, then all it missed at once."""
        async with open_screen(self._port, await sign_in(self._db, self._origin)) as socket:
            frames: list[str | bytes] = []
            with suppress(TimeoutError):
                async with asyncio.timeout(SLEEP_S):
                    while True:
                        frames.append(await socket.recv())
            if len(frames) > FRAMES_AHEAD:
                return f"WRONG: {len(frames)} frames while asleep"
            await socket.send(msgspec.json.encode({"ack": cursor_of(frames[-1])}).decode())
            async with asyncio.timeout(SLEEP_S):
                await socket.recv()
        return f"{len(frames)} frames while asleep"

    def _line(self, headers: dict[str, str]) -> AbstractAsyncContextManager[ClientConnection]:
        return connect(self._url, additional_headers=headers, close_timeout=1)

    async def _say_hello(self, socket: ClientConnection, protocol: int = PROTOCOL_VERSION) -> None:
        hello = Hello(protocol=protocol, app_version="bench")
        now = self._people[0].now()
        await socket.send(codec.encode(Envelope(id=str(new_id()), sent_at=now, body=hello)))

    @asynccontextmanager
    async def _guest(self, protocol: int = PROTOCOL_VERSION) -> AsyncIterator[ClientConnection]:
        """A phone of its own that said Hello, for what no witness would do."""
        (guest,) = await invite_witnesses(self._db, 1, self._url)
        async with self._line(guest.headers) as socket:
            await self._say_hello(socket, protocol)
            if protocol == PROTOCOL_VERSION:
                await socket.recv()
            yield socket


def _expect(wanted: int, code: int | None) -> str:
    return "" if code == wanted else f"WRONG: ended with {code}"
