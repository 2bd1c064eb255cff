"""A real web process on a free port of this machine and a gateway beside it, their cables, and
phones to talk with them."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import uvicorn
from sqlalchemy import select
from sqlalchemy.engine import make_url
from websockets.asyncio.client import ClientConnection, connect

from driver_app.core.driver import Driver
from driver_app.core.pace import Pace
from driver_app.core.store import Store
from driver_app.core.sync import Sync
from server.app.web import create_app
from server.identity import service as identity
from server.identity.access import Role
from server.kit import clock
from server.kit.blobs import Blobs
from server.kit.db import Database
from server.kit.feed import Feed
from server.kit.ids import new_id
from server.kit.settings import Settings
from server.live.gateway import Gateway, open_gateway
from server.live.handover import handing_over
from server.live.map_moves import HEADER, MARKER, UNKNOWN
from server.live.models import DriverCommand
from server.protocol import PROTOCOL_VERSION
from server.protocol.codec import decode, encode
from server.protocol.envelope import Envelope
from server.protocol.from_driver import Hello
from server.protocol.to_driver import Manifest

PATIENCE_S = 15.0

HASTY = Pace(
    poll_s=0.005,
    answer_s=10,
    lease_s=10,
    fix_wait_s=0,
    backoff_first_s=0.05,
    backoff_cap_s=0.2,
    post_every_s=0.2,
    socket_retry_s=60,
)


class Cable:
    """The way to a TCP service, which can be pulled out and put back."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._plugged = True
        self._ends: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    @asynccontextmanager
    async def laid(self) -> AsyncIterator["Cable"]:
        server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.pull()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def pull(self) -> None:
        self._plugged = False
        for writer in self._ends:
            writer.transport.abort()

    def plug(self) -> None:
        self._plugged = True

    async def _carry(self, near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        if not self._plugged:
            near_out.transport.abort()
            return
        far_in, far_out = await asyncio.open_connection(*self._target)
        if not self._plugged:  # pulled out meanwhile
            near_out.transport.abort()
            far_out.transport.abort()
            return
        ends = {near_out, far_out}
        self._ends |= ends
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await asyncio.gather(_copy(near_in, far_out), _copy(far_in, near_out))
        finally:
            self._ends -= ends
            self._tasks.discard(task)


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    sink.transport.abort()


@asynccontextmanager
async def cable_to(url: str) -> AsyncIterator[tuple[Cable, str]]:
    """A cable to the service of this URL, and the URL at its near end."""
    parts = make_url(url)
    async with Cable(parts.host or "127.0.0.1", parts.port or 0).laid() as cable:
        near = parts.set(host="127.0.0.1", port=cable.port)
        yield cable, near.render_as_string(hide_password=False)


@dataclass
class Web:
    """A web process that serves, and the gateway to which it hands sockets over."""

    server: uvicorn.Server
    app: Any
    gateway: Gateway
    db: Database
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"


@asynccontextmanager
async def serving(
    settings: Settings, db: Database, feed: Feed, blobs: Blobs, **options: Any
) -> AsyncIterator[Web]:
    app = create_app(settings, db, feed, blobs)
    ends = {"ws": handing_over(settings.gateways_dir)}
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            host="127.0.0.1",
            port=0,
            log_level="warning",
            timeout_graceful_shutdown=5,
            **(ends | options),
        )
    )
    async with open_gateway(settings, db, feed, blobs) as gateway:
        running = asyncio.create_task(server.serve())
        await until(lambda: server.started or running.done())
        port = server.servers[0].sockets[0].getsockname()[1]
        try:
            yield Web(server, app, gateway, db, port)
        finally:
            server.should_exit = True
            await running


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what somebody else brings about."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.002)


@dataclass
class Device:
    """A phone that was paired: whose it is, and what it says to prove that."""

    driver_id: UUID
    device_id: UUID
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


async def pair(db: Database, driver_id: UUID) -> Device:
    async with db.transaction() as session:
        code = await identity.create_pairing_code(session, driver_id, by="test")
        paired = await identity.pair_device(session, code, "a test", address="127.0.0.1")
    return Device(driver_id, paired.device_id, paired.token)


async def revoke(db: Database, device: Device) -> None:
    async with db.transaction() as session:
        await identity.revoke_device(session, device.device_id, by="test")


class RealPhone:
    """The phone's own core over a store of its own. wrong_by: how much its clock is ahead."""

    def __init__(self, folder: Path) -> None:
        self.wrong_by = timedelta()
        self.store = Store(folder, fsync=False)
        self.driver = Driver(self.store, clock=self.now, device_model="a test")

    def now(self) -> datetime:
        return clock.now() + self.wrong_by

    @asynccontextmanager
    async def syncing(self) -> AsyncIterator[None]:
        """Its background process at work until the end of the block."""
        sync = asyncio.create_task(Sync(self.store, clock=self.now, pace=HASTY).run())
        try:
            yield
        finally:
            sync.cancel()
            with suppress(asyncio.CancelledError):
                await sync

    async def sent(self) -> None:
        """Everything was answered."""
        await until(
            lambda: not self.driver.view().on_its_way and not self.driver.view().unsent_fixes
        )

    async def shows(self, task_id: str) -> None:
        await until(lambda: self.driver.view().find_task(task_id) is not None)


async def give_phone(phone: RealPhone, web: Web, driver_id: UUID) -> Device:
    """Pair it over HTTP with a code from the office."""
    async with web.db.transaction() as session:
        code = await identity.create_pairing_code(session, driver_id, by="test")
    pairing = await asyncio.to_thread(phone.driver.pair, web.url, code)
    return Device(driver_id, UUID(pairing.device_id), pairing.token)


def wrap(body: Any, **fields: Any) -> Envelope:
    return replace(Envelope(id=str(new_id()), sent_at=clock.now(), body=body), **fields)


class Line:
    """A bare socket of a phone, for saying exactly this or that."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, body: Any, **fields: Any) -> Envelope:
        envelope = wrap(body, **fields)
        await self.socket.send(encode(envelope))
        return envelope

    async def answer(self) -> Any:
        """The next frame from the server that is no manifest."""
        while True:
            body = decode(await self._receive()).body
            if not isinstance(body, Manifest):
                return body

    async def manifest(self) -> Manifest:
        body = decode(await self._receive()).body
        assert isinstance(body, Manifest), body
        return body

    async def greet(self) -> Manifest:
        await self.say(Hello(protocol=PROTOCOL_VERSION, app_version="test"))
        return await self.manifest()

    async def ending(self) -> tuple[int, str]:
        """The code and the reason with which the server closes, without another word."""
        async with asyncio.timeout(PATIENCE_S):
            await self.socket.wait_closed()
        assert self.socket.close_code is not None
        assert self.socket.close_reason is not None
        return self.socket.close_code, self.socket.close_reason

    async def _receive(self) -> str | bytes:
        async with asyncio.timeout(PATIENCE_S):
            return await self.socket.recv()


@asynccontextmanager
async def calling(web: Web, device: Device, *, greet: bool = True) -> AsyncIterator[Line]:
    """A bare socket to the server that has said Hello."""
    url = f"{web.socket_url}/ws/driver"
    async with connect(
        url, additional_headers=device.headers, compression=None, close_timeout=1
    ) as socket:
        line = Line(socket)
        if greet:
            await line.greet()
        yield line


@asynccontextmanager
async def http_of(web: Web, device: Device) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=web.url, headers=device.headers) as client:
        yield client


async def sign_in_cookie(db: Database, role: Role = Role.DISPATCHER) -> tuple[UUID, str]:
    """A new person of that role, and the Cookie header of a browser where they are signed in."""
    async with db.transaction() as session:
        person = await identity.create_person(
            session, name="Dee", email=f"{new_id().hex}@example.org", role=role, by="test"
        )
        opened = await identity.open_session(session, person.id)
    return person.id, f"postrider_session={opened.token}"


class Screen:
    """A dispatcher's page: it merges the frames that come, as the browser does."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.shown: dict[str, dict[str, Any]] = {}

    async def frame(self) -> dict[str, Any]:
        """The next one; {"type": "moves"} when it is one of moves."""
        async with asyncio.timeout(PATIENCE_S):
            message = await self.socket.recv()
        if isinstance(message, bytes):
            return move(self.shown, message)
        frame: dict[str, Any] = json.loads(message)
        merge(self.shown, frame)
        return frame

    async def acknowledge(self, frame: dict[str, Any]) -> None:
        await self.socket.send(json.dumps({"ack": frame["cursor"]}))


def merge(shown: dict[str, dict[str, Any]], frame: dict[str, Any]) -> None:
    for kind in ("drivers", "runs", "exceptions"):
        if frame["type"] == "snapshot":
            shown[kind] = {}
        for key, record in frame[kind].items():
            if record is None:
                shown[kind].pop(key, None)
            else:
                shown[kind][key] = record


def move(shown: dict[str, dict[str, Any]], message: bytes) -> dict[str, Any]:
    """Merge a frame of moves, as the browser does."""
    kind, count, cursor = HEADER.unpack_from(message)
    assert kind == 1 and len(message) == HEADER.size + count * MARKER.size
    by_number = {record["number"]: record for record in shown["drivers"].values()}
    for number, lat, lon, heading, speed, taken in MARKER.iter_unpack(message[HEADER.size :]):
        if (record := by_number.get(number)) is None:
            continue
        now_s = int(clock.now().timestamp()) + 600
        taken_at = datetime.fromtimestamp(now_s - ((now_s - taken) & 0xFFFF), UTC)
        record["position"] = [lon / 1e7, lat / 1e7]
        record["taken_at"] = record["received_at"] = taken_at.isoformat().replace("+00:00", "Z")
        record["heading_deg"] = None if heading == UNKNOWN else heading * 1.5
        record["speed_mps"] = None if speed == UNKNOWN else speed * 0.5
    return {"type": "moves", "cursor": cursor, "is_current": None}


@asynccontextmanager
async def watching(web: Web, cookie: str, **headers: str) -> AsyncIterator[Screen]:
    sent = {"Cookie": cookie, "Origin": web.url} | headers
    async with connect(f"{web.socket_url}/ws/dispatch", additional_headers=sent) as socket:
        yield Screen(socket)


async def record_of(db: Database, command_id: str) -> DriverCommand | None:
    """What the server noted about a command."""
    async with db.transaction() as session:
        found: DriverCommand | None = await session.scalar(
            select(DriverCommand).where(DriverCommand.command_id == command_id)
        )
        return found
