"""The gateway as a process of its own: what it lets in, what it bounds, and how it goes."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from server.identity import service as identity
from server.identity.access import Role
from server.kit import clock
from server.kit.blobs import Blobs
from server.kit.db import Database
from server.kit.feed import Feed
from server.kit.ids import new_id
from server.kit.ports import free_port
from server.kit.relay import relay_pending
from server.kit.settings import ROOT, Settings
from server.live import fix_intake, gateway, sockets
from server.live.gateway import Gateway, open_gateway
from server.live.handover import Mailbox, handing_over
from server.protocol import PROTOCOL_VERSION
from server.protocol.codec import encode
from server.protocol.from_driver import Fix, Fixes, Hello, SetShift
from server.protocol.to_driver import Ack, Reject
from server.tracking.service import Arrivals, Tick
from tests.server.dispatch.conftest import Town, corner
from tests.server.live.web_process import (
    PATIENCE_S,
    Device,
    Line,
    Web,
    cable_to,
    calling,
    pair,
    serving,
    sign_in_cookie,
    until,
    watching,
    wrap,
)


def fix(town: Town, seq: int) -> Fix:
    taken_at = town.now + timedelta(seconds=seq)
    return Fix(seq=seq, taken_at=taken_at, lon=9.52, lat=47.14 + seq / 1e6, accuracy_m=5)


async def stored(db: Database) -> list[int]:
    async with db.transaction() as session:
        return list(await session.scalars(text("select seq from fix order by seq")))


@asynccontextmanager
async def at_port(port: int, device: Device) -> AsyncIterator[Line]:
    """A phone at a gateway's own port, as through a proxy."""
    url = f"ws://127.0.0.1:{port}/ws/driver"
    async with connect(url, additional_headers=device.headers, compression=None) as socket:
        line = Line(socket)
        await line.greet()
        yield line


def port_of(gateway: Gateway) -> int:
    assert gateway._server is not None
    port: int = gateway._server.sockets[0].getsockname()[1]
    return port


# How it gets its connections


async def test_mailbox_that_is_full_for_a_moment_turns_nobody_away(tmp_path: Path) -> None:
    """As after a restart, when all phones come back at once: it holds ten letters and no more."""
    taken: list[socket.socket] = []
    mailbox = Mailbox(tmp_path, lambda connection, _: taken.append(connection))
    mailbox.open()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(handing_over(tmp_path), "127.0.0.1", 0)
    callers = [socket.create_connection(server.sockets[0].getsockname()) for _ in range(60)]
    for caller in callers:  # before the loop runs again, so that all of them are there at once
        caller.sendall(b"GET / HTTP/1.1\r\n\r\n")
    await until(lambda: len(taken) == len(callers))
    server.close()
    mailbox.close()
    for each in (*callers, *taken):
        each.close()


# How it goes


async def test_what_a_stopping_process_has_acknowledged_is_kept_and_nothing_else_is_half_done(
    town: Town, settings: Settings, tmp_path: Path
) -> None:
    device = await pair(town.db, await town.add_driver())
    port = free_port()
    environ = {
        **os.environ,
        "DATABASE_URL": town.db.engine.url.render_as_string(hide_password=False),
        "REDIS_URL": settings.redis_url,
        "POSTRIDER_DATA": str(tmp_path),
        "PYTHONPATH": str(ROOT),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server", "gateway", "--port", str(port), env=environ
    )
    try:
        async with httpx.AsyncClient() as client:
            async with asyncio.timeout(60):
                while not await is_healthy(client, port):
                    await asyncio.sleep(0.1)
        acknowledged: set[str] = set()
        through = 0
        async with at_port(port, device) as line:
            try:
                for number in range(10_000):
                    if number == 20:
                        process.send_signal(signal.SIGTERM)
                    now = clock.real_now()
                    command = await line.say(SetShift(change="start", occurred_at=now), sent_at=now)
                    here = replace(fix(town, number + 1), taken_at=now)
                    await line.say(Fixes(fixes=(here,)), sent_at=now)
                    for _ in range(2):
                        answer = await line.answer()
                        assert isinstance(answer, Ack | Reject)
                        if isinstance(answer, Ack) and answer.fixes_through is not None:
                            through = answer.fixes_through
                        else:
                            acknowledged.add(command.id)
            except ConnectionClosed as closed:
                assert closed.rcvd is not None and closed.rcvd.code == 1012
        assert await asyncio.wait_for(process.wait(), PATIENCE_S) == 0
    finally:
        if process.returncode is None:
            process.kill()
    async with town.db.transaction() as session:
        recorded = set(await session.scalars(text("select command_id from driver_command")))
    assert acknowledged <= recorded and len(acknowledged) >= 20
    assert set(range(1, through + 1)) <= set(await stored(town.db))


async def is_healthy(client: httpx.AsyncClient, port: int) -> bool:
    try:
        return (await client.get(f"http://127.0.0.1:{port}/health")).status_code == 200
    except httpx.TransportError:
        return False


async def test_three_gateways_serve_one_company_and_when_one_goes_the_others_take_its_phones(
    town: Town, settings: Settings, feed: Feed, blobs: Blobs
) -> None:
    driver_id = await town.add_driver()
    devices = [await pair(town.db, driver_id) for _ in range(3)]
    async with AsyncExitStack() as stack:
        opened = [
            await stack.enter_async_context(open_gateway(settings, town.db, feed, blobs, port=0))
            for _ in range(3)
        ]
        lines = [
            await stack.enter_async_context(at_port(port_of(each), device))
            for each, device in zip(opened, devices, strict=True)
        ]
        _, task_id = await town.assign(corner(1, 1))
        await relay_pending(town.db)
        for line in lines:
            manifest = await line.manifest()
            assert [task.id for stop in manifest.stops for task in stop.tasks] == [task_id]
        await opened[0].drain()
        assert (await lines[0].ending())[0] == 1012
        async with at_port(port_of(opened[1]), devices[0]) as line:
            await line.say(Fixes(fixes=(fix(town, 1),)))
            assert (await line.answer()).fixes_through == 1


async def test_without_any_gateway_the_web_process_says_so(
    town: Town, web: Web, settings: Settings
) -> None:
    (settings.gateways_dir / "of-a-killed-one").touch()
    await web.gateway.drain()
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"{web.socket_url}/ws/driver"):
            pass
    assert refused.value.response.status_code == 503
    assert json.loads(refused.value.response.body or b"")["code"] == "live.no_gateway"


# What it lets in


async def test_who_comes_in_again_and_again_is_told_to_wait_and_others_are_not(
    any_town: Town, any_web: Web
) -> None:
    wrong = {"Authorization": f"Bearer pd_{new_id().hex}"}
    statuses = []
    for _ in range(30):
        with pytest.raises(InvalidStatus) as refused:
            async with connect(f"{any_web.socket_url}/ws/driver", additional_headers=wrong):
                pass
        statuses.append(refused.value.response.status_code)
    assert statuses[0] == 401 and statuses[-1] == 429
    assert int(refused.value.response.headers["Retry-After"]) > 0
    async with calling(any_web, await pair(any_town.db, await any_town.add_driver())):
        pass


async def test_one_time_password_must_be_changed_before_a_screen_opens(any_web: Web) -> None:
    async with any_web.db.transaction() as session:
        person = await identity.create_person(
            session, name="New", email=f"{new_id().hex}@example.org", role=Role.ADMIN, by="test"
        )
        await identity.give_one_time_password(session, person.id, by="test")
        opened = await identity.open_session(session, person.id)
    with pytest.raises(InvalidStatus) as refused:
        async with watching(any_web, f"postrider_session={opened.token}"):
            pass
    assert refused.value.response.status_code == 403
    assert json.loads(refused.value.response.body or b"")["code"].endswith("password_must_change")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /ws/nothing HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
        (b"POST /ws/driver HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"\x16\x03\x01 rubbish\r\n\r\n", b"400"),
        (b"GET /ws/driver HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", b"431"),
        (b"GET /ws/driver HTTP/1.1\r\nCookie: \xff=\x00;;=\r\n\r\n", b"401"),
    ],
    ids=["path", "method", "rubbish", "large", "cookie"],
)
async def test_request_that_is_none_is_answered_and_cut_off(
    any_web: Web, settings: Settings, feed: Feed, blobs: Blobs, head: bytes, status: bytes
) -> None:
    async with open_gateway(settings, any_web.db, feed, blobs, port=0) as opened:
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(opened))
        writer.write(head)
        async with asyncio.timeout(PATIENCE_S):
            answer = await reader.read()
        assert answer.split(b" ")[1] == status
        writer.close()


# What it bounds


async def test_message_in_parts_is_put_together_and_one_of_a_megabyte_in_parts_is_not(
    any_town: Town, any_web: Web
) -> None:
    device = await pair(any_town.db, await any_town.add_driver())
    async with calling(any_web, device, greet=False) as line:
        hello = encode(wrap(Hello(protocol=PROTOCOL_VERSION, app_version="test")))
        await line.socket.send([hello[:5], hello[5:20], hello[20:]])
        await line.manifest()
        with pytest.raises(ConnectionClosed):
            await line.socket.send(["x" * 65_536 for _ in range(16)])
            await line.socket.recv()
        assert line.socket.close_code == 1009


async def test_frame_that_says_to_be_compressed_ends_the_socket_and_is_never_unpacked(
    any_town: Town, any_web: Web
) -> None:
    device = await pair(any_town.db, await any_town.add_driver())
    for first in (b"\xc1", b"\xc2", b"\xa1", b"\x91"):
        async with calling(any_web, device) as line:
            line.socket.transport.write(first + b"\x84" + bytes(4) + b"\x4b\x04\x00\x00")
            assert (await line.ending())[0] == 1002


async def test_phone_that_floods_is_read_slowly_and_others_are_answered(
    any_town: Town, any_web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    flooder = await pair(any_town.db, await any_town.add_driver())
    other = await pair(any_town.db, await any_town.add_driver())
    async with calling(any_web, flooder) as flood, calling(any_web, other) as line:
        sending = asyncio.create_task(flood_with(flood, "{}" * 20_000))
        for _ in range(5):
            command = await line.say(SetShift(change="start", occurred_at=any_town.now))
            assert (await line.answer()) == Ack(envelope_ids=(command.id,))
        (held,) = [
            each
            for each in any_web.gateway.connections.phones()
            if each.session.device_id == flooder.device_id
        ]
        await until(lambda: not held.has_room() or held._is_paused)
        assert not sending.done()
        sending.cancel()


async def flood_with(line: Line, message: str) -> None:
    while True:
        await line.socket.send(message)


async def test_silent_socket_is_pinged_and_a_dead_one_is_dropped(
    any_town: Town, any_web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "TICK_S", 0.02)
    monkeypatch.setattr(sockets, "PING_AFTER_S", 5)
    monkeypatch.setattr(sockets, "REPLY_WITHIN_S", 5)
    alive = await pair(any_town.db, await any_town.add_driver())
    dead = await pair(any_town.db, await any_town.add_driver())
    phones = any_web.gateway.connections.phones
    async with calling(any_web, alive) as line, calling(any_web, dead) as gone:
        gone.socket.transport.pause_reading()
        await until(lambda: dead.device_id not in {each.session.device_id for each in phones()})
        assert alive.device_id in {each.session.device_id for each in phones()}
        await line.say(SetShift(change="start", occurred_at=any_town.now))
        await line.answer()
        gone.socket.transport.abort()


async def test_idle_phone_is_no_task_and_costs_few_bytes(any_town: Town, any_web: Web) -> None:
    count = 25
    devices = [await pair(any_town.db, await any_town.add_driver()) for _ in range(count)]
    async with AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(calling(any_web, each)) for each in devices]
        await until(lambda: all(p._working is None for p in any_web.gateway.connections.phones()))
        coroutines = {task.get_coro().__qualname__ for task in asyncio.all_tasks()}  # type: ignore[union-attr]
        assert not any(name.startswith(("Phone.", "Door.")) for name in coroutines)
        assert len(lines) == count


# Fixes


async def test_fixes_of_many_phones_are_stored_together_and_each_is_acknowledged(
    town: Town, web: Web
) -> None:
    devices = [await pair(town.db, await town.add_driver()) for _ in range(5)]
    async with AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(calling(web, each)) for each in devices]
        for number, line in enumerate(lines):
            await line.say(Fixes(fixes=tuple(fix(town, seq) for seq in range(1, number + 2))))
        for number, line in enumerate(lines):
            assert await line.answer() == Ack(fixes_through=number + 1)
        await lines[0].say(Fixes(fixes=(fix(town, 1),)))
        assert await lines[0].answer() == Ack(fixes_through=1)
    assert len(await stored(town.db)) == 15
    assert web.gateway.intake.stored == 15


async def test_metrics_tell_what_was_stored_and_only_at_the_gateways_own_port(
    town: Town, settings: Settings, feed: Feed, blobs: Blobs
) -> None:
    async with serving(settings, town.db, feed, blobs) as web:
        answer = await ask(web.port, "/metrics", "Upgrade: websocket\r\nConnection: Upgrade\r\n")
        assert answer.startswith("HTTP/1.1 404")
    device = await pair(town.db, await town.add_driver())
    async with open_gateway(settings, town.db, feed, blobs, port=0) as opened:
        port = port_of(opened)
        async with at_port(port, device) as line:
            await line.say(Fixes(fixes=(fix(town, 1), fix(town, 2))))
            await line.answer()
            told = await ask(port, "/metrics")
    assert "\npostrider_phones 1\n" in told
    assert "\npostrider_fixes_stored_total 2\n" in told


async def ask(port: int, path: str, headers: str = "") -> str:
    """The whole answer to a plain request."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())
    async with asyncio.timeout(PATIENCE_S):
        answer = await reader.read()
    writer.close()
    return answer.decode()


async def test_while_the_database_is_away_the_map_goes_on_and_nothing_is_acknowledged(
    town: Town,
    settings: Settings,
    feed: Feed,
    blobs: Blobs,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fix_intake, "PAUSE_S", 0.05)
    driver_id = await town.add_driver()
    device = await pair(town.db, driver_id)
    _, cookie = await sign_in_cookie(town.db)
    plain = town.db.engine.url.render_as_string(hide_password=False)
    async with cable_to(plain) as (cable, url):
        db = Database(url, feed=feed)
        async with (
            serving(settings, db, feed, blobs) as web,
            watching(web, cookie) as screen,
            calling(web, device) as line,
        ):
            await line.say(Fixes(fixes=(fix(town, 1),)))
            assert (await line.answer()).fixes_through == 1
            await shows(screen, driver_id, 1)
            cable.pull()
            for seq in range(2, 6):
                await line.say(Fixes(fixes=(fix(town, seq),)))
                await until(partial(_has_left_out, web, seq - 1))
                town.later(seconds=1)
            await shows(screen, driver_id, 2)
            cable.plug()
            # An acknowledgement covers all before it, so nothing behind the gap may be stored.
            await line.say(Fixes(fixes=(fix(town, 6),)))
            await until(lambda: web.gateway.intake.not_stored == 5)
            again = tuple(fix(town, seq) for seq in range(2, 7))
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    await line.say(Fixes(fixes=again))
                    with_patience = asyncio.wait_for(line.answer(), 0.5)
                    try:
                        answer = await with_patience
                        break
                    except TimeoutError:
                        continue
            assert answer.fixes_through == 6
        await db.close()
    assert await stored(town.db) == [1, 2, 3, 4, 5, 6]


async def test_what_came_while_fixes_before_it_could_not_be_stored_is_not_acknowledged(
    town: Town, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A phone that goes on sending: its acknowledgement covers all that came before."""
    monkeypatch.setattr(fix_intake, "PAUSE_S", 0.01)
    device = await pair(town.db, await town.add_driver())
    intake = web.gateway.intake
    is_storing, is_away = asyncio.Event(), asyncio.Event()

    async def lose_the_database(*_: object) -> None:
        is_storing.set()
        await is_away.wait()
        raise TimeoutError

    async with calling(web, device) as line:
        await line.say(Fixes(fixes=(fix(town, 1),)))
        assert (await line.answer()).fixes_through == 1
        with monkeypatch.context() as lost:
            lost.setattr(intake, "_ingest", lose_the_database)
            await line.say(Fixes(fixes=(fix(town, 2),)))
            await is_storing.wait()
            await line.say(Fixes(fixes=(fix(town, 3), fix(town, 4))))
            await until(lambda: bool(intake._phones))
        is_away.set()
        await until(lambda: intake.not_stored == 3)
        await line.say(Fixes(fixes=tuple(fix(town, seq) for seq in range(2, 5))))
        assert (await line.answer()).fixes_through == 4
    assert await stored(town.db) == [1, 2, 3, 4]


async def test_when_more_comes_than_is_stored_at_once_phones_have_their_turns(
    town: Town, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One transaction for all would take the longer the more wait, and be given up in the end."""
    monkeypatch.setattr(fix_intake, "PHONES_AT_ONCE", 2)
    devices = [await pair(town.db, await town.add_driver()) for _ in range(5)]
    intake = web.gateway.intake
    ingest, held, sizes = intake._ingest, asyncio.Event(), []

    async def wait_and_ingest(arrivals: Arrivals, received_at: datetime) -> Tick:
        sizes.append(len(arrivals.senders))
        await held.wait()
        return await ingest(arrivals, received_at)

    monkeypatch.setattr(intake, "_ingest", wait_and_ingest)
    async with AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(calling(web, each)) for each in devices]
        await lines[0].say(Fixes(fixes=(fix(town, 1),)))
        await until(lambda: bool(sizes))
        for line in lines:
            await line.say(Fixes(fixes=(fix(town, 2),)))
        await until(lambda: len(intake._phones) == len(lines))
        held.set()
        assert await lines[0].answer() == Ack(fixes_through=1)
        for line in lines:
            assert await line.answer() == Ack(fixes_through=2)
    assert sizes == [1, 2, 2, 1]


async def test_phone_that_says_more_than_is_stored_is_read_no_more_until_it_is(
    town: Town, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = await pair(town.db, await town.add_driver())
    intake = web.gateway.intake
    ingest, is_storing, held = intake._ingest, asyncio.Event(), asyncio.Event()

    async def wait_and_ingest(arrivals: Arrivals, received_at: datetime) -> Tick:
        is_storing.set()
        await held.wait()
        return await ingest(arrivals, received_at)

    monkeypatch.setattr(intake, "_ingest", wait_and_ingest)
    async with calling(web, device) as line:
        (phone,) = web.gateway.connections.phones()
        await line.say(Fixes(fixes=(fix(town, 1),)))
        await is_storing.wait()
        said = 1
        while not phone._is_paused:
            before = phone.waiting_bytes
            more = (fix(town, said + n) for n in range(1, 51))
            await line.say(Fixes(fixes=tuple(replace(each, taken_at=town.now) for each in more)))
            await until(lambda before=before: phone.waiting_bytes > before)
            said += 50
        last = replace(fix(town, said + 1), taken_at=town.now)
        await line.say(Fixes(fixes=(last,)))  # the network keeps it
        held.set()
        while (await line.answer()).fixes_through < said + 1:
            pass
    assert intake.not_stored == 0
    assert await stored(town.db) == list(range(1, said + 2))


async def test_while_more_waits_than_is_soon_stored_nobody_else_is_read(
    town: Town, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading takes the time in which it could be stored."""
    monkeypatch.setattr(fix_intake, "WAITING_BYTES_OF_ALL", 100)
    devices = [await pair(town.db, await town.add_driver()) for _ in range(2)]
    intake = web.gateway.intake
    ingest, is_storing, held = intake._ingest, asyncio.Event(), asyncio.Event()

    async def wait_and_ingest(arrivals: Arrivals, received_at: datetime) -> Tick:
        is_storing.set()
        await held.wait()
        return await ingest(arrivals, received_at)

    monkeypatch.setattr(intake, "_ingest", wait_and_ingest)
    async with calling(web, devices[0]) as first, calling(web, devices[1]) as second:
        await first.say(Fixes(fixes=(fix(town, 1),)))
        await is_storing.wait()
        await first.say(Fixes(fixes=(fix(town, 2),)))
        await until(lambda: len(intake._phones) == 1)
        await second.say(Fixes(fixes=(fix(town, 1),)))
        await until(lambda: len(intake._held) == 1)
        await second.say(Fixes(fixes=(fix(town, 2),)))  # the network keeps it
        assert intake._waiting_bytes == 2 * 64
        held.set()
        for line in (first, second):
            while (await line.answer()).fixes_through < 2:
                pass
    assert intake.not_stored == intake._waiting_bytes == 0


def _has_left_out(web: Web, count: int) -> bool:
    return web.gateway.intake.not_stored >= count


async def shows(screen: object, driver_id: object, seq: int) -> None:
    """The driver's marker stands where this fix was taken, or a later one."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            await screen.acknowledge(await screen.frame())  # type: ignore[attr-defined]
            found = screen.shown["drivers"].get(str(driver_id))  # type: ignore[attr-defined]
            if found is not None and found["position"][1] >= 47.14 + seq / 1e6 - 1e-9:
                return
