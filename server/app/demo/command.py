"""`postrider demo`: the whole system on a map, with couriers, until Ctrl-C or for one fast day."""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path

from routing.roads import build_roads
from server.app.demo.day import DayPlayer, Played
from server.app.demo.guest import Guest
from server.app.demo.orders import Day
from server.app.demo.town import write_town
from server.app.pages import build_pages
from server.app.phone_window import can_open
from server.app.system import System, running_system
from server.identity import service as identity
from server.identity.access import Role
from server.kit import clock
from server.kit.db import Database
from server.kit.ports import free_port
from server.places import service as places

Say = Callable[[str], None]

EMAIL = "demo@postrider.example"
PASSWORD = "demo of postrider"  # noqa: S105 - printed on purpose; a demo serves this machine only
MORNING = time_of_day(8)
PRELUDE = timedelta(minutes=10)
"""How long before the shift the orders come in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much of a day to play, and how fast.

    budget_s: real seconds that the planner may search.
    shift: how long the drivers may work; windows lie within it.
    """

    orders: int
    drivers: int
    speed: float
    budget_s: float
    shift: timedelta

    @classmethod
    def of(cls, options: argparse.Namespace) -> "Size":
        orders = options.orders or 40
        usual = 120.0 if options.once else 5.0 if options.with_app else 20.0
        speed = options.speed or usual
        drivers = options.drivers or max(2, orders // 20)
        budget_s = 3.0 if orders <= 100 else 10.0
        return cls(
            orders=orders,
            drivers=drivers,
            speed=speed,
            budget_s=budget_s,
            shift=timedelta(hours=min(10.0, max(4.0, 0.3 * orders / drivers))),
        )


def run_demo(options: argparse.Namespace, say: Say) -> int:
    """0 when the day ended as it should: every order in a final state, nothing lost or doubled."""
    if options.json and not options.once:
        say("--json needs --once: without it the demo runs until Ctrl-C")
        return 2
    if options.with_app and (options.once or not can_open(say)):
        say("--with-app needs a window and a person, who sets the pace: leave --once away")
        return 2
    # Ended by a signal, it still cleans up.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with tempfile.TemporaryDirectory(prefix="postrider-demo-") as folder:
        return asyncio.run(Demo(options, Path(folder), say).run())


class Demo:
    """One company that lives as long as the demo does."""

    def __init__(self, options: argparse.Namespace, home: Path, say: Say) -> None:
        self._options = options
        self._home = home
        self._say = say
        self._size = Size.of(options)
        self._started_s = time.monotonic()

    async def run(self) -> int:
        if not self._options.once:
            await asyncio.to_thread(build_pages, self._say)
        osm = await asyncio.to_thread(self._find_map)
        self._say("building the roads ...")
        await asyncio.to_thread(build_roads, osm, self._home / "roads", progress=lambda _: None)
        port = str(self._options.port or free_port())
        environ = {
            "POSTRIDER_HOST": "127.0.0.1",
            "POSTRIDER_PORT": port,
            "POSTRIDER_BASE_URL": f"http://127.0.0.1:{port}",
        }

        async def prepare(db: Database) -> Mapping[str, str]:
            await self._found_company(db, osm)
            return self._start_clock().environ

        async with AsyncExitStack() as stack:
            self._stack = stack
            system = await stack.enter_async_context(
                running_system(
                    self._home, durable=False, environ=environ, say=self._say, prepare=prepare
                )
            )
            return await self._play(system, osm)

    def _find_map(self) -> Path:
        if self._options.osm is not None:
            found: Path = self._options.osm
            return found
        path = self._home / "town.osm.pbf"
        town = write_town(path, seed=self._options.seed)
        self._say(f"built the town of {town.name}: {town.address_count} addresses")
        return path

    async def _found_company(self, db: Database, osm: Path) -> None:
        async with db.transaction() as session:
            await places.import_map(session, osm, self._say)
            await identity.create_person(
                session,
                name="Demo Dispatcher",
                email=EMAIL,
                role=Role.ADMIN,
                password=PASSWORD,
                by="system",
            )

    def _start_clock(self) -> clock.SharedClock:
        """Early in the morning; it runs as in real life until the drivers set out."""
        today = clock.real_now().date()
        morning = datetime.combine(today, MORNING, UTC)
        self._day = Day(starts_at=morning, ends_at=morning + self._size.shift)
        self._clock = clock.SharedClock(self._home / "clock")
        self._clock.set(morning - PRELUDE, speed=1.0)
        os.environ |= self._clock.environ  # the phones of a bad day are processes of ours
        self._stack.enter_context(clock.running(self._clock))
        return self._clock

    async def _play(self, system: System, osm: Path) -> int:
        player = DayPlayer(
            system,
            osm,
            self._day,
            login=(EMAIL, PASSWORD),
            orders=self._size.orders,
            drivers=self._size.drivers,
            budget_s=self._size.budget_s,
            seed=self._options.seed,
            faults=self._options.faults,
            guest=Guest(self._home / "guest") if self._options.with_app else None,
            hurry=lambda: self._clock.set(clock.now(), self._size.speed),
            say=self._say,
        )
        if self._options.once:
            played = await player.play()
            return self._report(played)
        self._say(f"the live map: {system.settings.base_url}/dispatch")
        self._say(f"sign in as {EMAIL} with the password {PASSWORD!r}")
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        playing = asyncio.create_task(player.play())
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({playing, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if playing.done():
            code = self._report(playing.result())
            self._say("the day is over; Ctrl-C ends the demo")
            await stop.wait()
            return code
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)
        return 0

    def _report(self, played: Played) -> int:
        wall_s = round(time.monotonic() - self._started_s, 1)
        figures = {**played.figures, "wall_s": wall_s, "problems": played.problems}
        if self._options.json:
            print(json.dumps(figures, indent=2))
        else:
            for name, value in figures.items():
                print(f"{name:>20}: {value}")
        for problem in played.problems:
            self._say(f"NOT AS IT SHOULD BE: {problem}")
        return 1 if played.problems else 0
