"""Orders per CPU second, ours beside Vendure's, in alternating rounds on one PostgreSQL.

Counted, and judged, is all the CPU that a side's processes and the database use from the first
request until there is nothing left to do: for Vendure until the answer to its payment, for us until
the outbox is empty. Our consignments and delivery tasks are made then as well, which Vendure does
not do. `until_allocated` is the same up to the moment when the last order has its stock.
"""

import asyncio
import os
import signal
import statistics
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Protocol

import httpx
import msgspec
from redis.asyncio import Redis
from sqlalchemy import text

from server.app.bench.conditions import cpu_s_of, parent_of
from server.app.bench.shop import open_shop
from server.app.bench.vendure import Vendure, running_vendure
from server.app.system import System, running_system
from server.kit.db import Database
from server.kit.ports import free_port

LINES = 3
CLIENTS = 8
SKUS = 100
SETTLE_TIMEOUT_S = 300.0
WANTED_TIMES = 5.0

Say = Callable[[str], None]


class NotAllOrdersTaken(RuntimeError):
    """Some orders were not allocated, so the figures would mean nothing."""


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """CPU seconds of the side's own processes (with Redis) and of the database to the end, and of
    both until the last order had its stock."""

    side: str
    orders: int
    server_cpu_s: float
    database_cpu_s: float
    cpu_until_allocated_s: float

    @property
    def orders_per_cpu_s(self) -> float:
        return self.orders / (self.server_cpu_s + self.database_cpu_s)


class Intake(msgspec.Struct, frozen=True, kw_only=True):
    """Medians of the rounds, in orders per CPU second; times: how many times Vendure's ours is."""

    ours: float
    ours_until_allocated: float
    vendure: float | None
    times: float | None
    vendure_version: str | None
    postgres: str
    clients: int
    rounds: list[Round]

    @property
    def is_right(self) -> bool:
        return self.times is None or self.times >= WANTED_TIMES


class Side(Protocol):
    """One of those who take orders."""

    name: str
    process_ids: tuple[int, ...]

    async def place(self, client: httpx.AsyncClient, number: int) -> None: ...

    async def allocated(self) -> None:
        """Return once every order that was placed has its stock."""

    async def settled(self) -> None:
        """Return once there is nothing left to do."""


async def measure_intake(
    home: Path, *, orders: int, rounds: int, compare: bool, say: Say
) -> Intake:
    """One round of each side to warm up is not counted.

    orders: of one round of one side.
    """
    async with _our_side(home, say) as (system, ours):
        postmaster, version = await _database_of(system.db)
        if not compare:
            measured = [await _round(ours, orders, postmaster) for _ in range(rounds + 1)][1:]
            return _intake(measured, version, None)
        async with running_vendure(system.settings.database_url, skus=SKUS, say=say) as vendure:
            theirs = VendureSide(vendure)
            measured = []
            for number in range(rounds + 1):
                for side, other in ((ours, theirs), (theirs, ours)):
                    with _paused(other.process_ids):
                        done = await _round(side, orders, postmaster)
                    say(f"intake: {side.name} {done.orders_per_cpu_s:.1f} orders per CPU second")
                    measured += [done] if number else []
            return _intake(measured, version, vendure.version)


def _intake(rounds: list[Round], postgres: str, vendure_version: str | None) -> Intake:
    def median(side: str) -> float:
        return statistics.median(each.orders_per_cpu_s for each in rounds if each.side == side)

    ours = median("postrider")
    until_allocated = statistics.median(
        each.orders / each.cpu_until_allocated_s for each in rounds if each.side == "postrider"
    )
    theirs = median("vendure") if vendure_version else None
    return Intake(
        ours=round(ours, 2),
        ours_until_allocated=round(until_allocated, 2),
        vendure=round(theirs, 2) if theirs else None,
        times=round(ours / theirs, 2) if theirs else None,
        vendure_version=vendure_version,
        postgres=postgres,
        clients=CLIENTS,
        rounds=rounds,
    )


async def _round(side: Side, orders: int, postmaster: int) -> Round:
    numbers = iter(range(orders))

    def used() -> tuple[float, float]:
        return sum(cpu_s_of(each) for each in side.process_ids), cpu_s_of(postmaster)

    server_s, database_s = used()

    async def order(client: httpx.AsyncClient) -> None:
        for number in numbers:  # shared, so that whoever is free takes the next one
            await side.place(client, number)

    async with httpx.AsyncClient(timeout=60) as client:
        await asyncio.gather(*(order(client) for _ in range(CLIENTS)))
    await side.allocated()
    allocated_s = sum(used())
    await side.settled()
    servers_s, databases_s = used()
    return Round(
        side=side.name,
        orders=orders,
        server_cpu_s=round(servers_s - server_s, 2),
        database_cpu_s=round(databases_s - database_s, 2),
        cpu_until_allocated_s=round(allocated_s - server_s - database_s, 2),
    )


def _lines(number: int) -> list[int]:
    """Which goods an order asks for: the same on both sides."""
    return [(number * 7 + line * 31) % SKUS for line in range(LINES)]


class VendureSide:
    """The other one. What it counts as placed is allocated already."""

    name = "vendure"

    def __init__(self, vendure: Vendure) -> None:
        self._vendure = vendure
        self._placed = 0
        self.process_ids: tuple[int, ...] = (vendure.process_id,)

    async def place(self, client: httpx.AsyncClient, number: int) -> None:
        self._placed += 1
        await self._vendure.place_order(client, self._placed, _lines(number))

    async def allocated(self) -> None:
        return None

    async def settled(self) -> None:
        return None


class OurSide:
    """Web and worker as `up` runs them, asked with an API key of the account."""

    name = "postrider"

    def __init__(self, system: System, key: str, process_ids: tuple[int, ...]) -> None:
        self._db = system.db
        self._url = f"{system.settings.base_url}/api/orders"
        self._headers = {"Authorization": f"Bearer {key}"}
        self._placed = 0
        self.process_ids = process_ids

    async def place(self, client: httpx.AsyncClient, number: int) -> None:
        self._placed += 1
        name = f"bench-{self._placed}"
        answer = await client.post(
            self._url,
            headers={**self._headers, "Idempotency-Key": name},
            json={
                "external_id": name,
                "consignee": {
                    "name": f"Ada Berg {self._placed}",
                    "email": f"ada.{self._placed}@example.org",
                    "address": {
                        "street": "Main Street",
                        "house_number": str(number % 200),
                        "postcode": "10115",
                        "city": "Berlin",
                        "country": "DE",
                        "lon": 13.38 + number % 100 / 10_000,
                        "lat": 52.53,
                    },
                },
                "lines": [{"sku": f"SKU-{line}", "quantity": 1} for line in _lines(number)],
            },
        )
        if answer.status_code != httpx.codes.CREATED:
            raise NotAllOrdersTaken(answer.text)

    async def allocated(self) -> None:
        """Accepting an order and setting its stock aside is one transaction."""
        await self._none_left("orders where state = 'received'")
        allocated = "(select distinct order_id from allocation where state = 'allocated') as served"
        if await self._count(allocated) != self._placed:
            raise NotAllOrdersTaken("Not every order has its stock; see `orders` and the worker.")

    async def settled(self) -> None:
        await self._none_left("outbox_event where published_at is null")

    async def _none_left(self, rows: str) -> None:
        async with asyncio.timeout(SETTLE_TIMEOUT_S):
            while await self._count(rows):
                await asyncio.sleep(0.2)

    async def _count(self, rows: str) -> int:
        async with self._db.transaction() as session:
            return await session.scalar(text(f"select count(*) from {rows}")) or 0  # noqa: S608


@asynccontextmanager
async def _our_side(home: Path, say: Say) -> AsyncIterator[tuple[System, OurSide]]:
    port = str(free_port())
    key = ""

    async def prepare(db: Database) -> Mapping[str, str]:
        nonlocal key
        async with db.transaction() as session:
            key = await open_shop(session, skus=SKUS)
        return {}

    environ = {"POSTRIDER_PORT": port, "POSTRIDER_BASE_URL": f"http://127.0.0.1:{port}"}
    async with running_system(
        home, durable=True, environ=environ, say=say, prepare=prepare
    ) as system:
        redis = Redis.from_url(system.settings.redis_url)
        redis_process_id = int((await redis.info("server"))["process_id"])
        await redis.aclose()
        assert system.web.pid and system.worker.pid
        yield system, OurSide(system, key, (system.web.pid, system.worker.pid, redis_process_id))


async def _database_of(db: Database) -> tuple[int, str]:
    """The postmaster's process id, and its version. It has reaped those backends that ended, so
    its time and that of its children is the database's."""
    async with db.transaction() as session:
        backend = await session.scalar(text("select pg_backend_pid()"))
        version = await session.scalar(text("show server_version"))
    assert backend
    return parent_of(backend), str(version)


@contextmanager
def _paused(process_ids: tuple[int, ...]) -> Iterator[None]:
    """The side that is not measured does not even sweep."""
    for each in process_ids:
        os.kill(each, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in process_ids:
            os.kill(each, signal.SIGCONT)
