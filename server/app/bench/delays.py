"""How long news takes: a fix until a screen shows it, and a message until the phone has it."""

import asyncio
import statistics
import time
from uuid import UUID

import msgspec
from websockets.asyncio.client import ClientConnection, connect

from server.app.bench.live_machine import (
    Machine,
    driving,
    forget_fixes,
    gateway_command,
    load_of,
    running,
    watched,
)
from server.dispatch import service as dispatch
from server.kit import clock
from server.kit.db import Database
from server.kit.feed import Feed
from server.kit.ids import new_id
from server.kit.ports import free_port
from server.live.map_feed import TICK_S
from server.protocol import PROTOCOL_VERSION, codec
from server.protocol.envelope import Envelope
from server.protocol.from_driver import Hello, ManifestReceived
from server.protocol.to_driver import Manifest

MESSAGES = 60
WARM = 10
BETWEEN_S = 0.05


class FixToScreen(msgspec.Struct, frozen=True, kw_only=True):
    """The age of markers when a screen has them. ticks: p99 in ticks of the map."""

    offered_per_s: int
    gateway_share: float
    p50_ms: float
    p99_ms: float
    ticks: float
    markers: int


class OutboxToPhone(msgspec.Struct, frozen=True, kw_only=True):
    """commit_p50_ms: of the whole transaction that writes a message and the new manifest, as the
    dispatcher waits for it. phone_p50_ms: from its begin until the phone has the manifest."""

    commit_p50_ms: float
    phone_p50_ms: float
    phone_p99_ms: float
    ratio: float


async def measure_fix_to_screen(
    machine: Machine, *, phones: int, rate: int, seconds: int
) -> FixToScreen:
    port = free_port()
    async with running(gateway_command(port), machine, port) as gateway:
        await forget_fixes(machine)
        async with watched(machine, port) as shown:
            words = ("stream", port, phones, rate, seconds, gateway.pid)
            async with driving(machine, *words) as driven:
                load = await load_of(driven)
    return FixToScreen(
        offered_per_s=rate,
        gateway_share=load.core_share,
        p50_ms=round(shown.p50_ms),
        p99_ms=round(shown.p99_ms),
        ticks=round(shown.p99_ms / 1000 / TICK_S, 2),
        markers=shown.markers,
    )


async def measure_outbox_to_phone(machine: Machine) -> OutboxToPhone:
    """While nothing else goes on; the processes that need one another are ours, a gateway and
    Redis."""
    port = free_port()
    feed = Feed(machine.environ["REDIS_URL"])
    db = Database(machine.environ["DATABASE_URL"], feed=feed)
    commits_s, phones_s = [], []
    try:
        async with running(gateway_command(port), machine, port):
            headers = {"Authorization": machine.credentials[0]}
            url = f"ws://127.0.0.1:{port}/ws/driver"
            async with connect(url, additional_headers=headers, compression=None) as socket:
                await _say(socket, Hello(protocol=PROTOCOL_VERSION, app_version="bench"))
                version = (await _manifest(socket, newer_than=-1)).version
                for _ in range(WARM + MESSAGES):
                    began_s = time.perf_counter()
                    waiting = asyncio.create_task(_manifest(socket, newer_than=version))
                    await _write(db, machine.devices[0].driver_id)
                    commits_s.append(time.perf_counter() - began_s)
                    version = (await waiting).version
                    phones_s.append(time.perf_counter() - began_s)
                    await _say(socket, ManifestReceived(version=version))
                    await asyncio.sleep(BETWEEN_S)
    finally:
        await db.close()
        await feed.close()
    commit_ms = statistics.median(commits_s[WARM:]) * 1e3
    phone_ms = statistics.median(phones_s[WARM:]) * 1e3
    return OutboxToPhone(
        commit_p50_ms=round(commit_ms, 2),
        phone_p50_ms=round(phone_ms, 2),
        phone_p99_ms=round(statistics.quantiles(phones_s[WARM:], n=100)[98] * 1e3, 2),
        ratio=round(phone_ms / commit_ms, 2),
    )


async def _write(db: Database, driver_id: UUID) -> None:
    async with db.transaction() as session:
        await dispatch.tell_driver(session, driver_id, "Call the depot.", by="bench")


async def _manifest(socket: ClientConnection, *, newer_than: int) -> Manifest:
    while True:
        body = codec.decode(await socket.recv()).body
        if isinstance(body, Manifest) and body.version > newer_than:
            return body


async def _say(socket: ClientConnection, body: Hello | ManifestReceived) -> None:
    envelope = Envelope(id=str(new_id()), sent_at=clock.now(), body=body)
    await socket.send(codec.encode(envelope))
