"""A bad network between one phone and the server: a TCP relay that loses, doubles and cuts.

The phone is told that this is the server. What goes wrong here goes wrong on real sockets.
"""

import asyncio
import random
import re
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import get_args
from urllib.parse import urlsplit

from server.protocol.from_driver import Command

COMMAND_NAMES = {command.__name__ for command in get_args(Command)}
LONGEST_START = 64
"""Bytes of a frame in which its type stands."""
TEXT_FRAME = 0x81
"""A WebSocket text message in one frame (RFC 6455, section 5.2)."""


@dataclass(kw_only=True)
class Weather:
    """What goes wrong, and a count of what did.

    lost_answers: share of the server's messages that cut the connection instead of arriving.
    doubled_commands: share of the phone's commands that are sent twice.
    """

    lost_answers: float = 0.0
    doubled_commands: float = 0.0
    answers_lost: int = 0
    commands_doubled: int = 0
    cuts: int = 0


class Network:
    """The way of one phone to the server; `cut()` until `mend()` is a tunnel without network."""

    def __init__(self, server_url: str, weather: Weather, chance: random.Random) -> None:
        parts = urlsplit(server_url)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._weather = weather
        self._chance = chance
        self._up = True
        self._open: set[StreamWriter] = set()
        self._relays: set[asyncio.Task[None]] = set()
        self.url = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Network"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            self._up = False
            self._drop_all()
            await asyncio.gather(*self._relays)

    def cut(self) -> None:
        """No network from now on."""
        self._up = False
        self._weather.cuts += 1
        self._drop_all()

    def mend(self) -> None:
        self._up = True

    def _drop_all(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()
        self._open.clear()

    async def _serve(self, phone_in: StreamReader, phone_out: StreamWriter) -> None:
        if not self._up:
            phone_out.transport.abort()
            return
        try:
            server_in, server_out = await asyncio.open_connection(*self._target)
        except OSError:
            phone_out.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None
        self._relays.add(task)
        self._open |= {phone_out, server_out}

        def hang_up() -> None:
            phone_out.transport.abort()
            server_out.transport.abort()

        try:
            is_socket = await self._relay_request(phone_in, server_out)
            if is_socket:
                phone_out.write(await server_in.readuntil(b"\r\n\r\n"))
            both = (
                self._relay_up(phone_in, server_out, is_socket),
                self._relay_down(server_in, phone_out, is_socket, hang_up),
            )
            _, pending = await asyncio.wait(
                map(asyncio.create_task, both), return_when=asyncio.FIRST_COMPLETED
            )
            for rest in pending:
                rest.cancel()
        except (OSError, asyncio.IncompleteReadError):
            return  # one side has gone, the other is told below
        finally:
            hang_up()
            self._open -= {phone_out, server_out}
            self._relays.discard(task)

    async def _relay_request(self, phone_in: StreamReader, server_out: StreamWriter) -> bool:
        """Pass on the head of the request; True when it asks for a WebSocket."""
        head = await phone_in.readuntil(b"\r\n\r\n")
        server_out.write(head)
        await server_out.drain()
        return b"upgrade: websocket" in head.lower()

    async def _relay_up(
        self, phone_in: StreamReader, server_out: StreamWriter, is_socket: bool
    ) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            async for data in _pieces(phone_in, is_socket):
                server_out.write(data)
                if is_socket and _is_command(data) and self._happens("doubled_commands"):
                    self._weather.commands_doubled += 1
                    server_out.write(data)
                await server_out.drain()

    async def _relay_down(
        self,
        server_in: StreamReader,
        phone_out: StreamWriter,
        is_socket: bool,
        hang_up: Callable[[], None],
    ) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            async for data in _pieces(server_in, is_socket):
                if self._happens("lost_answers"):
                    self._weather.answers_lost += 1
                    hang_up()
                    return
                phone_out.write(data)
                await phone_out.drain()

    def _happens(self, what: str) -> bool:
        share: float = getattr(self._weather, what)
        return share > 0 and self._chance.random() < share


async def _pieces(reader: StreamReader, is_socket: bool) -> AsyncIterator[bytes]:
    """Whole WebSocket frames, or whatever comes of a plain request."""
    while True:
        data = await _read_frame(reader) if is_socket else await reader.read(65536)
        if not data:
            return
        yield data


async def _read_frame(reader: StreamReader) -> bytes:
    head = await reader.readexactly(2)
    length = head[1] & 0x7F
    if length == 126:
        head += await reader.readexactly(2)
        (length,) = struct.unpack("!H", head[2:])
    elif length == 127:
        head += await reader.readexactly(8)
        (length,) = struct.unpack("!Q", head[2:])
    mask = await reader.readexactly(4) if head[1] & 0x80 else b""
    return head + mask + await reader.readexactly(length)


def _is_command(frame: bytes) -> bool:
    """Whether a phone's frame (always masked) carries a command: its type comes first."""
    if frame[0] != TEXT_FRAME:
        return False
    start = {126: 4, 127: 10}.get(frame[1] & 0x7F, 2)
    mask, masked = frame[start : start + 4], frame[start + 4 : start + 4 + LONGEST_START]
    text = bytes(byte ^ mask[index % 4] for index, byte in enumerate(masked))
    match = re.match(rb'\{"type":"(\w+)"', text)
    return match is not None and match[1].decode() in COMMAND_NAMES
