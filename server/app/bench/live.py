"""What the live path costs: CPU of the server's own process for each fix, at the same offered rate
in the same run, beside others with the same task.

The phones are one thread of C (tests/load/live/phones.c), on the same machine; the share of a core
that it used is in the figures, because a generator that is busy all the time measures itself.
"""

import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec
from redis.asyncio import Redis
from sqlalchemy import text
from websockets.asyncio.client import connect

from server.app.bench.conditions import Conditions, conditions_now, cpu_s_of, parent_of
from server.app.bench.fanout import measure_fanout
from server.app.bench.storing import measure_storing
from server.app.migrate import migrate
from server.app.system import free_port
from server.dispatch import service as dispatch
from server.identity import service as identity
from server.identity.access import Role
from server.kit.db import Database
from server.kit.geo import Position
from server.kit.services import start_services
from server.kit.settings import ROOT
from server.places import service as places

SOURCES = ROOT / "tests/load/live"
SCREENS = 50
IDLE_S = 4.0
SIDES = (
    "kernel echo",
    "websockets",
    "bare gateway",
    "whole path",
    "websockets, each awaited",
    "bare gateway, each awaited",
)
"""Phones go on sending and hear every two seconds what is stored, as the protocol has it; those of
the sides at the end wait for an answer to each frame, as the kernel's echo gives one."""

READY_WITHIN_S = 60.0

Say = Callable[[str], None]


class Load(msgspec.Struct, frozen=True):
    """What the generator saw; see phones.c."""

    per_s: float
    us_each: float
    core_share: float
    generator_share: float
    lost: int
    p50_ms: float
    p99_ms: float


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """Medians of the rounds. us_each: CPU microseconds of the process for each fix.
    database_us_each, redis_us_each: those of the services beside it."""

    name: str
    us_each: float
    per_s: float
    p50_ms: float
    p99_ms: float
    generator_share: float
    lost: int
    database_us_each: float = 0.0
    redis_us_each: float = 0.0


class Ratio(msgspec.Struct, frozen=True, kw_only=True):
    """wanted, found: how many times as cheap the first is as the second."""

    what: str
    wanted: float
    found: float
    is_met: bool


class LiveFigures(msgspec.Struct, kw_only=True):
    """stored_us_each, inserted_us_each: see storing. conflated_ns_each, json_ns_each: see fanout,
    for each fix and screen. idle_kb: memory of the gateway for one more
    connected phone that says nothing."""

    conditions: Conditions
    phones: int
    offered_per_s: int
    rounds: int
    sides: list[Side]
    ratios: list[Ratio]
    stored_us_each: float
    inserted_us_each: float
    conflated_ns_each: float
    json_ns_each: float
    idle_kb: float
    idle_is_met: bool

    def wrong(self) -> list[str]:
        """The figures that are not as good as they have to be."""
        missed = [each.what for each in self.ratios if not each.is_met]
        return missed if self.idle_is_met else [*missed, "memory of an idle phone"]


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Services of the bench alone, and who may connect."""

    folder: Path
    environ: Mapping[str, str]
    credentials: Sequence[str]
    cookies: Sequence[str]
    redis_pid: int
    database_pid: int


async def measure_live(
    *, phones: int, rate: int, seconds: int, rounds: int, say: Say
) -> LiveFigures:
    """Every side in turn, `rounds` times."""
    async with _machine(phones, say) as machine:
        _compile(machine.folder)
        found: dict[str, list[Side]] = {}
        for number in range(rounds):
            for name in SIDES:
                say(f"round {number + 1} of {rounds}: {name} ...")
                side = await _measure_side(machine, name, phones, rate, seconds)
                found.setdefault(name, []).append(side)
        idle_kb = await _measure_idle(machine, phones, say)
        say("storing by the tick and one by one ...")
        db = Database(machine.environ["DATABASE_URL"])
        by_tick, one_by_one = await measure_storing(db)
        await db.close()
        say("telling screens ...")
        conflated_ns, json_ns = measure_fanout(SCREENS)
    sides = [_median(name, each) for name, each in found.items()]
    us = {side.name: side.us_each for side in sides}
    ratios = [
        _ratio("bare gateway against the kernel", 0.55, us["kernel echo"] / us["bare gateway"]),
        _ratio("bare gateway against websockets", 2.8, us["websockets"] / us["bare gateway"]),
        _ratio("whole path, 50 screens, against bare", 0.75, us["bare gateway"] / us["whole path"]),
        _ratio("storing by the tick against one INSERT each", 25, one_by_one / by_tick),
        _ratio("conflated fan-out against JSON", 200, json_ns / conflated_ns),
    ]
    return LiveFigures(
        conditions=conditions_now(),
        phones=phones,
        offered_per_s=rate,
        rounds=rounds,
        sides=sides,
        ratios=ratios,
        stored_us_each=by_tick,
        inserted_us_each=one_by_one,
        conflated_ns_each=conflated_ns,
        json_ns_each=json_ns,
        idle_kb=idle_kb,
        idle_is_met=idle_kb <= 20,
    )


def _ratio(what: str, wanted: float, found: float) -> Ratio:
    return Ratio(what=what, wanted=wanted, found=round(found, 2), is_met=found >= wanted)


def _median(name: str, rounds: Sequence[Side]) -> Side:
    numbers = {
        field: round(statistics.median(getattr(each, field) for each in rounds), 2)
        for field in Side.__struct_fields__
        if field not in ("name", "lost")
    }
    return Side(name=name, lost=sum(each.lost for each in rounds), **numbers)


@asynccontextmanager
async def _machine(phones: int, say: Say) -> AsyncIterator[Machine]:
    with tempfile.TemporaryDirectory(prefix="postrider-live-") as name:
        folder = Path(name)
        services = await asyncio.to_thread(start_services, folder / "s", durable=True, say=say)
        try:
            db = Database(services.database_url)
            await migrate(db)
            say(f"pairing {phones} phones ...")
            credentials, cookies = await _invite(db, phones)
            async with db.transaction() as session:
                child = await session.scalar(text("select pg_backend_pid()"))
                database_pid = parent_of(int(child or 0))
            await db.close()
            redis = Redis.from_url(services.redis_url)
            redis_pid = int((await redis.info("server"))["process_id"])
            await redis.aclose()
            yield Machine(
                folder=folder,
                environ={
                    **os.environ,
                    "PYTHONPATH": str(ROOT),
                    "DATABASE_URL": services.database_url,
                    "REDIS_URL": services.redis_url,
                    "POSTRIDER_DATA": str(folder),
                },
                credentials=credentials,
                cookies=cookies,
                redis_pid=redis_pid,
                database_pid=database_pid,
            )
        finally:
            services.stop()


async def _invite(db: Database, phones: int) -> tuple[list[str], list[str]]:
    """Drivers with a phone each, and a dispatcher who is signed in on every screen."""
    credentials = []
    async with db.transaction() as session:
        place = await places.create_place(session, "Depot", position=Position(9.52, 47.14))
        depot = await dispatch.create_depot(
            session, name="Depot", place_id=place.id, timezone="UTC", by="bench"
        )
        for number in range(phones):
            driver = await dispatch.create_driver(
                session,
                depot_id=depot.id,
                name=f"Driver {number}",
                email=f"driver{number}@postrider.example",
                by="bench",
            )
            code = await identity.create_pairing_code(session, driver.id, by="bench")
            paired = await identity.pair_device(session, code, "bench", address="127.0.0.1")
            credentials.append(f"Bearer {paired.token}")
        person = await identity.create_person(
            session,
            name="Dee",
            email="dee@postrider.example",
            role=Role.DISPATCHER,
            by="bench",
        )
        cookies = [
            f"{identity.SESSION_COOKIE}={(await identity.open_session(session, person.id)).token}"
            for _ in range(SCREENS)
        ]
    return credentials, cookies


def _compile(folder: Path) -> None:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise SystemExit("The phones of this bench are written in C: install gcc.")
    for name in ("phones", "echo"):
        source = str(SOURCES / f"{name}.c")
        subprocess.run([compiler, "-O2", "-o", str(folder / name), source], check=True)


async def _measure_side(machine: Machine, name: str, phones: int, rate: int, seconds: int) -> Side:
    port = free_port()
    python, here = sys.executable, str(SOURCES)
    library, gateway = f"{here}/library.py", f"{here}/bare_gateway.py"
    kind, command = {
        "kernel echo": ("tcp", [str(machine.folder / "echo"), str(port)]),
        "websockets": ("ws-stream", [python, library, str(port)]),
        "websockets, each awaited": ("ws", [python, library, str(port)]),
        "bare gateway": ("stream", [python, gateway, str(port)]),
        "bare gateway, each awaited": ("gateway", [python, gateway, str(port)]),
        "whole path": ("stream", [python, "-m", "server", "gateway", "--port", str(port)]),
    }[name]
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(_running(command, machine, port))
        if name.startswith("whole"):
            await _clear(machine)
            await stack.enter_async_context(_watched(machine, port))
        before = cpu_s_of(machine.database_pid), cpu_s_of(machine.redis_pid)
        words = (kind, port, phones, rate, seconds, server.pid)
        load = await _drive(machine, *map(str, words))
        after = cpu_s_of(machine.database_pid), cpu_s_of(machine.redis_pid)
    messages = max(
        load.per_s * (seconds + 2), 1
    )  # the services' CPU is read around the warm-up too
    whole = name.startswith("whole")
    return Side(
        name=name,
        us_each=load.us_each,
        per_s=load.per_s,
        p50_ms=load.p50_ms,
        p99_ms=load.p99_ms,
        generator_share=load.generator_share,
        lost=load.lost,
        database_us_each=(after[0] - before[0]) * 1e6 / messages if whole else 0.0,
        redis_us_each=(after[1] - before[1]) * 1e6 / messages if whole else 0.0,
    )


async def _clear(machine: Machine) -> None:
    """Phones of a new round count from 1 again."""
    db = Database(machine.environ["DATABASE_URL"])
    async with db.transaction() as session:
        await session.execute(text("truncate tracked_device, live_position, fix"))
    await db.close()


@asynccontextmanager
async def _running(
    command: Sequence[str], machine: Machine, port: int
) -> AsyncIterator[asyncio.subprocess.Process]:
    server = await asyncio.create_subprocess_exec(*command, env=machine.environ)
    try:
        async with asyncio.timeout(READY_WITHIN_S):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                except OSError:
                    await asyncio.sleep(0.05)
        yield server
    finally:
        if server.returncode is None:
            server.kill()
        await server.wait()


async def _drive(machine: Machine, *words: str) -> Load:
    generator = await asyncio.create_subprocess_exec(
        str(machine.folder / "phones"),
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await generator.communicate("\n".join([*machine.credentials, ""]).encode())
    if generator.returncode != 0:
        raise RuntimeError(f"the phones gave up: {' '.join(words)}")
    return msgspec.json.decode(said, type=Load)


@asynccontextmanager
async def _watched(machine: Machine, port: int) -> AsyncIterator[None]:
    """SCREENS dispatchers who see everything, in a process of their own."""
    watching = await asyncio.create_subprocess_exec(
        sys.executable,
        str(SOURCES / "screens.py"),
        str(port),
        env={**machine.environ, "COOKIES": "\n".join(machine.cookies)},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert watching.stdout is not None
        async with asyncio.timeout(READY_WITHIN_S):
            await watching.stdout.readline()
        yield
    finally:
        if watching.returncode is None:
            watching.kill()
        await watching.wait()


async def _measure_idle(machine: Machine, phones: int, say: Say) -> float:
    """Kilobytes that the gateway grows by for each phone that is only there."""
    say("phones that are only there ...")
    port = free_port()
    command = [sys.executable, "-m", "server", "gateway", "--port", str(port)]
    async with _running(command, machine, port) as server:
        first = {"Authorization": machine.credentials[0]}
        async with connect(f"ws://127.0.0.1:{port}/ws/driver", additional_headers=first):
            pass  # what one connection makes for all is not counted
        before_kb = _memory_kb(server.pid)
        idle = await asyncio.create_subprocess_exec(
            str(machine.folder / "phones"),
            *("gateway", str(port), str(phones), "0", str(IDLE_S), "0"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert idle.stdin is not None and idle.stdout is not None
        idle.stdin.write("\n".join([*machine.credentials, ""]).encode())
        await idle.stdin.drain()
        await idle.stdout.readline()
        await asyncio.sleep(IDLE_S / 2)
        grown_kb = _memory_kb(server.pid) - before_kb
        await idle.wait()
    return round(grown_kb / phones, 1)


def _memory_kb(process_id: int) -> int:
    status = Path(f"/proc/{process_id}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])
