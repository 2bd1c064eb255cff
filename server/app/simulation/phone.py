"""A simulated driver's phone: the product's own core on a folder, and its sync beside it.

Run as a module it is the sync alone, which is how the background process of an app looks from
outside: it shares nothing with the screens but the file, and can be killed at any instruction.
"""

import asyncio
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from driver_app.core.driver import Driver
from driver_app.core.pace import Pace
from driver_app.core.store import Store
from driver_app.core.sync import Sync
from server.kit import clock
from server.kit.settings import ROOT

Clock = Callable[[], datetime]

HURRIED = Pace(
    poll_s=0.05,
    heartbeat_s=2,
    answer_s=10,
    lease_s=5,
    fix_wait_s=0.25,
    backoff_first_s=0.1,
    backoff_cap_s=1,
    post_every_s=0.5,
    socket_retry_s=1,
)
"""For a day that runs much faster than a real one."""
EVERYDAY_UP_TO_SPEED = 5


def pace() -> Pace:
    return HURRIED if clock.speed() > EVERYDAY_UP_TO_SPEED else Pace()


def wrong_by(error_s: float) -> Clock:
    """A phone's clock that is ahead of ours by `error_s` seconds."""
    return lambda: clock.now() + timedelta(seconds=error_s)


class Phone:
    """One phone: `driver` is what its screen can do. `start` and `kill` are about its sync.

    killable: run the sync as a process of its own.
    """

    def __init__(self, folder: Path, *, clock_error_s: float = 0.0, killable: bool = False) -> None:
        self._folder = folder
        self.clock_error_s = clock_error_s
        self._killable = killable
        self._task: asyncio.Task[None] | None = None
        self._process: asyncio.subprocess.Process | None = None
        self.store = Store(folder, fsync=killable)
        self.driver = Driver(self.store, clock=wrong_by(clock_error_s), device_model="simulated")

    def move_to(self, server_url: str) -> None:
        """Talk to the same server by another address from now on."""
        pairing = self.store.get_pairing()
        assert pairing is not None
        self.store.save_pairing(replace(pairing, server_url=server_url))

    async def start(self) -> None:
        """Let it talk with the server."""
        if self._killable:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                __name__,
                str(self._folder),
                str(self.clock_error_s),
                stdin=asyncio.subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        else:
            self._task = asyncio.create_task(make_sync(self.store, self.clock_error_s).run())

    async def kill(self) -> None:
        """End the sync without warning."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def restart_app(self) -> None:
        """The whole app is killed and opened again: nothing is left but the file."""
        await self.kill()
        self.store.close()
        self.store = Store(self._folder, fsync=self._killable)
        self.driver = Driver(
            self.store, clock=wrong_by(self.clock_error_s), device_model="simulated"
        )
        await self.start()

    async def close(self) -> None:
        await self.kill()
        self.store.close()


def make_sync(store: Store, clock_error_s: float) -> Sync:
    return Sync(store, clock=wrong_by(clock_error_s), pace=pace(), app_version="simulated")


async def main() -> None:
    """Sync the folder named on the command line until standard input ends."""
    folder, clock_error_s = Path(sys.argv[1]), float(sys.argv[2])
    sync = asyncio.create_task(make_sync(Store(folder), clock_error_s).run())
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    ended = asyncio.create_task(reader.read())
    await asyncio.wait({sync, ended}, return_when=asyncio.FIRST_COMPLETED)
    sync.cancel()
    with suppress(asyncio.CancelledError):
        await sync


if __name__ == "__main__":
    asyncio.run(main())
