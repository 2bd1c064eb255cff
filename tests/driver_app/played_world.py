"""What a played phone stands in: a storage that can be full, and a server with a town."""

import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

from server.kit import clock
from server.kit.blobs import Blobs
from server.kit.db import Database
from server.kit.feed import Feed
from server.kit.services import start_services
from server.kit.settings import ROOT, Settings
from tests.conftest import Databases
from tests.server.dispatch.conftest import Town
from tests.server.live.web_process import Web, serving

DISK_BYTES = 96 * 2**20


class Disk:
    """The phone's storage, which something else can fill."""

    def __init__(self, path: Path, *, bounded: bool) -> None:
        self.path, self.bounded = path, bounded

    def fill(self) -> None:
        with (self.path / "films").open("wb", buffering=0) as file:
            try:
                while file.write(bytes(65536)):
                    pass
            except OSError:
                return

    def free(self) -> None:
        (self.path / "films").unlink(missing_ok=True)


@contextmanager
def small_disk(path: Path) -> Iterator[Disk]:
    """A tmpfs where we may mount one, else a folder that never is full."""
    path.mkdir()
    size = f"size={DISK_BYTES}"
    mounting = ["mount", "-t", "tmpfs", "-o", size, "postrider", str(path)]
    mounted = os.geteuid() == 0 and _succeeds(mounting)
    try:
        yield Disk(path, bounded=mounted)
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(path)], check=True)


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


@asynccontextmanager
async def a_server(home: Path) -> AsyncIterator[tuple[Town, Web, Blobs]]:
    """A town on a Monday, in a database of its own, and its web process."""
    with ExitStack() as stack:
        for number in range(100):
            services = start_services(ROOT / f".postrider/tests/{number}", durable=False)
            if not services.guest:
                break
        stack.enter_context(services)
        databases = Databases(services)
        await databases.make_template()
        name = await databases.copy()
        feed = Feed(services.redis_url)
        db = Database(databases.url(name), pool_size=20, feed=feed)
        town = Town(db)
        stack.enter_context(clock.running(lambda: town.now))
        await town.found()
        settings = Settings(
            database_url=services.database_url, redis_url=services.redis_url, data_dir=home
        )
        blobs = Blobs(settings.blobs_dir)
        async with serving(settings, db, feed, blobs) as web:
            yield town, web, blobs
        await feed.close()
        await db.close()
        await databases.drop(name)
