"""What the live path costs and how quick it is: CPU of the server's own process for each fix, at
the same offered rate in the same run, beside others with the same task; and how long news takes.

The phones are one thread of C (tests/load/live/phones.c), on the same machine; the share of a core
that it used is in the figures, because a generator that is busy all the time measures itself.
"""

import asyncio
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from typing import Any, NamedTuple

import msgspec
from websockets.asyncio.client import connect

from server.app.bench.conditions import Conditions, conditions_now, cpu_s_of
from server.app.bench.delays import (
    FixToScreen,
    OutboxToPhone,
    measure_fix_to_screen,
    measure_outbox_to_phone,
)
from server.app.bench.fanout import measure_fanout
from server.app.bench.live_machine import (
    SCREENS,
    SOURCES,
    Machine,
    driving,
    forget_fixes,
    gateway_command,
    load_of,
    memory_kb,
    open_machine,
    running,
    watched,
)
from server.app.bench.peers import PeerMissing, prepare_mosquitto, prepare_socketio
from server.app.bench.storing import measure_storing
from server.kit.db import Database
from server.kit.ports import free_port
from server.live.sockets import FRAMES_PER_S_MAX

IDLE_S = 4.0
ECHO, LIBRARY, BARE, WHOLE = "kernel echo", "websockets", "bare gateway", "whole path"
MOSQUITTO, SOCKETIO_ONE = "mosquitto QoS 1", "socket.io, one screen"
SOCKETIO, WHOLE_SELDOM = "socket.io, 50 screens", "whole path, as seldom"
BARE_GOES_ON, WHOLE_GOES_ON = f"{BARE}, going on", f"{WHOLE}, going on"
SIDES = (
    ECHO,
    LIBRARY,
    BARE,
    WHOLE,
    MOSQUITTO,
    SOCKETIO_ONE,
    SOCKETIO,
    WHOLE_SELDOM,
    BARE_GOES_ON,
    WHOLE_GOES_ON,
)
"""Each frame waits for its answer on every side; but for those of the last two, which go on sending
and hear every two seconds what is stored, as the protocol lets them."""

SELDOM_PER_S = 3_000
"""What Socket.IO can tell to 50 screens on one core, with some left."""

Say = Callable[[str], None]


class Offered(NamedTuple):
    """To every side alike."""

    phones: int
    rate: int
    seconds: int


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """Medians of the rounds. us_each: CPU microseconds of the process for each fix.
    database_us_each, redis_us_each: those of the services beside it."""

    name: str
    us_each: float
    per_s: float
    p50_ms: float
    p99_ms: float
    core_share: float
    generator_share: float
    lost: int
    database_us_each: float = 0.0
    redis_us_each: float = 0.0


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One demand. found: null where it could not be measured, which is a miss."""

    what: str
    demand: str
    found: float | None
    is_met: bool


class LiveFigures(msgspec.Struct, kw_only=True):
    """stored_us_each, inserted_us_each: see storing. conflated_ns_each, json_ns_each: see fanout,
    for each fix and screen. idle_kb: memory of the gateway for one more connected phone that says
    nothing. not_compared: what is missing for a peer."""

    conditions: Conditions
    phones: int
    offered_per_s: int
    rounds: int
    rows: list[Row]
    sides: list[Side]
    fix_to_screen: FixToScreen
    outbox_to_phone: OutboxToPhone
    stored_us_each: float
    inserted_us_each: float
    conflated_ns_each: float
    json_ns_each: float
    idle_kb: float
    not_compared: list[str]

    def wrong(self) -> list[str]:
        """The figures that are not as good as they have to be."""
        return [row.what for row in self.rows if not row.is_met]

    def table(self) -> Iterator[str]:
        """For a person: the ten rows, and what they come from."""
        yield (
            f"{self.phones} phones, {self.offered_per_s} fixes/s, median of {self.rounds} rounds, "
            f"{self.conditions.cores} cores, load {self.conditions.load} at the begin"
        )
        yield f"{'figure':<58} {'demand':>16} {'found':>8}"
        for row in self.rows:
            found = "-" if row.found is None else f"{row.found:g}"
            yield f"{row.what:<58} {row.demand:>16} {found:>8}  {'met' if row.is_met else 'MISSED'}"
        yield ""
        yield (
            f"{'CPU microseconds for each fix':<28} {'own':>7} {'PostgreSQL':>11} {'Redis':>6} "
            f"{'answered/s':>11} {'core':>5} {'generator':>10} {'lost':>5}"
        )
        for side in self.sides:
            yield (
                f"{side.name:<28} {side.us_each:>7.2f} {side.database_us_each:>11.2f} "
                f"{side.redis_us_each:>6.2f} {side.per_s:>11.0f} {side.core_share:>5.2f} "
                f"{side.generator_share:>10.2f} {side.lost:>5}"
            )
        yield ""
        for name in ("fix_to_screen", "outbox_to_phone"):
            told = msgspec.to_builtins(getattr(self, name))
            yield f"{name}: " + ", ".join(f"{key} {value}" for key, value in told.items())
        yield f"storing a fix: {self.stored_us_each} us by the tick, {self.inserted_us_each} alone"
        yield f"telling a screen: {self.conflated_ns_each} ns conflated, {self.json_ns_each} JSON"
        yield from (f"not compared: {each}" for each in self.not_compared)


async def measure_live(
    *, phones: int, rate: int, seconds: int, rounds: int, say: Say
) -> LiveFigures:
    """Every side in turn, `rounds` times."""
    offered = Offered(phones, rate, seconds)
    async with open_machine(phones, say) as machine:
        found: dict[str, list[Side]] = {}
        not_compared: dict[str, str] = {}
        for number in range(rounds):
            for name in SIDES:
                if name in not_compared:
                    continue
                say(f"round {number + 1} of {rounds}: {name} ...")
                try:
                    side = await _measure_side(machine, name, offered, say)
                except PeerMissing as error:
                    not_compared[name] = f"{name}: {error}"
                    continue
                found.setdefault(name, []).append(side)
        sides = {name: _median(name, each) for name, each in found.items()}
        say("news to screens ...")
        half = min(0.5e6 / sides[WHOLE].us_each, 0.8 * FRAMES_PER_S_MAX * phones)
        to_screen = await measure_fix_to_screen(
            machine, phones=phones, rate=int(half), seconds=seconds
        )
        say("news to phones ...")
        to_phone = await measure_outbox_to_phone(machine)
        idle_kb = await _measure_idle(machine, phones, say)
        say("storing by the tick and one by one ...")
        db = Database(machine.environ["DATABASE_URL"])
        stored = await measure_storing(db)
        await db.close()
        say("telling screens ...")
        told = measure_fanout(SCREENS)
    us = {name: side.us_each for name, side in sides.items()}
    rows = [
        at_least("bare gateway against the kernel's echo", 0.55, us, ECHO, BARE),
        at_least("bare gateway against the websockets library", 2.8, us, LIBRARY, BARE),
        at_least("whole path with 50 screens against the bare gateway", 0.75, us, BARE, WHOLE),
        at_least("whole path against mosquitto QoS 1", 0.8, us, MOSQUITTO, WHOLE),
        at_least("whole path against socket.io with Redis", 5, us, SOCKETIO, WHOLE_SELDOM),
        _row("conflated fan-out against JSON for each fix and screen", 200, told[1] / told[0]),
        _row("storing by the tick against one INSERT each", 25, stored[1] / stored[0]),
        _row("fix to screen at half of its ceiling, p99 in ticks", 1.5, to_screen.ticks, most=True),
        _row("outbox to phone against its commit, p50", 1.5, to_phone.ratio, most=True),
        _row("memory of an idle phone, KB", 20, idle_kb, most=True),
    ]
    return LiveFigures(
        conditions=conditions_now(),
        phones=phones,
        offered_per_s=rate,
        rounds=rounds,
        rows=rows,
        sides=list(sides.values()),
        fix_to_screen=to_screen,
        outbox_to_phone=to_phone,
        stored_us_each=stored[0],
        inserted_us_each=stored[1],
        conflated_ns_each=told[0],
        json_ns_each=told[1],
        idle_kb=idle_kb,
        not_compared=list(not_compared.values()),
    )


def at_least(what: str, demand: float, us: dict[str, float], than: str, ours: str) -> Row:
    """How many times as cheap as another one is ours."""
    is_known = than in us and us[ours] > 0
    return _row(what, demand, us[than] / us[ours] if is_known else None)


def _row(what: str, demand: float, found: float | None, *, most: bool = False) -> Row:
    is_met = found is not None and (found <= demand if most else found >= demand)
    bound = f"at {'most' if most else 'least'} {demand:g}"
    rounded = None if found is None else round(found, 3)
    return Row(what=what, demand=bound, found=rounded, is_met=is_met)


def _median(name: str, rounds: Sequence[Side]) -> Side:
    numbers: dict[str, Any] = {
        field: round(statistics.median(getattr(each, field) for each in rounds), 3)
        for field in Side.__struct_fields__
        if field not in ("name", "lost")
    }
    return Side(name=name, lost=sum(each.lost for each in rounds), **numbers)


async def _measure_side(machine: Machine, name: str, offered: Offered, say: Say) -> Side:
    """
    Raises
    ------
    PeerMissing
    """
    port = free_port()
    python, screens, environ = sys.executable, 0, {}
    match name:
        case "kernel echo":
            kind, command = "tcp", [str(machine.folder / "echo"), str(port)]
        case "websockets":
            kind, command = "ws", [python, str(SOURCES / "library.py"), str(port)]
        case "mosquitto QoS 1":
            peer = await prepare_mosquitto(machine.folder, port, say)
            kind, command, environ, screens = "mqtt", [*peer.command], peer.environ, 1
        case "socket.io, one screen" | "socket.io, 50 screens":
            peer = await prepare_socketio(port, machine.environ["REDIS_URL"], say)
            kind, command, environ = "socketio", [*peer.command], peer.environ
            screens = 1 if name == SOCKETIO_ONE else SCREENS
        case _:
            kind = "stream" if name in (BARE_GOES_ON, WHOLE_GOES_ON) else "gateway"
            is_bare = name in (BARE, BARE_GOES_ON)
            bare = [python, str(SOURCES / "bare_gateway.py"), str(port)]
            command = bare if is_bare else gateway_command(port)
    if name in (SOCKETIO, WHOLE_SELDOM):
        offered = offered._replace(rate=min(offered.rate, SELDOM_PER_S))
    is_whole = name in (WHOLE, WHOLE_SELDOM, WHOLE_GOES_ON)
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(running(command, machine, port, **environ))
        if is_whole:
            await forget_fixes(machine)
            await stack.enter_async_context(watched(machine, port))
        words = (kind, port, *offered, server.pid)
        driven = await stack.enter_async_context(driving(machine, *words, screens=screens))
        before = cpu_s_of(machine.database_pid), cpu_s_of(machine.redis_pid)
        load = await load_of(driven)
        after = cpu_s_of(machine.database_pid), cpu_s_of(machine.redis_pid)
    # The services' CPU is read around all that was said, not only around what was measured.
    messages = max(sum(load.acknowledged), 1)
    database_us, redis_us = (
        1e6 * (now - then) / messages for now, then in zip(after, before, strict=True)
    )
    has_redis = is_whole or name in (SOCKETIO, SOCKETIO_ONE)
    return Side(
        name=name,
        us_each=load.us_each,
        per_s=load.per_s,
        p50_ms=load.p50_ms,
        p99_ms=load.p99_ms,
        core_share=load.core_share,
        generator_share=load.generator_share,
        lost=load.lost,
        database_us_each=database_us if is_whole else 0.0,
        redis_us_each=redis_us if has_redis else 0.0,
    )


async def _measure_idle(machine: Machine, phones: int, say: Say) -> float:
    """Kilobytes that the gateway grows by for each phone that is only there."""
    say("phones that are only there ...")
    port = free_port()
    async with running(gateway_command(port), machine, port) as server:
        first = {"Authorization": machine.credentials[0]}
        async with connect(f"ws://127.0.0.1:{port}/ws/driver", additional_headers=first):
            pass  # what one connection makes for all is not counted
        before_kb = memory_kb(server.pid)
        async with driving(machine, "gateway", port, phones, 0, IDLE_S, 0):
            await asyncio.sleep(IDLE_S / 2)
            grown_kb = memory_kb(server.pid) - before_kb
    return round(grown_kb / phones, 1)
