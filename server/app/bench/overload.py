"""More comes than a gateway and its database can take: it goes on with as much as it can, its
memory is bounded, phones keep the rest, and all is stored soon after."""

import asyncio
import time
from typing import NamedTuple

import msgspec

from server.app.bench.conditions import Conditions, conditions_now
from server.app.bench.live_machine import (
    Load,
    Machine,
    Say,
    driving,
    forget_fixes,
    gateway_command,
    load_of,
    memory_kb,
    open_machine,
    running,
)
from server.app.bench.soak import Losses, count_losses
from server.kit.db import Database
from server.kit.ports import free_port

PHONES = 2_000
BEARABLE_PER_S = 10_000
OFFERED_PER_S = 120_000
SAMPLE_S = 0.25
PATIENCE_S = 90
"""The kernel's buffers alone hold many seconds of what is sent."""

GROWTH_MAX_KB_EACH = 64
"""What a phone may cost at most: 16 KB that wait to be stored, as Python keeps them, and its
socket's buffers."""


class Overload(msgspec.Struct, frozen=True, kw_only=True):
    """Fixes a second, until the last was acknowledged. kept_per_s: those that phones kept because
    nobody read what was before them. answered_after_s: all was acknowledged so long after the load
    had fallen. grown_kb_each: memory of the gateway for each phone, at its most."""

    conditions: Conditions
    phones: int
    seconds: int
    bearable_per_s: int
    offered_per_s: int
    sent_per_s: int
    kept_per_s: int
    acknowledged_per_s: int
    answered_after_s: float
    unanswered: int
    not_stored: int
    twice: int
    grown_kb_each: float

    def wrong(self) -> list[str]:
        missed = {
            "less is stored the more comes": self.acknowledged_per_s < self.bearable_per_s,
            "acknowledged and not stored": self.not_stored > 0,
            "stored twice": self.twice > 0,
            "not acknowledged in the end": self.unanswered > 0,
            "memory is not bounded": self.grown_kb_each > GROWTH_MAX_KB_EACH,
        }
        return [what for what, is_so in missed.items() if is_so]


async def measure_overload(*, seconds: int, say: Say) -> Overload:
    async with open_machine(PHONES, say) as machine:
        say(f"{BEARABLE_PER_S:,} fixes a second ...")
        calm = await _drive(machine, BEARABLE_PER_S, seconds)
        say(f"{OFFERED_PER_S:,} fixes a second ...")
        much = await _drive(machine, OFFERED_PER_S, seconds)
    load = much.load
    return Overload(
        conditions=conditions_now(),
        phones=PHONES,
        seconds=seconds,
        bearable_per_s=calm.acknowledged_per_s,
        offered_per_s=OFFERED_PER_S,
        sent_per_s=round(sum(load.sent) / (much.took_s - load.answered_after_s)),
        kept_per_s=round(load.lost / (much.took_s - load.answered_after_s)),
        acknowledged_per_s=much.acknowledged_per_s,
        answered_after_s=load.answered_after_s,
        unanswered=sum(load.sent) - sum(load.acknowledged),
        not_stored=much.losses.not_stored,
        twice=much.losses.twice,
        grown_kb_each=round(much.grown_kb / PHONES, 1),
    )


class Drive(NamedTuple):
    """grown_kb: above what the phones cost that are only there. took_s: until the last answer."""

    load: Load
    losses: Losses
    grown_kb: int
    took_s: float

    @property
    def acknowledged_per_s(self) -> int:
        return round(sum(self.load.acknowledged) / self.took_s)


async def _drive(machine: Machine, rate: int, seconds: int) -> Drive:
    """By a gateway of its own."""
    await forget_fixes(machine)
    port = free_port()
    async with running(gateway_command(port), machine, port) as gateway:
        words = ("stream", port, PHONES, rate, seconds, gateway.pid)
        async with driving(machine, *words, patience_s=PATIENCE_S) as driven:
            before_kb = most_kb = memory_kb(gateway.pid)
            began_s = time.monotonic()
            load = asyncio.create_task(load_of(driven))
            while not load.done():
                await asyncio.wait([load], timeout=SAMPLE_S)
                most_kb = max(most_kb, memory_kb(gateway.pid))
            took_s = time.monotonic() - began_s
    found = await load
    db = Database(machine.environ["DATABASE_URL"])
    ids = [device.device_id for device in machine.devices]
    losses = await count_losses(db, dict(zip(ids, found.acknowledged, strict=True)))
    await db.close()
    return Drive(found, losses, most_kb - before_kb, took_s)
