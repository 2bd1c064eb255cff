"""`postrider up`: the system for real use on this machine, until Ctrl-C."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

from server.app.pages import build_pages
from server.app.system import refuse_taken_port, running_system
from server.identity import service as identity
from server.kit.settings import refuse_open_door

Say = Callable[[str], None]


async def run_up(home: Path, *, host: str, port: int, gateways: int, say: Say) -> None:
    """Serve until told to stop. Data is kept in `home`, safe against a power cut."""
    refuse_open_door(host)
    refuse_taken_port(host, port)
    await asyncio.to_thread(build_pages, say)
    environ = {"POSTRIDER_HOST": host, "POSTRIDER_PORT": str(port)}
    if "POSTRIDER_BASE_URL" not in os.environ:
        environ["POSTRIDER_BASE_URL"] = f"http://{host}:{port}"
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running_system(
        home, durable=True, environ=environ, gateways=gateways, say=say
    ) as system:
        async with system.db.transaction() as session:
            admin = await identity.ensure_first_admin(session)
        if admin is not None:
            email, password = admin
            say(f"first sign-in: {email} with the one-time password {password}")
        say(f"serving at {system.settings.base_url}")
        await stop.wait()
        say("stopping ...")
