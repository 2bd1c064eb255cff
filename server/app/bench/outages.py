"""PostgreSQL and Redis taken away and brought back, as an operator's supervisor would: the private
services of this machine have a keeper that ends them, and none that starts them again."""

import asyncio
import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from redis.asyncio import Redis
from sqlalchemy import text

from server.app.bench.conditions import parent_of
from server.kit.db import Database
from server.kit.services.keeper import Account

GONE_WITHIN_S = 20.0


async def database_pid(db: Database) -> int:
    async with db.transaction() as session:
        return parent_of(int(await session.scalar(text("select pg_backend_pid()")) or 0))


async def redis_pid(url: str) -> int:
    redis = Redis.from_url(url)
    try:
        return int((await redis.info("server"))["process_id"])
    finally:
        await redis.aclose()


async def kill_database(db: Database) -> subprocess.Popen[bytes]:
    """kill -9 the whole of it, then start it again on what it had written."""
    main = await database_pid(db)
    command = Path(f"/proc/{main}/cmdline").read_bytes().rstrip(b"\0").split(b"\0")
    return await _kill_and_start(main, command)


async def kill_redis(url: str) -> subprocess.Popen[bytes]:
    """kill -9, then start it again with nothing in it."""
    redis = Redis.from_url(url)
    server = await redis.info("server")
    settings = await redis.config_get("*")
    await redis.aclose()
    command = [str(server["executable"]), "--save", "", "--appendonly", "no"]
    for name in ("port", "bind", "dir", "requirepass"):
        command += [f"--{name}", *value.split()] if (value := settings.get(name)) else []
    return await _kill_and_start(int(server["process_id"]), [each.encode() for each in command])


async def freeze(process_ids: list[int], seconds: float) -> None:
    """Silent, but with every connection open: worse than gone, because nothing fails."""
    for each in process_ids:
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
        far, to_far = await asyncio.open_connection("127.0.0.1", self._port)
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


def children_of(process_id: int) -> list[int]:
    found = Path(f"/proc/{process_id}/task/{process_id}/children").read_text()
    return [int(each) for each in found.split()]


async def _kill_and_start(process_id: int, command: list[bytes]) -> subprocess.Popen[bytes]:
    # Redis writes its title over its environment, so that of its keeper is taken.
    keeper = Path(f"/proc/{parent_of(process_id)}/environ")
    lines = keeper.read_bytes().decode().split("\0")
    environ = dict(line.split("=", 1) for line in lines if "=" in line)
    family = [process_id, *children_of(process_id)]
    os.kill(process_id, signal.SIGKILL)
    async with asyncio.timeout(GONE_WITHIN_S):
        while any(_is_running(each) for each in family):
            await asyncio.sleep(0.05)
    return Account.choose().open_process(
        [each.decode() for each in command], environ, Path(os.devnull)
    )


def _is_running(process_id: int) -> bool:
    try:
        stat = Path(f"/proc/{process_id}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
