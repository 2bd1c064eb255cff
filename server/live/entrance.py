"""The entrance of a gateway: who is calling is known before the socket opens, and whoever is
refused gets the HTTP status that tells why.

It matters: a phone that gets 401 knows that it was revoked; one that gets 503 tries again.
"""

import asyncio
import logging
import math
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import blake2b
from http.cookies import CookieError, SimpleCookie
from typing import Any, cast

from picows import WSListener
from picows.picows import WSProtocol  # type: ignore[attr-defined]
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from server.consignments import service as consignments
from server.identity import service as identity
from server.identity.access import Principal, Role, allow, devices_only
from server.kit.db import Database, is_away
from server.kit.errors import (
    NotFound,
    PostriderError,
    TooMany,
    Unavailable,
)
from server.kit.settings import Settings
from server.live.followers import Followers
from server.live.guess_limit import GuessLimit
from server.live.handover import MAX_HEAD_BYTES, answer_to

log = logging.getLogger(__name__)

HEAD_WITHIN_S = 10.0
MAX_FRAME_BYTES = 256 * 1024
ENTERING_MAX = 64
"""So many are looked up at a time; a thousand phones that come back at once take turns."""

ENTRIES = 20
SECONDS_PER_ENTRY = 3.0
REMEMBERED_MAX = 50_000

DRIVER_PATH = "/ws/driver"
DISPATCH_PATH = "/ws/dispatch"
TRACKING_PATH = "/ws/t/"
"""A tracking link's token follows."""

ACCESS = {DRIVER_PATH: devices_only, DISPATCH_PATH: allow(Role.ADMIN, Role.DISPATCHER)}


class UnknownSocket(NotFound):
    """There is no socket at {path}."""

    code = "live.unknown_socket"


class NotARequest(PostriderError):
    """This is not a request for a socket."""

    code = "live.not_a_request"


class HeadTooLarge(PostriderError):
    """The head of this request is larger than 16 KiB."""

    code = "live.head_too_large"
    status = 431


class TooManyEntries(TooMany):
    """This connection was opened too often. Wait {wait_s} seconds."""

    code = "live.too_many_entries"


@dataclass(frozen=True, slots=True)
class Request:
    """The head of a request. headers: by their names in small letters. peer: the network address
    at the other end of the connection, which may be a proxy."""

    path: str
    headers: dict[str, str]
    query: str = ""
    peer: str = "unknown"

    @classmethod
    def read(cls, head: bytes, peer: str = "unknown") -> "Request":
        """
        Raises
        ------
        NotARequest
        """
        first, *lines = head.decode("latin-1").split("\r\n")
        words = first.split(" ")
        if len(words) != 3 or words[0] != "GET":
            raise NotARequest
        pairs = (line.partition(":") for line in lines if line)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        path, _, query = words[1].partition("?")
        return cls(path, headers, query, peer)

    @property
    def link_token(self) -> str | None:
        """Of the tracking link that is to be followed."""
        token = self.path.removeprefix(TRACKING_PATH)
        return None if token == self.path else token

    @property
    def bearer(self) -> str | None:
        scheme, _, credential = self.headers.get("authorization", "").partition(" ")
        return credential.strip() if scheme.lower() == "bearer" else None

    @property
    def session_token(self) -> str | None:
        try:
            found = SimpleCookie(self.headers.get("cookie", "")).get(identity.SESSION_COOKIE)
        except CookieError:
            return None
        return found.value if found else None


class Entrance:
    """Looks at those who want to come in."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self._db = db
        self._own_origin = identity.origin_of(settings.base_url)
        self._turns = asyncio.Semaphore(ENTERING_MAX)
        self._free_again_s: dict[bytes, float] = {}
        self._guess_limit = GuessLimit()
        self.followers = Followers()

    async def admit(self, request: Request) -> Principal | None:
        """Who is calling, when they may open this socket; None for a customer with a link.

        Raises
        ------
        PostriderError
            With the status to refuse with.
        """
        if request.link_token is not None:
            await self._admit_visitor(request, request.link_token)
            return None
        if (access := ACCESS.get(request.path)) is None:
            raise UnknownSocket(path=request.path[:100])
        self._count(request.bearer or request.session_token or "")
        async with self._turns:
            principal = await self._find(request)
        if (refusal := access.refusal(principal)) is not None:
            raise refusal
        assert principal is not None
        return principal

    async def _admit_visitor(self, request: Request, token: str) -> None:
        address = await _address_of(request)
        self._guess_limit.admit(address, token)
        self.followers.admit(token)
        async with self._turns:
            try:
                async with self._db.transaction() as session:
                    await consignments.consignment_of_token(session, token)
            except consignments.TrackingLinkUnknown:
                self._guess_limit.count_wrong_guess(address, token)
                raise
        self._guess_limit.count_right(token)

    async def _find(self, request: Request) -> Principal | None:
        if request.bearer is not None:
            async with self._db.transaction() as session:
                if request.bearer.startswith("pk_"):
                    return await identity.principal_of_key(session, request.bearer)
                return await identity.principal_of_device(session, request.bearer)
        if request.session_token is None:
            return None
        identity.refuse_foreign_page(request.headers, self._own_origin, says_where=True)
        async with self._db.transaction() as session:
            found = await identity.find_session(session, request.session_token)
        if found is None:
            return None
        if found.must_change_password:
            raise identity.PasswordMustChange
        return found.principal

    def _count(self, credential: str) -> None:
        """Slow down who comes in again and again: by what they say, not by where they come from,
        because behind one address there may be a thousand phones."""
        if not credential:
            return
        now_s = time.monotonic()
        key = blake2b(credential.encode(), digest_size=16).digest()
        free_s = max(self._free_again_s.get(key, 0.0), now_s)
        wait_s = free_s - now_s - (ENTRIES - 1) * SECONDS_PER_ENTRY
        if wait_s > 0:
            raise TooManyEntries(wait_s=math.ceil(wait_s))
        if len(self._free_again_s) >= REMEMBERED_MAX:
            self._free_again_s = {
                of: free for of, free in self._free_again_s.items() if free > now_s
            }
        self._free_again_s[key] = free_s + SECONDS_PER_ENTRY


async def _address_of(request: Request) -> str:
    """Where a caller comes from, by the same rule as for pages: what a proxy says of it counts
    when that proxy is trusted (FORWARDED_ALLOW_IPS)."""
    scope: Any = {
        "type": "websocket",
        "client": (request.peer, 0),
        "headers": [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in request.headers.items()
        ],
    }
    trusted = os.environ.get("FORWARDED_ALLOW_IPS", "127.0.0.1")

    async def nothing(*_: Any) -> None:
        """Its client is all that is asked for."""

    await ProxyHeadersMiddleware(nothing, trusted)(scope, nothing, nothing)  # type: ignore[arg-type]
    found: str = scope["client"][0]
    return found


Listen = Callable[[Request, Principal | None], WSListener]


class Door(asyncio.Protocol):
    """A connection that is no socket yet.

    head: what was read of it already. tell: the whole answer at a path that is no socket.
    """

    def __init__(
        self,
        admit: Callable[[Request], Awaitable[Principal | None]],
        listen: Listen,
        *,
        head: bytes = b"",
        tell: Callable[[str], bytes | None] | None = None,
    ) -> None:
        self._admit = admit
        self._tell = tell
        self._listen = listen
        self._head = bytearray(head)
        self._entering: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        loop = asyncio.get_running_loop()
        self._patience = loop.call_later(HEAD_WITHIN_S, self._transport.abort)
        if self._head:
            self.data_received(b"")

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if len(self._head) > MAX_HEAD_BYTES:
            self._refuse(HeadTooLarge())
        elif end >= 0 and self._entering is None:
            self._transport.pause_reading()
            self._entering = asyncio.create_task(self._enter(bytes(self._head[:end])))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._patience is not None:
            self._patience.cancel()
        if self._entering is not None:
            self._entering.cancel()

    async def _enter(self, head: bytes) -> None:
        try:
            assert self._transport is not None
            peer = self._transport.get_extra_info("peername")
            request = Request.read(head, peer[0] if isinstance(peer, tuple) else "unknown")
            if self._tell is not None and (told := self._tell(request.path)) is not None:
                self._answer(told)
                return
            principal = await self._admit(request)
        except PostriderError as refusal:
            self._refuse(refusal)
        except Exception as error:
            if is_away(error):
                log.warning("nobody is let in until the database is back: %s", error)
            else:
                log.exception("a socket could not be opened")
            self._refuse(Unavailable())
        else:
            self._open(request, self._listen(request, principal))

    def _open(self, request: Request, listener: WSListener) -> None:
        """Hand the connection over to picows, which answers the upgrade and cuts the frames."""
        assert self._transport is not None
        if self._transport.is_closing():
            return
        if self._patience is not None:
            self._patience.cancel()
        self._entering = None  # it is we who run in it
        protocol = WSProtocol(
            None, None, False, lambda _: listener, QUIET, True, None,
            False, 20, 20, 1, True, MAX_FRAME_BYTES, None, 2048,
        )  # fmt: skip
        protocol.connection_made(self._transport)
        self._transport.set_protocol(protocol)
        waiting = memoryview(_plain_head(request) + self._head.partition(b"\r\n\r\n")[2])
        while waiting:
            room = protocol.get_buffer(-1)
            size = min(len(room), len(waiting))
            room[:size] = waiting[:size]
            waiting = waiting[size:]
            protocol.buffer_updated(size)
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def _refuse(self, refusal: PostriderError) -> None:
        self._answer(answer_to(refusal))

    def _answer(self, answer: bytes) -> None:
        assert self._transport is not None
        self._entering = None
        self._transport.write(answer)
        self._transport.close()


def _plain_head(request: Request) -> bytes:
    """What picows needs of it: its reading is strict, and it keeps what it reads."""
    lines = ["GET / HTTP/1.1"]
    for name in ("host", "upgrade", "sec-websocket-version", "sec-websocket-key"):
        lines.append(f"{name}: {request.headers.get(name, '')}")
    asked = request.headers.get("connection", "").lower().replace(" ", "").split(",")
    lines.append(f"connection: {'upgrade' if 'upgrade' in asked else 'close'}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


class _Quiet(logging.LoggerAdapter[logging.Logger]):
    """picows makes a logger of its own for each connection, 2 KB each, unless it gets this."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802
        return level >= logging.ERROR


QUIET = _Quiet(log)
