"""Breaks what can be broken while phones drive, and counts what that has cost: `postrider bench
faults`.

Each witness is a phone that keeps what it sent until it is acknowledged, and remembers what was.
After each fault everybody must be answered again; at the end every acknowledged fix and command
must be in the database, once.
"""

import asyncio
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import msgspec
from sqlalchemy import text

from server.app.bench.conditions import Conditions, conditions_now
from server.app.bench.misdeeds import Misdeeds
from server.app.bench.outages import (
    Cable,
    children_of,
    database_pid,
    freeze,
    kill_database,
    kill_redis,
    redis_pid,
)
from server.app.bench.witness import Witness, invite_witnesses
from server.app.system import System, free_port, running_system

HEALED_WITHIN_S = 90.0
LOAD_S = 3.0
THIRD = 3

Say = Callable[[str], None]


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """healed_s: from the end of the fault until every witness was answered again. answered: of the
    witnesses, while it lasted (others must not be disturbed by one that misbehaves)."""

    fault: str
    healed_s: float
    answered: int
    is_right: bool
    note: str = ""


class FaultFigures(msgspec.Struct, kw_only=True):
    """lost: acknowledged and not in the database. doubled: there more than once."""

    conditions: Conditions
    witnesses: int
    cases: list[Case]
    fixes_acknowledged: int
    fixes_lost: int
    fixes_doubled: int
    commands_acknowledged: int
    commands_lost: int
    commands_doubled: int

    def wrong(self) -> list[str]:
        """The faults that were not survived, and promises that were not kept."""
        counts = {
            "fixes lost": self.fixes_lost,
            "fixes doubled": self.fixes_doubled,
            "commands lost": self.commands_lost,
            "commands doubled": self.commands_doubled,
        }
        broken = [case.fault for case in self.cases if not case.is_right]
        return broken + [name for name, count in counts.items() if count]


async def measure_faults(*, witnesses: int, outage_s: float, say: Say) -> FaultFigures:
    """outage_s: how long PostgreSQL is away; Redis is half as long."""
    port = free_port()
    environ = {"POSTRIDER_PORT": str(port), "POSTRIDER_BASE_URL": f"http://127.0.0.1:{port}"}
    with tempfile.TemporaryDirectory(prefix="postrider-faults-") as name:
        async with (
            running_system(
                Path(name), durable=True, environ=environ, say=say, gateways=2
            ) as system,
            _driving(system, witnesses, port) as (people, cable),
        ):
            scene = Scene(system, people, port, cable, say)
            try:
                cases = [await scene.play(*each) for each in scene.faults(outage_s)]
                for witness in people:
                    await witness.stop()
                return await _account(system, people, cases)
            finally:
                scene.end()


@asynccontextmanager
async def _driving(
    system: System, count: int, port: int
) -> AsyncIterator[tuple[list[Witness], Cable]]:
    """Witnesses, each third of them by the cable."""
    cable = Cable(port)
    cut_port = await cable.open()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(cable.close)
        by_cable = await invite_witnesses(
            system.db, -(-count // THIRD), f"ws://127.0.0.1:{cut_port}/ws/driver"
        )
        others = await invite_witnesses(
            system.db, count - len(by_cable), f"ws://127.0.0.1:{port}/ws/driver"
        )
        people = [*by_cable, *others]
        for witness in people:
            witness.start()
            stack.push_async_callback(witness.stop)
        yield people, cable


class Scene:
    """The system, who watches it, and what can be done to it."""

    def __init__(
        self, system: System, people: list[Witness], port: int, cable: Cable, say: Say
    ) -> None:
        self._system = system
        self._people = people
        self._cable = cable
        self._say = say
        self._misdeeds = Misdeeds(system.db, port, people)
        self._started: list[subprocess.Popen[bytes]] = []

    def faults(self, outage_s: float) -> list[tuple[str, Callable[[], Awaitable[str]]]]:
        system = self._system
        return [
            ("kill -9 of a gateway", lambda: self._kill(system.gateways[0].kill)),
            ("kill -9 of web", lambda: self._kill(system.web.kill)),
            ("kill -9 of worker", lambda: self._kill(system.worker.kill)),
            ("kill -9 of Redis", self._kill_redis),
            ("kill -9 of PostgreSQL", self._kill_database),
            (f"Redis frozen {outage_s / 2:.0f} s", lambda: self._freeze_redis(outage_s / 2)),
            (f"PostgreSQL frozen {outage_s:.0f} s", lambda: self._freeze_database(outage_s)),
            (f"a third cut off for {outage_s / 2:.0f} s", lambda: self._cut_off(outage_s / 2)),
            ("a clock that jumps by an hour", self._jump),
            ("a slow screen", self._misdeeds.read_nothing),
            ("a sleeping tab", self._misdeeds.sleep_as_a_tab),
            ("a phone that floods", self._misdeeds.flood),
            ("a phone with a token that is none", self._misdeeds.knock_with_wrong_token),
            ("a phone with another's token", self._misdeeds.use_the_token_of_another),
            ("frames cut in half", self._misdeeds.cut_frames),
            ("a frame of 1 MB", self._misdeeds.send_megabyte),
            ("a zip bomb", self._misdeeds.send_zip_bomb),
            ("a wrong protocol version", self._misdeeds.speak_wrongly),
        ]

    async def play(self, fault: str, act: Callable[[], Awaitable[str]]) -> Case:
        """One fault under load, until everybody is answered again."""
        self._say(f"{fault} ...")
        await asyncio.sleep(LOAD_S)
        before = [witness.through for witness in self._people]
        note = await act()
        answered = sum(
            witness.through > earlier for witness, earlier in zip(self._people, before, strict=True)
        )
        began_s = time.monotonic()
        marks = [witness.seq for witness in self._people]
        healed = False
        with suppress(TimeoutError):
            async with asyncio.timeout(HEALED_WITHIN_S):
                while any(
                    witness.through <= mark
                    for witness, mark in zip(self._people, marks, strict=True)
                ):
                    await asyncio.sleep(0.05)
                healed = True
        return Case(
            fault=fault,
            healed_s=round(time.monotonic() - began_s, 1),
            answered=answered,
            is_right=healed and not note.startswith("WRONG"),
            note=note,
        )

    async def _kill(self, kill: Callable[[], None]) -> str:
        kill()
        return ""

    async def _kill_redis(self) -> str:
        self._started.append(await kill_redis(self._system.settings.redis_url))
        return ""

    async def _kill_database(self) -> str:
        self._started.append(await kill_database(self._system.db))
        return ""

    async def _freeze_redis(self, seconds: float) -> str:
        await freeze([await redis_pid(self._system.settings.redis_url)], seconds)
        return ""

    async def _freeze_database(self, seconds: float) -> str:
        main = await database_pid(self._system.db)
        await freeze([main, *children_of(main)], seconds)
        return ""

    async def _cut_off(self, seconds: float) -> str:
        """Those who come by the cable."""
        self._cable.cut()
        try:
            await asyncio.sleep(seconds)
        finally:
            self._cable.mend()
        return ""

    async def _jump(self) -> str:
        """Forth and back: fixes are told apart by their numbers, never by their times."""
        third = self._people[::THIRD]
        for error in (timedelta(hours=1), timedelta()):
            for witness in third:
                witness.clock_error = error
            await asyncio.sleep(LOAD_S)
        return ""

    def end(self) -> None:
        """End the services that were started here in the place of those that were killed."""
        for each in self._started:
            each.send_signal(signal.SIGINT)  # PostgreSQL waits for no client then
        for each in self._started:
            each.wait()


async def _account(system: System, people: list[Witness], cases: list[Case]) -> FaultFigures:
    """What was acknowledged against what is there."""
    async with system.db.transaction() as session:
        fixes = (await session.execute(text("select device_id, seq from fix"))).all()
        recorded = list(await session.scalars(text("select command_id from driver_command")))
    kept = {(row.device_id, row.seq) for row in fixes}
    promised = {(each.device_id, seq) for each in people for seq in range(1, each.through + 1)}
    commands = {each for witness in people for each in witness.acknowledged}
    return FaultFigures(
        conditions=conditions_now(),
        witnesses=len(people),
        cases=cases,
        fixes_acknowledged=len(promised),
        fixes_lost=len(promised - kept),
        fixes_doubled=len(fixes) - len(kept),
        commands_acknowledged=len(commands),
        commands_lost=len(commands - set(recorded)),
        commands_doubled=len(recorded) - len(set(recorded)),
    )
