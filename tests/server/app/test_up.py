"""`postrider up` from the first start to the last: as a person at a terminal sees it."""

import asyncio
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from server.kit.ports import free_port
from server.kit.settings import ROOT

START_S = 180
"""The first start of all may have to build the page."""

STOP_S = 40


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that every account of the machine can enter: PostgreSQL does not run as root."""
    folder = Path(tempfile.mkdtemp(prefix="postrider-up-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@asynccontextmanager
async def up(home: Path, port: int) -> AsyncIterator[list[str]]:
    """What it said until it served; it is stopped as a service manager does it."""
    ours = ("DATABASE_URL", "REDIS_URL", "POSTRIDER_")
    inherited = {name: each for name, each in os.environ.items() if not name.startswith(ours)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server", "up", "--port", str(port), "--gateways", "1"),
        cwd=ROOT,
        env={**inherited, "POSTRIDER_HOME": str(home)},
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    said: list[str] = []
    try:
        async with asyncio.timeout(START_S):
            while not any("serving at" in line for line in said):
                said.append((await process.stderr.readline()).decode())
                assert said[-1], f"it ended: {said}"
        yield said
    finally:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STOP_S):
            rest, _ = await asyncio.gather(process.stderr.read(), process.wait())
    assert process.returncode == 0, rest.decode()
    assert b"stopping" in rest
    assert b"Traceback" not in rest


def processes_of(home: Path) -> list[str]:
    """The command lines of all processes that work in that folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            environ = (process / "environ").read_bytes()
        except OSError:
            continue  # it ended, or is another account's
        if str(home).encode() in command + environ:
            found.append(command.replace(b"\0", b" ").decode())
    return found


async def test_up_greets_its_first_admin_once_serves_and_stops_without_a_trace(home: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with up(home, port) as said, httpx.AsyncClient(base_url=url) as browser:
        assert any(url in line for line in said)
        (line,) = (line for line in said if "one-time password" in line)
        match = re.search(r"first sign-in: (\S+) with the one-time password (\S+)", line)
        assert match is not None
        email, password = match.groups()
        health = (await browser.get("/api/health")).json()
        assert (health["database"], health["redis"]) == (True, True)
        assert "Postrider" in (await browser.get("/dispatch")).text
        credentials = {"email": email, "password": password}
        signed_in = await browser.post("/api/login", json=credentials)
        assert signed_in.status_code == 200
        assert len(processes_of(home)) >= 4
    assert processes_of(home) == []

    async with up(home, port) as said, httpx.AsyncClient(base_url=url) as browser:
        assert not any("password" in line for line in said)
        again = await browser.post("/api/login", json=credentials)
        assert again.status_code == 200
    assert processes_of(home) == []
