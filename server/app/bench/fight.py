"""Many buyers fight for the last units of a few SKUs, by the services as the API calls them.

They order single SKUs, several in any order and kits; they hold and give up, buy what they held,
and cancel, until nothing is left. Then every unit must be somebody's and nobody's twice.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import msgspec
from sqlalchemy.exc import DBAPIError

from server.app.bench.shop import BY, build_warehouse, open_account
from server.app.migrate import migrate
from server.app.modules import load
from server.inventory import service as inventory
from server.inventory.service import Component, NewSku, NotEnoughStock, Received, Wanted
from server.kit import clock
from server.kit.db import Database
from server.kit.ids import new_id
from server.kit.services import running_services

SKUS = 10
SEED = 20261123
CODES = tuple(f"LAST-{number}" for number in range(SKUS))
KITS = {"KIT-UP": (0, 3, 7), "KIT-DOWN": (9, 3, 0), "KIT-TWICE": (5, 5, 1)}

Lines = Sequence[tuple[str, int]]


class Fight(msgspec.Struct, frozen=True, kw_only=True):
    """allocated: units that orders have at the end. dishonest_refusals: those that named a SKU of
    which there was enough. database_errors: deadlocks and the like that reached a client."""

    clients: int
    units: int
    allocated: int
    orders: int
    refusals: int
    dishonest_refusals: int
    cancellations: int
    holds: int
    database_errors: int
    levels_are_moves: bool
    seconds: float

    @property
    def is_right(self) -> bool:
        return (
            self.allocated == self.units
            and not self.dishonest_refusals
            and not self.database_errors
            and self.levels_are_moves
        )


async def measure_fight(
    home: Path, *, clients: int, units: int, say: Callable[[str], None]
) -> Fight:
    """units: of all SKUs together."""
    load("models")
    with running_services(home, durable=False, say=say) as services:
        # A connection for every client: they shall meet in the database, not in our pool.
        db = Database(services.database_url, pool_size=clients)
        try:
            await migrate(db)
            return await fight(db, clients=clients, units=units, say=say)
        finally:
            await db.close()


async def fight(db: Database, *, clients: int, units: int, say: Callable[[str], None]) -> Fight:
    """The fight itself, in a migrated database that it may fill."""
    async with db.transaction() as session:
        account_id = await open_account(session)
        bins = await build_warehouse(session, bins=2)
        for code in CODES:
            await inventory.create_sku(
                session, NewSku(code=code, name=code), account_id=account_id, by=BY
            )
            for number, location_id in enumerate(bins):
                quantity = units // SKUS // 2 + (units // SKUS % 2 if number else 0)
                await inventory.receive_stock(
                    session,
                    account_id=account_id,
                    location_id=location_id,
                    goods=[Received(sku=code, quantity=quantity)],
                    by=BY,
                )
        for code, parts in KITS.items():
            components = tuple(Component(sku=CODES[part], quantity=1) for part in parts)
            new = NewSku(code=code, name=code, components=components)
            await inventory.create_sku(session, new, account_id=account_id, by=BY)
    say(f"{clients} clients fight for {units} units ...")
    started_s = time.perf_counter()
    ring = Ring(db, account_id)
    await asyncio.gather(*(ring.buy(random.Random(SEED + number)) for number in range(clients)))
    seconds = time.perf_counter() - started_s
    return await ring.count(clients=clients, units=units, seconds=seconds)


class Ring:
    """Where they fight, and what came of it."""

    def __init__(self, db: Database, account_id: UUID) -> None:
        self._db = db
        self._account_id = account_id
        self._orders: list[UUID] = []
        self._did: Counter[str] = Counter()

    async def buy(self, dice: random.Random) -> None:
        """Go on until refused a single unit of every SKU while no hold of anybody stands."""
        sold_out: set[str] = set()
        turn = 0
        while len(sold_out) < SKUS:
            turn += 1
            lines = _basket(dice, sold_out, greedy=turn <= 8)
            try:
                if await self._order(dice, lines):
                    sold_out.clear()  # what somebody gives up, somebody can have
            except NotEnoughStock as refusal:
                self._judge(refusal)
                if len(lines) == 1 and lines[0][1] == 1:
                    sold_out.add(lines[0][0])
            except DBAPIError:
                self._did["database_errors"] += 1

    async def _order(self, dice: random.Random, lines: Lines) -> bool:
        """True when the units were given up again."""
        order_id = new_id()
        hold_id = await self._hold(lines) if dice.random() < 0.3 else None
        if hold_id and dice.random() < 0.3:
            async with self._db.transaction() as session:
                await inventory.release_hold(session, hold_id)
            return True
        async with self._db.transaction() as session:
            await inventory.allocate_stock(
                session,
                order_id=order_id,
                account_id=self._account_id,
                lines=_wanted(lines),
                hold_id=hold_id,
            )
        self._did["orders"] += 1
        if dice.random() < 0.2:
            async with self._db.transaction() as session:
                await inventory.release_stock(session, order_id)
            self._did["cancellations"] += 1
            return True
        self._orders.append(order_id)
        return False

    async def _hold(self, lines: Lines) -> UUID:
        async with self._db.transaction() as session:
            hold = await inventory.place_hold(
                session,
                account_id=self._account_id,
                lines=_wanted(lines),
                expires_at=clock.now() + timedelta(minutes=15),
                by=BY,
            )
        self._did["holds"] += 1
        return hold.id

    def _judge(self, refusal: NotEnoughStock) -> None:
        """An honest one names at least one SKU, each with less than was wanted."""
        short = refusal.details["short"]
        honest = short and all(0 <= each["available"] < each["wanted"] for each in short)
        self._did["refusals" if honest else "dishonest_refusals"] += 1

    async def count(self, *, clients: int, units: int, seconds: float) -> Fight:
        allocated = 0
        async with self._db.transaction() as session:
            for order_id in self._orders:
                stock = await inventory.stock_of_order(session, order_id)
                allocated += sum(each.quantity for each in stock.allocations)
            proof = await inventory.reconcile(session)
        did = self._did
        return Fight(
            clients=clients,
            units=units,
            allocated=allocated,
            orders=did["orders"],
            refusals=did["refusals"],
            dishonest_refusals=did["dishonest_refusals"],
            cancellations=did["cancellations"],
            holds=did["holds"],
            database_errors=did["database_errors"],
            levels_are_moves=proof.is_consistent,
            seconds=round(seconds, 2),
        )


def _basket(dice: random.Random, sold_out: set[str], *, greedy: bool) -> Lines:
    """greedy: at first, kits and several SKUs at once; later the last units one by one."""
    if not greedy:
        return [(dice.choice([code for code in CODES if code not in sold_out]), 1)]
    if dice.random() < 0.3:
        return [(dice.choice(list(KITS)), 1)]
    chosen = dice.sample(CODES, dice.randint(1, 3))
    return [(code, dice.randint(1, 2)) for code in chosen]


def _wanted(lines: Lines) -> list[Wanted]:
    return [
        Wanted(line=number, sku=sku, quantity=quantity)
        for number, (sku, quantity) in enumerate(lines, 1)
    ]
