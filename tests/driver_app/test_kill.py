"""kill -9 of the screens' process and of the background process, at any moment, again and again."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from driver_app.core.driver import Driver
from driver_app.core.store import Store
from server.protocol.from_driver import CompleteTask, Fix
from tests.driver_app.phones import (
    AFTER_A_KILL,
    make_manifest,
    pairing_with,
    send_all,
    until,
)
from tests.driver_app.reference_server import ReferenceServer

REPO = Path(__file__).parents[2]

SCREENS = """
import os, sys
from driver_app.core.driver import Driver, Evidence, File
from driver_app.core.store import Store
driver = Driver(Store(sys.argv[1]))
for number in range(int(sys.argv[2]), 10**9):
    photo = File(content=os.urandom(20_000))
    command = driver.complete(f"T{number}", "delivered", Evidence(photos=(photo,)))
    fix = driver.record_fix(9.5, 47.1, 5)
    print(command, fix.seq, flush=True)
"""

BACKGROUND = """
import asyncio, sys
from driver_app.core.store import Store
from driver_app.core.sync import Sync
from tests.driver_app.phones import AFTER_A_KILL
asyncio.run(Sync(Store(sys.argv[1]), pace=AFTER_A_KILL).run())
"""


async def start(script: str, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        script,
        *arguments,
        cwd=REPO,
        env={**os.environ, "PYTHONPATH": str(REPO)},
        stdout=asyncio.subprocess.PIPE,
    )


async def kill(process: asyncio.subprocess.Process) -> bytes:
    process.send_signal(signal.SIGKILL)
    assert process.stdout is not None
    rest = await process.stdout.read()
    await process.wait()
    return rest


async def test_kill_9_of_either_process_loses_nothing_and_doubles_nothing(
    tmp_path: Path, server: ReferenceServer
) -> None:
    account = server.add_driver("token", make_manifest(version=1, stops=5))
    store = Store(tmp_path)
    store.save_pairing(pairing_with(server.url, "token"))
    store.put_setting("shift", "on")
    saved: list[tuple[str, int]] = []
    background = await start(BACKGROUND, str(tmp_path))
    for round_number in range(6):
        screens = await start(SCREENS, str(tmp_path), str(1000 * round_number))
        assert screens.stdout is not None
        lines = [await screens.stdout.readline() for _ in range(4 + 3 * round_number)]
        lines += (await kill(screens)).splitlines(keepends=True)
        saved += [
            (line.split()[0].decode(), int(line.split()[1]))
            for line in lines
            if line.endswith(b"\n")
        ]
        if round_number % 2:
            heard = len(account.effects)
            server.faults.lose_answers = 1
            await until(lambda heard=heard: len(account.effects) > heard)  # type: ignore[misc]
            await kill(background)
            background = await start(BACKGROUND, str(tmp_path))
    await kill(background)
    server.faults.lose_answers = 0
    await send_all(store, pace=AFTER_A_KILL)

    assert {command for command, _ in saved} <= set(account.effects)
    assert {seq for _, seq in saved} <= set(account.fixes)
    tasks = [body.task_id for body in account.effects.values() if isinstance(body, CompleteTask)]
    assert len(tasks) == len(set(tasks)) == len(account.effects)
    # The screens may be killed between the commit and the line that tells of it, once a round.
    assert len(tasks) <= len(saved) + 6
    assert all(isinstance(fix, Fix) for fix in account.fixes.values())
    photos = {photo.sha256 for body in account.effects.values() for photo in body.proof.photos}
    assert photos <= set(server.blobs)
    view = Driver(store).view()
    assert (view.on_its_way, view.needs_attention, view.unsent_fixes) == ((), (), 0)
    assert store.db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
