"""Runs the processes of one machine side by side and starts again what dies.

A child that loses its supervisor, however that died, sees the end of its standard input and stops.
"""

import asyncio
import logging
import os
import signal
import sys
import threading
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping

from server.kit.settings import ROOT

log = logging.getLogger(__name__)

STOP_TIMEOUT_S = 15.0
HEALTHY_AFTER_S = 10.0


class Child:
    """One of our own commands, such as `web` or `worker`, kept running until `stop`."""

    def __init__(self, *arguments: str, environ: Mapping[str, str]) -> None:
        self.arguments = arguments
        self._environ = {**os.environ, **environ, "PYTHONPATH": str(ROOT), SUPERVISED: "1"}
        self._process: Process | None = None
        self._keeping: asyncio.Task[None] | None = None
        self.starts = 0
        self._started_s = 0.0
        self._quick_ends = 0

    @property
    def pid(self) -> int | None:
        """Of the process that runs now, or ran last."""
        return None if self._process is None else self._process.pid

    @property
    def is_broken(self) -> bool:
        """It ends again and again as soon as it is started."""
        return self._quick_ends >= 3

    async def start(self) -> None:
        await self._spawn()
        self._keeping = asyncio.create_task(self._keep_running())

    async def _spawn(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "server",
            *self.arguments,
            env=self._environ,
            stdin=PIPE,
            start_new_session=True,  # Ctrl-C is for us; we stop the children in good order
        )
        self.starts += 1
        self._started_s = time.monotonic()

    async def _keep_running(self) -> None:
        while True:
            assert self._process is not None
            code = await self._process.wait()
            log.warning("%s ended with code %s; starting it again", self.arguments[0], code)
            lived_s = time.monotonic() - self._started_s
            self._quick_ends = self._quick_ends + 1 if lived_s < HEALTHY_AFTER_S else 0
            await asyncio.sleep(min(0.2 * 2**self._quick_ends, 10))
            await self._spawn()

    def kill(self) -> None:
        """End it without warning, as a fault would; it is started again."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def stop(self) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            log.warning("%s did not stop; killing it", self.arguments[0])
            process.kill()
            await process.wait()


SUPERVISED = "POSTRIDER_SUPERVISED"


def stop_with_supervisor() -> None:
    """In a child: stop in good order once the supervisor is gone."""
    if not os.environ.pop(SUPERVISED, None):
        return

    def wait_for_end() -> None:
        # Not sys.stdin: its lock would be held by this thread when the interpreter ends.
        while os.read(0, 1024):
            continue
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait_for_end, name="supervisor watch", daemon=True).start()
