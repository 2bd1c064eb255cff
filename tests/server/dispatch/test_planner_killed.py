"""A plan whose planner was killed is made by another one."""

import asyncio
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from server.dispatch import service as dispatch
from server.dispatch.planner import plan_next
from server.kit.clock import SharedClock

from .conftest import DAY, Town, corner
from .test_planning import until

PLANNER = """
import asyncio, sys
from routing.roads import HaversineRoads
from server.app.modules import load
from server.dispatch.planner import run_planner
from server.kit.db import Database

if __name__ == "__main__":
    load("models")
    db = Database(sys.argv[1])
    asyncio.run(run_planner(db, HaversineRoads(), asyncio.Event(), lease_s=2.0))
"""


async def test_a_plan_whose_planner_was_killed_is_made_by_another_one(
    real_town: Town, tmp_path: Path
) -> None:
    town = real_town
    for _ in range(3):
        await town.add_driver()
    for number in range(40):
        await town.book(corner(number % 8, number // 8))
    async with town.db.transaction() as session:
        plan = await dispatch.request_plan(
            session, depot_id=town.depot_id, day=DAY, budget_s=4.0, by="test"
        )
    script = tmp_path / "planner.py"
    script.write_text(PLANNER)
    url = town.db.engine.url.render_as_string(hide_password=False)
    clock = SharedClock(tmp_path / "clock")
    clock.set(town.now, speed=1.0)
    killed = await asyncio.create_subprocess_exec(
        sys.executable,
        script,
        url,
        env={**os.environ, **clock.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        start_new_session=True,
    )
    try:
        await until(town, plan.id, "solving")
        killed.send_signal(signal.SIGKILL)
        await killed.wait()
        assert not await plan_next(town.db, town.roads)  # its lease still runs
        async with asyncio.timeout(20):
            while not await plan_next(town.db, town.roads):
                await asyncio.sleep(0.1)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(killed.pid, signal.SIGKILL)
    async with town.db.transaction() as session:
        view = await dispatch.get_plan(session, plan.id)
    assert view.state == "draft"
    assert sum(len(stop.visits) for run in view.runs for stop in run.stops) == 40
