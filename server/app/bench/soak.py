"""Many drivers and all screens for a long time: memory does not grow, and what was acknowledged is
stored."""

import asyncio
import statistics
import time
from collections.abc import Mapping
from uuid import UUID

import msgspec
from sqlalchemy import text

from server.app.bench.conditions import Conditions, conditions_now, cpu_s_of
from server.app.bench.live_machine import (
    SCREENS,
    Say,
    driving,
    gateway_command,
    load_of,
    memory_kb,
    open_machine,
    running,
    watched,
)
from server.kit.db import Database
from server.kit.ports import free_port

SAMPLE_S = 2.0
WARM_S = 60.0
GROWTH_MAX = 0.02
"""Of the memory: what an allocator breathes."""


class Soak(msgspec.Struct, frozen=True, kw_only=True):
    """grown: how much more memory the gateway has in the last tenth of the time than in the first
    tenth after the first minute (of a short soak: its first half). unsent: fixes for which the
    kernel had no room. not_stored: those that were acknowledged and are not in the database; twice:
    that are there twice. unanswered: sent and not acknowledged at the end. per_s: acknowledged."""

    conditions: Conditions
    drivers: int
    screens: int
    seconds: int
    sent: int
    unsent: int
    acknowledged: int
    stored: int
    unanswered: int
    not_stored: int
    twice: int
    per_s: float
    markers_p50_ms: float
    markers_p99_ms: float
    gateway_share: float
    database_share: float
    generator_share: float
    memory_kb: int
    memory_after_warming_kb: int
    grown: float

    def wrong(self) -> list[str]:
        missed = {
            "memory grows": self.grown > GROWTH_MAX,
            "acknowledged and not stored": self.not_stored > 0,
            "stored twice": self.twice > 0,
            "not acknowledged": self.unanswered > 0,
            "not sent": self.unsent > 0,
        }
        return [what for what, is_so in missed.items() if is_so]


async def measure_soak(*, drivers: int, seconds: int, say: Say) -> Soak:
    """Each driver sends a fix a second."""
    async with open_machine(drivers, say) as machine:
        port, samples_kb = free_port(), []
        async with (
            running(gateway_command(port), machine, port) as gateway,
            watched(machine, port) as shown,
        ):
            say(f"{drivers} phones come in ...")
            words = ("stream", port, drivers, drivers, seconds, gateway.pid)
            async with driving(machine, *words) as driven:
                say(f"they drive for {seconds} s ...")
                began_s, began_cpu_s = time.monotonic(), cpu_s_of(machine.database_pid)
                load = asyncio.create_task(load_of(driven))
                while not load.done():
                    await asyncio.wait([load], timeout=SAMPLE_S)
                    samples_kb.append(memory_kb(gateway.pid))
                database_cpu_s = cpu_s_of(machine.database_pid) - began_cpu_s
                took_s = time.monotonic() - began_s
        found = await load
        db = Database(machine.environ["DATABASE_URL"])
        ids = [device.device_id for device in machine.devices]
        losses = await count_losses(db, dict(zip(ids, found.acknowledged, strict=True)))
        await db.close()
    warm = min(round(WARM_S / SAMPLE_S), len(samples_kb) // 2)
    tenth = max(len(samples_kb) // 10, 1)
    before = statistics.median(samples_kb[warm : warm + tenth])
    after = statistics.median(samples_kb[-tenth:])
    return Soak(
        conditions=conditions_now(),
        drivers=drivers,
        screens=SCREENS,
        seconds=seconds,
        sent=sum(found.sent),
        unsent=found.lost,
        acknowledged=sum(found.acknowledged),
        stored=losses.stored,
        unanswered=sum(found.sent) - sum(found.acknowledged),
        not_stored=losses.not_stored,
        twice=losses.twice,
        per_s=found.per_s,
        markers_p50_ms=shown.p50_ms,
        markers_p99_ms=shown.p99_ms,
        gateway_share=found.core_share,
        database_share=round(database_cpu_s / took_s, 3),
        generator_share=found.generator_share,
        memory_kb=round(after),
        memory_after_warming_kb=round(before),
        grown=round(after / before - 1, 4),
    )


class Losses(msgspec.Struct, frozen=True):
    """Fixes of some phones. stored: all that are there, each once."""

    stored: int
    not_stored: int
    twice: int


async def count_losses(db: Database, acknowledged: Mapping[UUID, int]) -> Losses:
    """acknowledged: device -> the number up to which all its fixes were, counted up from 1."""
    async with db.transaction() as session:
        rows = await session.execute(
            text("select device_id, count(distinct seq), max(seq), count(*) from fix group by 1")
        )
        found = {device_id: tuple(numbers) for device_id, *numbers in rows}
    stored = not_stored = twice = 0
    for device_id, through in acknowledged.items():
        distinct, highest, count = found.get(device_id, (0, 0, 0))
        # Where no number is left out, all up to the highest are there.
        not_stored += max(through - highest, 0) + highest - distinct
        twice += count - distinct
        stored += distinct
    return Losses(stored, not_stored, twice)
