"""What the benches of the live path run on: services of their own, phones and screens that may
connect, and the programs that play them (tests/load/live)."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
from redis.asyncio import Redis
from sqlalchemy import text

from server.app.bench.conditions import parent_of
from server.app.migrate import migrate
from server.dispatch import service as dispatch
from server.identity import service as identity
from server.identity.access import Role
from server.identity.tokens import keyed_hash, new_token
from server.kit.db import Database
from server.kit.geo import Position
from server.kit.ids import new_id
from server.kit.services import start_services
from server.kit.settings import ROOT
from server.places import service as places

SOURCES = ROOT / "tests/load/live"
SCREENS = 50

COPIES = (
    """
    insert into person (id, email, name, role, active, must_change_password, created_at)
    select other.id, other.id || '@postrider.example', name, role, active, must_change_password,
        created_at
    from person as first, unnest(cast(:driver_ids as uuid[])) as other (id)
    where first.id = :driver_id
    """,
    """
    insert into driver (person_id, depot_id, skills, active, manifest_version)
    select other.id, depot_id, skills, active, manifest_version
    from driver, unnest(cast(:driver_ids as uuid[])) as other (id)
    where person_id = :driver_id
    """,
    """
    insert into device (id, driver_id, token_hash, model, paired_at, last_seen_at)
    select other.id, other.driver_id, other.token_hash, model, paired_at, last_seen_at
    from device as first, unnest(
        cast(:device_ids as uuid[]), cast(:driver_ids as uuid[]), cast(:token_hashes as text[])
    ) as other (id, driver_id, token_hash)
    where first.driver_id = :driver_id
    """,
)
"""One driver and phone come in by the front door; ten thousand would take two minutes, so the
others' rows are copies."""

READY_WITHIN_S = 60.0

Say = Callable[[str], None]


class Load(msgspec.Struct, frozen=True):
    """What the generator saw; see phones.c. answered_after_s: how long after the last
    frame all were answered, as far as they were. sent, acknowledged: of each phone, in order."""

    per_s: float
    us_each: float
    core_share: float
    generator_share: float
    lost: int
    p50_ms: float
    p99_ms: float
    answered_after_s: float
    sent: list[int]
    acknowledged: list[int]


class Shown(msgspec.Struct):
    """How old markers were when a screen had them; see screens.py."""

    p50_ms: float = 0.0
    p99_ms: float = 0.0
    markers: int = 0


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Services of the bench alone, and who may connect. credentials: of `devices`."""

    folder: Path
    environ: Mapping[str, str]
    devices: Sequence[identity.PairedDevice]
    credentials: Sequence[str]
    cookies: Sequence[str]
    redis_pid: int
    database_pid: int


@asynccontextmanager
async def open_machine(phones: int, say: Say) -> AsyncIterator[Machine]:
    with tempfile.TemporaryDirectory(prefix="postrider-live-") as name:
        folder = Path(name)
        services = await asyncio.to_thread(start_services, folder / "s", durable=True, say=say)
        try:
            compile_sources(folder)
            db = Database(services.database_url)
            await migrate(db)
            say(f"pairing {phones} phones ...")
            devices, cookies = await _invite(db, phones)
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
                devices=devices,
                credentials=[f"Bearer {each.token}" for each in devices],
                cookies=cookies,
                redis_pid=redis_pid,
                database_pid=database_pid,
            )
        finally:
            services.stop()


async def _invite(db: Database, phones: int) -> tuple[list[identity.PairedDevice], list[str]]:
    """Drivers with a phone each, and a dispatcher who is signed in on every screen."""
    async with db.transaction() as session:
        place = await places.create_place(session, "Depot", position=Position(9.52, 47.14))
        depot = await dispatch.create_depot(
            session, name="Depot", place_id=place.id, timezone="UTC", by="bench"
        )
        driver = await dispatch.create_driver(
            session,
            depot_id=depot.id,
            name="Driver",
            email="driver@postrider.example",
            by="bench",
        )
        code = await identity.create_pairing_code(session, driver.id, by="bench")
        first = await identity.pair_device(session, code, "bench", address="127.0.0.1")
        others = [
            identity.PairedDevice(new_id(), new_id(), new_token("pd_")) for _ in range(phones - 1)
        ]
        values = {
            "driver_ids": [each.driver_id for each in others],
            "device_ids": [each.device_id for each in others],
            "token_hashes": [keyed_hash(each.token) for each in others],
            "driver_id": first.driver_id,
        }
        for copying in COPIES:
            await session.execute(text(copying), values)
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
    return [first, *others], cookies


def compile_sources(folder: Path) -> None:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise SystemExit("The phones of this bench are written in C: install gcc.")
    for name in ("phones", "echo"):
        source = str(SOURCES / f"{name}.c")
        subprocess.run([compiler, "-O2", "-o", str(folder / name), source], check=True)


async def forget_fixes(machine: Machine) -> None:
    """Phones of a new round count from 1 again."""
    db = Database(machine.environ["DATABASE_URL"])
    async with db.transaction() as session:
        await session.execute(text("truncate tracked_device, live_position, fix"))
    await db.close()


def gateway_command(port: int) -> list[str]:
    return [sys.executable, "-m", "server", "gateway", "--port", str(port)]


@asynccontextmanager
async def running(
    command: Sequence[str], machine: Machine, port: int, **environ: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Until the block ends; it has begun when somebody listens at the port."""
    server = await asyncio.create_subprocess_exec(*command, env={**machine.environ, **environ})
    try:
        async with asyncio.timeout(READY_WITHIN_S):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                except OSError:
                    if server.returncode is not None:
                        raise RuntimeError(f"it ended at once: {' '.join(command)}") from None
                    await asyncio.sleep(0.05)
        yield server
    finally:
        if server.returncode is None:
            server.kill()
        await server.wait()


@asynccontextmanager
async def driving(
    machine: Machine, *words: str | int | float, screens: int = 0, patience_s: int = 8
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Phones of phones.c, once all are let in, and as many screens of their peer. words: see there.
    patience_s: so long they wait for what is still to be acknowledged at the end."""
    phones = await asyncio.create_subprocess_exec(
        str(machine.folder / "phones"),
        *map(str, (*words, screens, patience_s)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )
    try:
        assert phones.stdin is not None and phones.stdout is not None
        phones.stdin.write("\n".join([*machine.credentials, ""]).encode())
        phones.stdin.close()
        if await phones.stdout.readline() != b"ready\n":
            raise RuntimeError(f"the phones gave up: {' '.join(map(str, words))}")
        yield phones
    finally:
        if phones.returncode is None:
            phones.kill()
        await phones.wait()


async def load_of(phones: asyncio.subprocess.Process) -> Load:
    """What they have to tell at their end."""
    assert phones.stdout is not None
    said = await phones.stdout.readline()
    if await phones.wait() != 0:
        raise RuntimeError("the phones gave up")
    return msgspec.json.decode(said, type=Load)


@asynccontextmanager
async def watched(machine: Machine, port: int) -> AsyncIterator[Shown]:
    """SCREENS dispatchers who see everything, in a process of their own; what they saw is known
    when the block has ended."""
    watching = await asyncio.create_subprocess_exec(
        sys.executable,
        str(SOURCES / "screens.py"),
        str(port),
        env={**machine.environ, "COOKIES": "\n".join(machine.cookies)},
        stdout=asyncio.subprocess.PIPE,
    )
    shown = Shown()
    try:
        assert watching.stdout is not None
        async with asyncio.timeout(READY_WITHIN_S):
            await watching.stdout.readline()
        yield shown
        watching.terminate()
        found = msgspec.json.decode(await watching.stdout.readline(), type=Shown)
        for name in Shown.__struct_fields__:
            setattr(shown, name, getattr(found, name))
    finally:
        if watching.returncode is None:
            watching.kill()
        await watching.wait()


def memory_kb(process_id: int) -> int:
    status = Path(f"/proc/{process_id}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])
