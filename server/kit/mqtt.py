"""Hears a broker of MQTT 3.1.1: just as much of it as a listener needs who must lose nothing.

The broker keeps what comes while nobody listens (a session that lasts, quality of service 1), and
gives a message again until it is acknowledged. So whoever stores first and acknowledges then needs
no second store; messages may come twice.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import NamedTuple, Self
from urllib.parse import unquote, urlsplit

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ = 1, 2, 3, 4, 8, 9, 12
AT_LEAST_ONCE = 1
REFUSED = 0x80
KEEP_ALIVE_S = 30
CONNECT_WITHIN_S = 10.0
MESSAGE_BYTES_MAX = 64 * 1024
"""A longer one is passed over: nobody may stop the others by what they send."""

PORTS = {"mqtt": 1883, "mqtts": 8883}
REFUSALS = {
    1: "it does not speak MQTT 3.1.1",
    2: "it does not like our name",
    3: "it is not available",
    4: "user or password are wrong",
    5: "this user may not connect",
}


class BrokerAway(Exception):
    """The broker cannot be heard; why, in its words or ours."""


class Message(NamedTuple):
    """body: None when it was too long. packet_id: None when the broker wants no acknowledgement."""

    topic: str
    body: bytes | None
    packet_id: int | None


class Listener:
    """One open connection to a broker."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._early: list[Message] = []
        """What the broker sends of an older session before it confirms our subscription."""

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, *, name: str, topics: Sequence[str]) -> AsyncIterator[Self]:
        """url: mqtt:// or mqtts://, with user and password if the broker asks for them. name: by
        which the broker knows our session again; two of one name throw each other out.

        Raises
        ------
        BrokerAway
        """
        parts = urlsplit(url)
        try:
            async with asyncio.timeout(CONNECT_WITHIN_S):
                reader, writer = await asyncio.open_connection(
                    parts.hostname,
                    parts.port or PORTS[parts.scheme],
                    ssl=ssl.create_default_context() if parts.scheme == "mqtts" else None,
                )
        except OSError as error:
            raise BrokerAway(str(error) or "it does not answer") from error
        listener = cls(reader, writer)
        beating: asyncio.Task[None] | None = None
        try:
            try:
                async with asyncio.timeout(CONNECT_WITHIN_S):
                    await listener._sign_in(name, parts.username, parts.password)
                    await listener._subscribe(topics)
            except (OSError, asyncio.IncompleteReadError) as error:
                raise BrokerAway(str(error) or "it does not answer") from error
            beating = asyncio.create_task(listener._beat())
            yield listener
        finally:
            if beating is not None:
                beating.cancel()
            writer.close()

    async def hear(self) -> Message:
        """The next message.

        Raises
        ------
        BrokerAway
        """
        if self._early:
            return self._early.pop(0)
        while True:
            try:
                async with asyncio.timeout(2 * KEEP_ALIVE_S):
                    kind, flags, body, is_whole = await self._read()
            except (OSError, asyncio.IncompleteReadError) as error:
                raise BrokerAway(str(error) or "it has fallen silent") from error
            if kind == PUBLISH:
                return _message(flags, body, is_whole)

    async def acknowledge(self, message: Message) -> None:
        """The broker may forget it.

        Raises
        ------
        BrokerAway
        """
        if message.packet_id is None:
            return
        try:
            await self._send(PUBACK, 0, message.packet_id.to_bytes(2))
        except OSError as error:
            raise BrokerAway(str(error) or "it is gone") from error

    async def _sign_in(self, name: str, user: str | None, password: str | None) -> None:
        flags, payload = 0, _text(name)
        if user is not None:
            flags |= 0x80
            payload += _text(unquote(user))
        if password is not None:
            flags |= 0x40
            payload += _text(unquote(password))
        # No clean session: what comes while we are away is kept for us.
        await self._send(
            CONNECT, 0, _text("MQTT") + bytes([4, flags]) + KEEP_ALIVE_S.to_bytes(2) + payload
        )
        kind, _, body, _ = await self._read()
        if kind != CONNACK or len(body) != 2:
            raise BrokerAway("what answers there is no broker")
        if body[1]:
            raise BrokerAway(REFUSALS.get(body[1], f"it refused us with {body[1]}"))

    async def _subscribe(self, topics: Sequence[str]) -> None:
        wanted = b"".join(_text(topic) + bytes([AT_LEAST_ONCE]) for topic in topics)
        await self._send(SUBSCRIBE, 0b0010, (1).to_bytes(2) + wanted)
        while True:
            kind, flags, body, is_whole = await self._read()
            if kind == PUBLISH:
                self._early.append(_message(flags, body, is_whole))
            elif kind == SUBACK:
                if REFUSED in body[2:]:
                    raise BrokerAway(f"this user may not read {', '.join(topics)}")
                return

    async def _beat(self) -> None:
        """Say that we live. Whether the broker does is noticed by whoever hears it."""
        with suppress(OSError):
            while True:
                await asyncio.sleep(KEEP_ALIVE_S / 2)
                await self._send(PINGREQ, 0, b"")

    async def _send(self, kind: int, flags: int, body: bytes) -> None:
        self._writer.write(bytes([kind << 4 | flags]) + _length(len(body)) + body)
        await self._writer.drain()

    async def _read(self) -> tuple[int, int, bytes, bool]:
        """Kind, flags and body of the next packet, and whether that is all of it."""
        first = (await self._reader.readexactly(1))[0]
        length = shift = 0
        for _ in range(4):
            byte = (await self._reader.readexactly(1))[0]
            length |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        else:
            raise BrokerAway("what answers there is no broker")
        body = await self._reader.readexactly(min(length, MESSAGE_BYTES_MAX))
        left = length - len(body)
        while left:
            left -= len(await self._reader.readexactly(min(left, MESSAGE_BYTES_MAX)))
        return first >> 4, first & 0x0F, body, length == len(body)


def _message(flags: int, body: bytes, is_whole: bool) -> Message:
    end = 2 + int.from_bytes(body[:2])
    topic, packet_id = body[2:end].decode(errors="replace"), None
    if flags >> 1 & 0b11:
        packet_id, end = int.from_bytes(body[end : end + 2]), end + 2
    return Message(topic, body[end:] if is_whole else None, packet_id)


def _text(words: str) -> bytes:
    encoded = words.encode()
    return len(encoded).to_bytes(2) + encoded


def _length(count: int) -> bytes:
    found = bytearray()
    while True:
        count, low = divmod(count, 0x80)
        found.append(low | (0x80 if count else 0))
        if not count:
            return bytes(found)
