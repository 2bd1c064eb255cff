"""PostgreSQL, Redis, the network and the disk taken away and given back."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

from redis.asyncio import Redis
from sqlalchemy import text

from server.app.bench.conditions import parent_of
from server.app.bench.witness import Witness
from server.app.processes import Child
from server.app.system import System
from server.kit import clock
from server.kit.db import AWAY, Database

WATCHED_S = 3.0
"""So long those are watched who must not be disturbed by what is over at once."""

FULL_DISK_S = 10.0
JUMP = timedelta(hours=1)
THIRD = 3

OWN_MOUNTS = "POSTRIDER_OWN_MOUNTS"
DISK_BYTES = 2 * 1024**3
PIECE_BYTES = 1024**2


class Outages:
    """Each of them is a row of `postrider bench faults`, and gives back a note on what it saw, that
    begins with WRONG when it could not even be tried."""

    def __init__(
        self,
        system: System,
        people: Sequence[Witness],
        *,
        cut_off: Sequence[Witness],
        cable: "Cable",
        disk: "SmallDisk | None",
        shared_clock: clock.SharedClock,
    ) -> None:
        self._system = system
        self._people = people
        self._cable = cable
        self._disk = disk
        self._clock = shared_clock
        self.not_cut_off = [each for each in people if each not in cut_off]

    async def kill(self, child: Child) -> str:
        """It is started again by its supervisor."""
        child.kill()
        await asyncio.sleep(WATCHED_S)
        return ""

    async def kill_redis(self) -> str:
        os.kill(await redis_pid(self._system.settings.redis_url), signal.SIGKILL)
        await asyncio.sleep(WATCHED_S)
        return ""

    async def kill_database(self) -> str:
        os.kill(await database_pid(self._system.db), signal.SIGKILL)
        await asyncio.sleep(WATCHED_S)
        return ""

    async def take_down_redis(self, seconds: float) -> str:
        await take_down(await redis_pid(self._system.settings.redis_url), seconds)
        return ""

    async def take_down_database(self, seconds: float) -> str:
        await take_down(await database_pid(self._system.db), seconds)
        return ""

    async def freeze_redis(self, seconds: float) -> str:
        await freeze([await redis_pid(self._system.settings.redis_url)], seconds)
        return ""

    async def freeze_database(self, seconds: float) -> str:
        main = await database_pid(self._system.db)
        await freeze([main, *children_of(main)], seconds)
        return ""

    async def cut_off(self, seconds: float) -> str:
        """Those who come by the cable."""
        self._cable.cut()
        try:
            await asyncio.sleep(seconds)
        finally:
            self._cable.mend()
        return ""

    async def fill_disk(self) -> str:
        """Every commit needs room on it, and so does the log of what was committed."""
        if self._disk is None:
            return "WRONG: no small file system can be mounted here (unshare, tmpfs)"
        answered = sum(each.through for each in self._people)
        await asyncio.to_thread(self._disk.fill)
        try:
            await asyncio.sleep(FULL_DISK_S / 2)
            stored = sum(each.through for each in self._people) - answered
            with suppress(*AWAY):
                async with (
                    asyncio.timeout(FULL_DISK_S / 2),
                    self._system.db.transaction() as session,
                ):
                    await session.execute(text("select pg_switch_wal()"))
            await asyncio.sleep(FULL_DISK_S / 2)
        finally:
            self._disk.empty()
        return f"{stored} fixes were stored before no room was left"

    async def jump_phones(self) -> str:
        """Forth and back: fixes are told apart by their numbers, never by their times."""
        third = self._people[::THIRD]
        for error in (JUMP, timedelta()):
            for witness in third:
                witness.clock_error = error
            await asyncio.sleep(WATCHED_S)
        return ""

    async def jump_servers(self) -> str:
        for moment in (JUMP, timedelta()):
            self._clock.set(clock.real_now() + moment, 1.0)
            await asyncio.sleep(WATCHED_S)
        return ""


async def database_pid(db: Database) -> int:
    async with db.transaction() as session:
        return parent_of(int(await session.scalar(text("select pg_backend_pid()")) or 0))


async def redis_pid(url: str) -> int:
    redis = Redis.from_url(url)
    try:
        return int((await redis.info("server"))["process_id"])
    finally:
        await redis.aclose()


async def take_down(process_id: int, seconds: float) -> None:
    """End a server, and its keeper does not hear of it before."""
    keeper = parent_of(process_id)
    os.kill(keeper, signal.SIGSTOP)
    try:
        os.kill(process_id, signal.SIGKILL)
        await asyncio.sleep(seconds)
    finally:
        os.kill(keeper, signal.SIGCONT)


async def freeze(process_ids: list[int], seconds: float) -> None:
    """Silent, but with every connection open: worse than gone, because nothing fails."""
    for each in process_ids:
        with suppress(ProcessLookupError):
            os.kill(each, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        for each in process_ids:
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGCONT)


class Cable:
    """A way to a port of this machine that can be cut: then nothing comes through and nobody is
    told, as when a phone drives into a tunnel."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.Task[None]] = set()
        self._is_whole = asyncio.Event()
        self._is_whole.set()

    async def open(self) -> int:
        """The port at its other end."""
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for line in self._lines:
            line.cancel()
        await asyncio.gather(*self._lines, return_exceptions=True)

    def cut(self) -> None:
        self._is_whole.clear()

    def mend(self) -> None:
        self._is_whole.set()

    async def _connect(self, near: asyncio.StreamReader, to_near: asyncio.StreamWriter) -> None:
        try:
            far, to_far = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:  # whom it leads to is away, so that is what is heard at this end
            to_near.close()
            return
        for reader, writer in ((near, to_far), (far, to_near)):
            line = asyncio.create_task(self._carry(reader, writer))
            self._lines.add(line)
            line.add_done_callback(self._lines.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while said := await reader.read(1 << 16):
                await self._is_whole.wait()
                writer.write(said)
                await writer.drain()
        writer.close()


class SmallDisk:
    """A file system in memory that is small enough to fill."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ballast = folder / "ballast"

    @contextmanager
    def mounted(self) -> Iterator["SmallDisk | None"]:
        """None where this machine does not let us."""
        self._folder.mkdir(parents=True)
        options = f"size={DISK_BYTES},mode=700"
        command = ["mount", "-t", "tmpfs", "-o", options, "postrider", str(self._folder)]
        if OWN_MOUNTS not in os.environ or not _succeeds(command):
            yield None
            return
        try:
            yield self
        finally:
            _succeeds(["umount", "--lazy", str(self._folder)])

    def fill(self) -> None:
        """To the last byte."""
        with self._ballast.open("wb", buffering=0) as file, suppress(OSError):
            free_bytes = shutil.disk_usage(self._folder).free
            with suppress(OSError):
                os.posix_fallocate(file.fileno(), 0, free_bytes)
            file.seek(0, os.SEEK_END)
            while file.write(bytes(PIECE_BYTES)):
                pass

    def empty(self) -> None:
        self._ballast.unlink(missing_ok=True)


def move_to_own_mounts() -> None:
    """Start this program anew where what it mounts is seen by itself and its children only, and
    ends with them. It goes on as it is where the machine does not allow that."""
    command = ["unshare", "--mount"]
    if os.geteuid() != 0:
        command += ["--user", "--map-root-user"]
    if OWN_MOUNTS in os.environ or not shutil.which("unshare") or not _succeeds([*command, "true"]):
        return
    os.environ[OWN_MOUNTS] = "1"
    os.execvp(command[0], [*command, sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - ourselves


def children_of(process_id: int) -> list[int]:
    found = Path(f"/proc/{process_id}/task/{process_id}/children").read_text()
    return [int(each) for each in found.split()]


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0
