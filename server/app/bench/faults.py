"""Breaks what can be broken while phones drive and an office works, and counts what that has cost:
`postrider bench faults`.

Each witness is a phone that keeps what it sent until it is acknowledged, and remembers what was;
the office remembers which of its words to drivers were accepted. After each fault everybody must be
answered again, nothing that was acknowledged may be lost, and nothing may be there twice.

It ends: each fault has a time-out of its own, and its healing too; after `WHOLE_WITHIN_S` nothing
more is begun, and what does not even end then is cut off `END_WITHIN_S` later.
"""

import asyncio
import faulthandler
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec

from server.app.bench.conditions import Conditions, conditions_now
from server.app.bench.misdeeds import Misdeeds
from server.app.bench.office import Office, sign_in
from server.app.bench.outages import FULL_DISK_S, WATCHED_S, Cable, Outages, SmallDisk
from server.app.bench.promises import Promises
from server.app.bench.scene import Case, Fault, Scene
from server.app.bench.spread import running_spread
from server.app.bench.witness import Witness, invite_witnesses
from server.app.system import System, running_system
from server.kit import clock
from server.kit.db import Database
from server.kit.ports import free_port

WHOLE_WITHIN_S = 25 * 60.0
END_WITHIN_S = 2 * 60.0
THIRD = 3
PROMISED = ("fixes", "commands", "proofs", "jobs")

Say = Callable[[str], None]
Act = Callable[[], Awaitable[str]]


class FaultFigures(msgspec.Struct, kw_only=True):
    """promises: over the whole run, counted at its end."""

    conditions: Conditions
    witnesses: int
    took_s: float
    cases: list[Case]
    promises: Promises | None

    def table(self) -> list[str]:
        """For a person: one line each."""
        lines = [
            f"{self.conditions.cores} cores, load {self.conditions.load},"
            f" {self.witnesses} phones, {self.took_s:.0f} s",
            f"{'':<5} {'fault':<38} {'healed':>8} {'not disturbed':>14}",
        ]
        for each in self.cases:
            healed = "never" if each.healed_s is None else f"{each.healed_s:.1f} s"
            remark = "; ".join(filter(None, (each.wrong, each.note)))
            line = f"{each.verdict:<5} {each.fault:<38} {healed:>8} {each.answered:>14}  {remark}"
            lines.append(line.rstrip())
        if self.promises is not None:
            told = msgspec.to_builtins(self.promises)
            counts = ", ".join(f"{told[what]} {what}" for what in PROMISED)
            broken = ", ".join(self.promises.broken()) or "none lost, none doubled"
            lines.append(f"acknowledged: {counts}; {broken}")
        return lines

    def wrong(self) -> list[str]:
        """The faults that were not survived, and promises that were not kept."""
        broken = [each.fault for each in self.cases if each.verdict != "right"]
        if self.promises is None:
            return [*broken, "promises could not be counted"]
        return broken + self.promises.broken()


async def measure_faults(
    *, witnesses: int, outage_s: float, only: str, is_spread: bool, say: Say
) -> FaultFigures:
    """outage_s: how long PostgreSQL is away; Redis is half as long. only: faults whose names hold
    this, all when it is empty. is_spread: over several processes behind a proxy, as on several
    machines, with the faults that are of interest there."""
    began_s = time.monotonic()
    faulthandler.dump_traceback_later(WHOLE_WITHIN_S + END_WITHIN_S, exit=True)
    try:
        with tempfile.TemporaryDirectory(prefix="postrider-faults-") as name:
            home = Path(name)
            played = (
                _on_several(home, witnesses, say)
                if is_spread
                else _on_one_machine(home, witnesses, outage_s, say)
            )
            async with played as (scene, faults):
                chosen = [each for each in faults if only in each.name]
                if not chosen:
                    names = ", ".join(each.name for each in faults)
                    raise SystemExit(f"No fault has {only!r} in its name. There are: {names}.")
                cases = await scene.play_all(chosen, began_s + WHOLE_WITHIN_S)
                for witness in scene.people:
                    await witness.stop()
                return FaultFigures(
                    conditions=conditions_now(),
                    witnesses=witnesses,
                    took_s=round(time.monotonic() - began_s, 1),
                    cases=cases,
                    promises=await scene.count_promises(),
                )
    finally:
        faulthandler.cancel_dump_traceback_later()


@asynccontextmanager
async def _on_one_machine(
    home: Path, witnesses: int, outage_s: float, say: Say
) -> AsyncIterator[tuple[Scene, list[Fault]]]:
    """The system as `up` runs it, with phones of which each third comes by a cable."""
    port = free_port()
    shared_clock = clock.SharedClock(home / "clock")
    shared_clock.set(clock.real_now(), 1.0)
    environ = {
        "POSTRIDER_PORT": str(port),
        "POSTRIDER_BASE_URL": f"http://127.0.0.1:{port}",
        **shared_clock.environ,
    }
    async with AsyncExitStack() as stack:
        disk = stack.enter_context(SmallDisk(home / "services").mounted())
        system = await stack.enter_async_context(
            running_system(home, durable=True, environ=environ, say=say, gateways=2)
        )
        cable = Cable(port)
        stack.push_async_callback(cable.close)
        by_cable = -(-witnesses // THIRD)
        people = await _invite(system.db, by_cable, await cable.open())
        people += await _invite(system.db, witnesses - by_cable, port)
        scene = await stack.enter_async_context(_at_work(system, people, port, say))
        outages = Outages(
            system,
            people,
            cut_off=people[:by_cable],
            cable=cable,
            disk=disk,
            shared_clock=shared_clock,
        )
        yield scene, _faults(scene, outages, Misdeeds(system.db, port, people), outage_s)


@asynccontextmanager
async def _on_several(
    home: Path, witnesses: int, say: Say
) -> AsyncIterator[tuple[Scene, list[Fault]]]:
    async with AsyncExitStack() as stack:
        spread = await stack.enter_async_context(running_spread(home, say=say))
        people = await _invite(spread.system.db, witnesses, spread.port)
        scene = await stack.enter_async_context(_at_work(spread.system, people, spread.port, say))
        yield (
            scene,
            [
                Fault(name="kill -9 of one of 3 gateways", act=spread.kill_gateway),
                Fault(name="kill -9 of one of 2 webs", act=spread.kill_web, spared=people),
                Fault(name="every gateway stopped and started", act=spread.restart_all_gateways),
                Fault(
                    name="kill -9 of one of 3 Redis nodes",
                    act=spread.kill_redis_node,
                    spared=people,
                ),
            ],
        )


@asynccontextmanager
async def _at_work(
    system: System, people: list[Witness], port: int, say: Say
) -> AsyncIterator[Scene]:
    """Phones that drive, and an office."""
    async with AsyncExitStack() as stack:
        for witness in people:
            witness.start()
            stack.push_async_callback(witness.stop)
        headers = await sign_in(system.db, f"http://127.0.0.1:{port}")
        office = await stack.enter_async_context(Office(port, headers, people).working())
        yield Scene(system=system, people=people, office=office, say=say)


async def _invite(db: Database, count: int, port: int) -> list[Witness]:
    return await invite_witnesses(db, count, f"ws://127.0.0.1:{port}/ws/driver")


def _faults(scene: Scene, outages: Outages, misdeeds: Misdeeds, outage_s: float) -> list[Fault]:
    """What is played, in this order, and who must not notice."""
    system, everybody, half_s = scene.system, scene.people, outage_s / 2
    _owner, *others = everybody
    return [
        Fault(name="kill -9 of a gateway", act=lambda: outages.kill(system.gateways[0])),
        Fault(
            name="kill -9 of web",
            act=lambda: outages.kill(system.web),
            spared=everybody,
            screens=True,
        ),
        Fault(
            name="kill -9 of worker",
            act=lambda: outages.kill(system.worker),
            spared=everybody,
            screens=True,
        ),
        Fault(name="kill -9 of Redis", act=outages.kill_redis, spared=everybody),
        Fault(name="kill -9 of PostgreSQL", act=outages.kill_database),
        Fault(
            name=f"Redis down for {half_s:.0f} s",
            act=lambda: outages.take_down_redis(half_s),
            lasts_s=half_s,
            spared=everybody,
            screens=True,
        ),
        Fault(
            name=f"PostgreSQL down for {outage_s:.0f} s",
            act=lambda: outages.take_down_database(outage_s),
            lasts_s=outage_s,
            screens=True,
        ),
        Fault(
            name=f"Redis silent for {half_s:.0f} s",
            act=lambda: outages.freeze_redis(half_s),
            lasts_s=half_s,
            spared=everybody,
        ),
        Fault(
            name=f"PostgreSQL silent for {outage_s:.0f} s",
            act=lambda: outages.freeze_database(outage_s),
            lasts_s=outage_s,
            screens=True,
        ),
        Fault(
            name=f"the network cut for a third, {half_s:.0f} s",
            act=lambda: outages.cut_off(half_s),
            lasts_s=half_s,
            spared=outages.not_cut_off,
            screens=True,
        ),
        Fault(name="a full disk under PostgreSQL", act=outages.fill_disk, lasts_s=FULL_DISK_S),
        Fault(
            name="clocks of phones that jump",
            act=outages.jump_phones,
            spared=everybody,
            screens=True,
        ),
        Fault(name="a clock of the servers that jumps", act=outages.jump_servers, spared=everybody),
        _misdeed("a slow screen", misdeeds.read_nothing, everybody),
        _misdeed("a sleeping tab", misdeeds.sleep_as_a_tab, everybody),
        _misdeed("a phone that floods", misdeeds.flood, everybody),
        _misdeed("a token that is none", misdeeds.knock_with_wrong_token, everybody),
        _misdeed("a phone with another's token", misdeeds.use_the_token_of_another, others),
        _misdeed("frames cut in half", misdeeds.cut_frames, everybody),
        _misdeed("frames of 1 MB", misdeeds.send_megabyte, everybody),
        _misdeed("zip bombs", misdeeds.send_zip_bomb, everybody),
        _misdeed("a wrong protocol version", misdeeds.speak_wrongly, everybody),
    ]


def _misdeed(name: str, act: Act, spared: list[Witness]) -> Fault:
    async def act_and_watch() -> str:
        note, _ = await asyncio.gather(act(), asyncio.sleep(WATCHED_S))
        return note

    return Fault(name=name, act=act_and_watch, spared=spared, screens=True)
