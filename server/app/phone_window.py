"""The driver's app in a window of this machine, in the time of the server that it talks with.

`python -m server.app.phone_window FOLDER` shows the screens; with the number of a parent process
it is the background beside them, as on a phone.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from driver_app.background import work
from driver_app.core.driver import Driver
from driver_app.core.errors import PhoneError
from driver_app.core.https import NoAnswer, send_request
from driver_app.core.store import Store
from driver_app.device.desktop import make_device, start_background
from driver_app.device.ports import Device
from driver_app.screens.window import open_app
from server.app.simulation.phone import pace
from server.kit import clock
from server.kit.settings import ROOT

MODULE = "server.app.phone_window"
ANSWER_S = 5.0


async def run_driver(
    folder: Path, server_url: str | None, code: str | None, say: Callable[[str], None]
) -> int:
    """Open the app on the phone that `folder` is, paired with `code` if one is given."""
    if not can_open(say):
        return 2
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        server_url = await asyncio.to_thread(set_up_phone, folder, server_url, code)
    except PhoneError as error:
        say(str(error))
        return 1
    environ = {}
    if server_url and (text := await asyncio.to_thread(_ask_for_clock, server_url)):
        (folder / "clock").write_text(text)
        environ = clock.SharedClock(folder / "clock").environ
    window = await open_window(folder, environ)
    return await window.wait()


def can_open(say: Callable[[str], None]) -> bool:
    if find_spec("kivy") is None:
        say("the app's window needs Kivy, which is there for Python 3.12 and 3.13 only")
        return False
    return True


def set_up_phone(folder: Path, server_url: str | None, code: str | None) -> str | None:
    """Pair, or fill the server's address into the page that pairs. The server's address."""
    with closing(Store(folder)) as store:
        if server_url and code:
            Driver(store, device_model="desktop").pair(server_url, code)
        elif server_url and store.get_pairing() is None:
            store.put_setting("server_url", server_url)
        return store.get_setting("server_url")


async def open_window(folder: Path, environ: Mapping[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        MODULE,
        str(folder),
        cwd=ROOT,
        env={**os.environ, **environ, "PYTHONPATH": str(ROOT)},
    )


def _ask_for_clock(server_url: str) -> str | None:
    """How the server's time runs, when it is not real time: a demo's. None when nobody answers."""
    try:
        answer = send_request(
            "GET",
            f"{server_url}/api/health",
            b"",
            content_type="application/json",
            timeout_s=ANSWER_S,
        )
        text = json.loads(answer.body)["clock"]
        return str(clock.ScaledClock.parse(text)) if text else None
    except (NoAnswer, ValueError, KeyError, TypeError, AttributeError):
        return None


def _make_device(folder: Path) -> Device:
    device = make_device(folder, clock=clock.now, speed=clock.speed)
    return replace(device, start_background=partial(start_background, module=MODULE))


def main() -> None:
    folder = Path(sys.argv[1])
    with suppress(KeyboardInterrupt):  # Ctrl-C at the terminal from which the window was opened
        if len(sys.argv) > 2:
            parent = int(sys.argv[2])
            asyncio.run(work(folder, _make_device(folder), parent, pace(), clock.now))
        else:
            open_app(folder, _make_device(folder), clock.now)


if __name__ == "__main__":
    main()
