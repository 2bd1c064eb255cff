"""The whole system on one machine: services, schema, web, gateways and worker,
started and stopped together.

`postrider up` and `postrider demo` both stand on this.
"""

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from server.app.migrate import migrate
from server.app.processes import Child
from server.kit.db import Database
from server.kit.services import start_services
from server.kit.settings import Settings, read_settings

START_TIMEOUT_S = 60.0


class PortTaken(SystemExit):
    """Another program listens there already."""

    def __init__(self, host: str, port: int, reason: str) -> None:
        super().__init__(f"Port {port} of {host} cannot be used ({reason}). Choose another --port.")


class DidNotStart(SystemExit):
    """A process of ours does not answer; its log says why."""


@dataclass(frozen=True, slots=True)
class System:
    settings: Settings
    db: Database
    web: Child
    worker: Child
    gateways: tuple[Child, ...]


@asynccontextmanager
async def running_system(
    home: Path,
    *,
    durable: bool,
    environ: Mapping[str, str],
    say: Callable[[str], None],
    prepare: Callable[[Database], Awaitable[Mapping[str, str]]] | None = None,
    gateways: int = 2,
) -> AsyncIterator[System]:
    """Everything, until the block ends.

    home: where services, blobs and roads keep their data.
    environ: settings for the processes, beside those of this process's own environment.
    gateways: how many processes carry sockets; with two, one is there while the other starts.
    prepare: fills the migrated database before the processes start, and adds to their settings.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    wanted = {"POSTRIDER_SECRET": secret_of(home), **os.environ, **environ}
    wanted["POSTRIDER_DATA"] = str(home)
    os.environ["POSTRIDER_SECRET"] = wanted["POSTRIDER_SECRET"]  # this process makes codes too
    async with AsyncExitStack() as stack:
        services = await asyncio.to_thread(
            start_services, home / "services", durable=durable, say=say
        )
        stack.callback(services.stop)
        services.keep_running(say)
        wanted |= {"DATABASE_URL": services.database_url, "REDIS_URL": services.redis_url}
        settings = read_settings(wanted)
        db = Database(settings.database_url)
        stack.push_async_callback(db.close)
        say("bringing the database up to date ...")
        await migrate(db)
        if prepare is not None:
            wanted |= await prepare(db)
        web, worker = Child("web", environ=wanted), Child("worker", environ=wanted)
        # Mailboxes of gateways that were killed with their machine.
        for box in settings.gateways_dir.glob("*"):
            box.unlink()
        carriers = tuple(Child("gateway", environ=wanted) for _ in range(gateways))
        for child in (worker, *carriers, web):
            await child.start()
            stack.push_async_callback(child.stop)
        await _answers(settings, gateways)
        yield System(settings, db, web, worker, carriers)


async def _answers(settings: Settings, gateways: int) -> None:
    """Wait until the web process serves and has gateways for sockets: a phone that is refused one
    does without for minutes."""
    url = f"http://{settings.host}:{settings.port}/api/health"
    async with httpx.AsyncClient() as client:
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                while True:
                    try:
                        (await client.get(url)).raise_for_status()
                        if len(list(settings.gateways_dir.glob("*"))) >= gateways:
                            return
                        await asyncio.sleep(0.05)
                    except httpx.TransportError:
                        await asyncio.sleep(0.05)
        except TimeoutError:
            raise DidNotStart(f"The web process or a gateway does not answer at {url}.") from None


def secret_of(home: Path) -> str:
    """This installation's own secret, made on first use; never one to share between machines."""
    path = home / "secret"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32))
    return path.read_text()


def refuse_taken_port(host: str, port: int) -> None:
    """Before anything is started; else another program's answers would be taken for ours.

    Raises
    ------
    PortTaken
    """
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        raise PortTaken(host, port, error.strerror or str(error)) from None
