"""Children of a supervisor: started again when they die, and never left behind."""

import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest_asyncio

from server.app.processes import Child
from server.kit.services import Services
from server.kit.settings import ROOT
from tests.conftest import Databases

PATIENCE_S = 30

SUPERVISOR = """
import asyncio, os
from server.app.processes import Child

async def supervise():
    child = Child("worker", environ={})
    await child.start()
    print(child.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(supervise())
"""


@pytest_asyncio.fixture
async def environ(databases: Databases, services: Services) -> AsyncIterator[dict[str, str]]:
    name = await databases.copy()
    yield {"DATABASE_URL": databases.url(name), "REDIS_URL": services.redis_url}
    await databases.drop(name)


def has_ended(process: int, *, within_s: float) -> bool:
    """Of a process that need not be our child; `process` is what pidfd_open gave."""
    ended, _, _ = select.select([process], [], [], within_s)
    return bool(ended)


async def test_child_that_is_killed_is_started_again_and_ends_with_stop(
    environ: dict[str, str],
) -> None:
    child = Child("worker", environ=environ)
    await child.start()
    try:
        first = child.pid
        child.kill()
        async with asyncio.timeout(PATIENCE_S):
            while child.starts < 2:
                await asyncio.sleep(0.01)
        assert child.pid not in (None, first)
        assert not child.is_broken
        assert child.pid is not None
        second = os.pidfd_open(child.pid)
    finally:
        await child.stop()
    assert has_ended(second, within_s=0)
    os.close(second)
    assert child.starts == 2


async def test_child_that_ends_as_soon_as_it_is_started_is_known_to_be_broken() -> None:
    child = Child("worker", environ={"DATABASE_URL": "", "REDIS_URL": ""})
    await child.start()
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not child.is_broken:
                await asyncio.sleep(0.01)
    finally:
        await child.stop()


def test_child_ends_when_its_supervisor_is_killed(environ: dict[str, str]) -> None:
    supervisor = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR],
        cwd=ROOT,
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        text=True,
    )
    with supervisor:
        assert supervisor.stdout is not None
        child = os.pidfd_open(int(supervisor.stdout.readline()))
        assert not has_ended(child, within_s=0)
        supervisor.kill()
        assert has_ended(child, within_s=PATIENCE_S)
    os.close(child)
    assert supervisor.returncode == -signal.SIGKILL
