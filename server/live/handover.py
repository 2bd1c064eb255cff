"""How a socket gets from the web process to a gateway of the same machine: its open connection is
passed on, with the head of the request that was read already.

So pages, phones and sockets all have one address and one port, with or without a proxy, and no
byte of a socket goes through the web process. Each gateway has a mailbox in a folder that both
know; which one gets a connection does not matter.
"""

import asyncio
import json
import logging
import os
import random
import socket
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

from server.kit.errors import PostriderError, Unavailable

log = logging.getLogger(__name__)

MAX_HEAD_BYTES = 16 * 1024

REASONS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    408: "Request Timeout",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}


TRIES, RETRY_S = 20, 0.1
"""A mailbox holds ten letters and no more, on most systems: when many come at once, some wait."""


class NoGateway(Unavailable):
    """No gateway runs on this machine. Try again in a moment."""

    code = "live.no_gateway"


class GatewaysBusy(Unavailable):
    """Every gateway of this machine has more to take in than it can. Try again in a moment."""

    code = "live.gateways_busy"


class Mailbox:
    """Where a gateway takes in connections that others have accepted."""

    def __init__(self, folder: Path, take: Callable[[socket.socket, bytes], None]) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = folder / f"{os.getpid()}-{random.getrandbits(32):08x}"
        self._take = take
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def open(self) -> None:
        with _short(self._path) as name:
            self._socket.bind(name)
        asyncio.get_running_loop().add_reader(self._socket.fileno(), self._empty)

    def close(self) -> None:
        """Take nothing more. What is in it already is taken first."""
        self._path.unlink(missing_ok=True)
        asyncio.get_running_loop().remove_reader(self._socket.fileno())
        self._empty()
        self._socket.close()

    def _empty(self) -> None:
        while True:
            try:
                head, numbers, _, _ = socket.recv_fds(self._socket, MAX_HEAD_BYTES + 1, 1)
            except BlockingIOError:
                return
            for number in numbers:
                self._take(socket.socket(fileno=number), head)


def deliver(folder: Path, connection: int, head: bytes) -> None:
    """Pass an open connection, by its file number, to any gateway that is there.

    Raises
    ------
    NoGateway, GatewaysBusy
    """
    boxes = list(folder.iterdir()) if folder.is_dir() else []
    random.shuffle(boxes)
    is_busy = False
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", [connection]))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
        sending.setblocking(False)
        for box in boxes:
            try:
                with _short(box) as name:
                    sending.sendmsg([head], [rights], 0, name)  # send_fds forgets the name
            except (ConnectionRefusedError, FileNotFoundError):
                box.unlink(missing_ok=True)  # its gateway was killed
            except BlockingIOError:
                is_busy = True
            except OSError as error:
                log.warning("a gateway takes no connections now: %s", error)
            else:
                return
    raise GatewaysBusy if is_busy else NoGateway


def living_mailboxes(folder: Path) -> int:
    """How many gateways of this machine take connections in."""
    found = 0
    for box in folder.iterdir() if folder.is_dir() else ():
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe,
            _short(box) as name,
            suppress(OSError),
        ):
            probe.connect(name)
            found += 1
    return found


def handing_over(folder: Path) -> type[asyncio.Protocol]:
    """What uvicorn is to do with a connection that wants to become a socket."""

    class HandOver(asyncio.Protocol):
        def __init__(self, **_: Any) -> None:
            self._transport: asyncio.Transport | None = None

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self._transport = cast(asyncio.Transport, transport)

        def data_received(self, data: bytes) -> None:
            assert self._transport is not None
            self._transport.pause_reading()
            self._hand_over(data, TRIES)

        def _hand_over(self, head: bytes, tries: int) -> None:
            assert self._transport is not None
            if self._transport.is_closing():
                return
            try:
                deliver(folder, self._transport.get_extra_info("socket").fileno(), head)
            except GatewaysBusy as busy:
                if tries > 1:
                    loop = asyncio.get_running_loop()
                    loop.call_later(RETRY_S, self._hand_over, head, tries - 1)
                    return
                log.warning("somebody is sent away: %s", busy)
                self._transport.write(answer_to(busy))
            except NoGateway as refusal:
                self._transport.write(answer_to(refusal))
            self._transport.close()  # ours; the gateway has its own number of the connection

    return HandOver


def answer_to(refusal: PostriderError) -> bytes:
    """The HTTP answer to somebody who gets no socket, with the problem document that tells why."""
    body = json.dumps(refusal.problem()).encode()
    headers = {
        "Content-Type": "application/problem+json",
        "Content-Length": str(len(body)),
        "Connection": "close",
        **refusal.headers,
    }
    lines = [f"HTTP/1.1 {refusal.status} {REASONS.get(refusal.status, 'Refused')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """A name by which the system can call this mailbox: 107 bytes are all that it takes."""
    if len(os.fsencode(path)) <= 100:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
