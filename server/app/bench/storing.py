"""What it costs to store a fix: as the gateway does it, for many phones at once, and one INSERT and
commit for each. Counted is the CPU of both ends, ours and PostgreSQL's."""

import os
from collections.abc import Awaitable, Callable
from datetime import timedelta

import numpy as np
from sqlalchemy import text

from server.app.bench.conditions import cpu_s_of
from server.app.bench.outages import database_pid
from server.kit import clock
from server.kit.db import Database
from server.kit.ids import new_id
from server.protocol import packed
from server.protocol.envelope import Envelope
from server.protocol.from_driver import Fix, Fixes
from server.tracking import service as tracking

PHONES = 500
TICKS = 10
SINGLE = 1000

INSERT_ONE = text(
    """
    insert into fix (
        device_id, seq, taken_at, driver_id, received_at, position, accuracy_m, speed_mps,
        heading_deg
    ) values (
        :device_id, :seq, :taken_at, :driver_id, :taken_at,
        st_setsrid(st_makepoint(9.52, 47.14), 4326)::geography, 5, 12.5, 270
    )
    """
)


async def measure_storing(db: Database) -> tuple[float, float]:
    """(CPU microseconds for each fix by the tick, the same one by one)."""
    now = clock.now()
    phones = [new_id() for _ in range(PHONES)]
    known = tracking.KnownDevices()
    senders = [tracking.Sender(phone, phone) for phone in phones]

    async def store_tick(number: int) -> None:
        at = now + timedelta(seconds=number)
        fix = Fix(
            seq=number + 1,
            taken_at=at,
            lon=9.52,
            lat=47.14,
            accuracy_m=5,
            speed_mps=12.5,
            heading_deg=270,
        )
        envelope = Envelope(id=str(new_id()), sent_at=at, body=Fixes(fixes=(fix,)))
        read = tracking.Frames.read(senders, [[packed.pack_fixes(envelope)]] * PHONES)
        arrivals = tracking.Arrivals.of_frames(read, np.zeros(PHONES, np.int64))
        async with db.transaction() as session:
            await tracking.ingest_tick(session, arrivals, at, known)

    async def store_one(number: int) -> None:
        one = {"device_id": new_id(), "driver_id": new_id(), "seq": number, "taken_at": now}
        async with db.transaction() as session:
            await session.execute(INSERT_ONE, one)

    async with db.transaction() as session:
        await tracking.ensure_partitions(session, [now.date()])
    await store_tick(0)  # makes the rows of the devices
    by_tick = await _cpu_us(db, store_tick, range(1, TICKS + 1)) / PHONES
    return round(by_tick, 2), round(await _cpu_us(db, store_one, range(SINGLE)), 2)


async def _cpu_us(db: Database, act: Callable[[int], Awaitable[None]], numbers: range) -> float:
    """For one call of `act`."""
    server = await database_pid(db)
    server_s = cpu_s_of(server)
    own = os.times()
    for number in numbers:
        await act(number)
    after = os.times()
    own_s = after.user + after.system - own.user - own.system
    return (own_s + cpu_s_of(server) - server_s) * 1e6 / len(numbers)
