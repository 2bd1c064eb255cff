"""A company with a past: accounts, SKUs with stock, and orders by the million, by COPY.

The same seed makes the same company. Foreign keys are not checked while rows pour in and indexes
are made anew afterwards, as a restore does it; what the rows say is true all the same: levels are
what moves and allocations add up to.
"""

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from server.kit import clock

ACCOUNTS = 200
PLACES = 20_000
BINS = 2_000
LINES_PER_ORDER = 3
SKUS_PER_ORDER = 0.1
"""100,000 SKUs for 1,000,000 orders."""
YEARS_BACK = timedelta(days=730)
BATCH = 50_000
UNITS = 1_000

STATES = ("delivered", "completed", "cancelled", "shipped", "in_fulfilment", "received")
STATE_WEIGHTS = (62, 25, 4, 4, 4, 1)
FIRST = ("Ada", "Bo", "Cleo", "Dan", "Eva", "Finn", "Gita", "Hal", "Ida", "Jon", "Kim", "Lea")
LAST = ("Amsel", "Berg", "Castro", "Dahl", "Ek", "Fuchs", "Grau", "Holm", "Ito", "Jansen")

Row = tuple[Any, ...]
Say = Callable[[str], None]


class Company(msgspec.Struct, frozen=True, kw_only=True):
    """What was made, to ask for: samples are spread evenly over the whole."""

    orders: int
    lines: int
    skus: int
    account_ids: list[UUID]
    order_ids: list[UUID]
    sku_ids: list[UUID]
    bin_ids: list[UUID]


class Generator:
    """orders: how many; everything else follows from that."""

    def __init__(self, connection: asyncpg.Connection, *, orders: int, seed: int = 1) -> None:
        self._connection = connection
        self._dice = random.Random(seed)
        self._orders = orders
        self._skus = max(LINES_PER_ORDER, int(orders * SKUS_PER_ORDER))
        self._end = clock.real_now()
        self._start = self._end - YEARS_BACK
        self._account_ids = [self._id(self._start) for _ in range(ACCOUNTS)]
        self._place_ids = [self._id(self._start) for _ in range(PLACES)]
        self._bin_ids = [self._id(self._start) for _ in range(BINS)]
        self._sku_ids = [self._id(self._start) for _ in range(self._skus)]
        self._order_ids: list[UUID] = []
        self._allocated = [0] * self._skus

    async def fill(self, say: Say) -> Company:
        indexes = await self._drop_indexes()
        await self._connection.execute("set session_replication_role = replica")
        await self._copy(
            "account", ("id", "code", "name", "currency", "active", "created_at"), self._accounts()
        )
        await self._copy("place", PLACE, self._places())
        await self._copy("location", LOCATION, self._locations())
        await self._copy("sku", SKU, self._sku_rows())
        for number in range(0, self._orders, BATCH):
            count = min(BATCH, self._orders - number)
            await self._fill_orders(number, count)
            if number % (BATCH * 5) == 0:
                say(f"{number + count:,} of {self._orders:,} orders ...")
        await self._copy("stock_move", MOVE, self._moves())
        await self._copy("stock_level", LEVEL, self._levels())
        await self._connection.execute("set session_replication_role = default")
        say("making the indexes ...")
        await self._connection.execute("set maintenance_work_mem = '512MB'")
        for definition in indexes:
            await self._connection.execute(definition)
        await self._connection.execute("vacuum analyze")
        return Company(
            orders=self._orders,
            lines=self._orders * LINES_PER_ORDER,
            skus=self._skus,
            account_ids=self._account_ids,
            order_ids=_spread(self._order_ids),
            sku_ids=_spread(self._sku_ids),
            bin_ids=_spread(self._bin_ids),
        )

    def _id(self, at: datetime) -> UUID:
        """As kit.ids makes them (RFC 9562, version 7), but of another time."""
        milliseconds = int(at.timestamp() * 1000)
        chance = self._dice.getrandbits(74)
        return UUID(
            int=(milliseconds << 80)
            | (7 << 76)
            | (chance >> 62 << 64)
            | (2 << 62)
            | (chance & (1 << 62) - 1)
        )

    async def _copy(self, table: str, columns: tuple[str, ...], rows: Iterator[Row]) -> None:
        await self._connection.copy_records_to_table(table, records=rows, columns=columns)

    async def _drop_indexes(self) -> list[str]:
        """Those that only serve reading; the definitions to make them again."""
        found = await self._connection.fetch(
            "select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition"
            " from pg_index where indrelid = any($1::regclass[]) and not indisunique",
            ["orders", "stock_move", "stock_level", "allocation"],
        )
        for index in found:
            await self._connection.execute(f"drop index {index['name']}")
        return [index["definition"] for index in found]

    def _accounts(self) -> Iterator[Row]:
        for number, account_id in enumerate(self._account_ids):
            yield account_id, f"A-{number:04d}", f"Account {number}", "EUR", True, self._start

    def _places(self) -> Iterator[Row]:
        for number, place_id in enumerate(self._place_ids):
            street = f"{self._dice.choice(LAST)} Street"
            yield (
                place_id,
                "",
                street,
                str(number % 300),
                "9490",
                "Vaduz",
                "LI",
                "",
                f"{street} {number % 300}",
                "none",
                "",
                self._start,
            )

    def _locations(self) -> Iterator[Row]:
        warehouse_id = self._id(self._start)
        yield warehouse_id, None, warehouse_id, "warehouse", "BENCH", "BENCH", 0
        for number, bin_id in enumerate(self._bin_ids):
            path = f"BENCH/{number:05d}"
            yield bin_id, warehouse_id, warehouse_id, "bin", path, path, 0

    def _sku_rows(self) -> Iterator[Row]:
        for number, sku_id in enumerate(self._sku_ids):
            account_id = self._account_ids[number % ACCOUNTS]
            yield (
                sku_id,
                account_id,
                f"SKU-{number:06d}",
                f"Goods {number}",
                "piece",
                500,
                100,
                100,
                100,
                False,
                False,
                False,
                0,
                10,
                False,
                True,
                self._start,
            )

    async def _fill_orders(self, first: int, count: int) -> None:
        orders, lines, allocations = [], [], []
        for number in range(first, first + count):
            at = self._start + YEARS_BACK * (number / self._orders)
            order_id = self._id(at)
            self._order_ids.append(order_id)
            account = self._dice.randrange(ACCOUNTS)
            state = self._dice.choices(STATES, STATE_WEIGHTS)[0]
            name = f"{self._dice.choice(FIRST)} {self._dice.choice(LAST)}"
            orders.append(
                (
                    order_id,
                    f"O-{number + 1:06d}",
                    self._account_ids[account],
                    "goods",
                    state,
                    1,
                    "api",
                    f"ext-{number}",
                    "",
                    f"PO {self._dice.randrange(10**6)}",
                    name,
                    f"+423 555 {self._dice.randrange(10_000):04d}",
                    f"{name.replace(' ', '.').lower()}@example.org",
                    self._dice.choice(self._place_ids),
                    "[]",
                    at,
                    at + timedelta(hours=8),
                    "",
                    "[]",
                    "{}",
                    0,
                    "EUR",
                    at,
                )
            )
            for position in range(1, LINES_PER_ORDER + 1):
                sku = self._sku_of(account)
                quantity = self._dice.randrange(1, 4)
                lines.append((order_id, position, f"SKU-{sku:06d}", quantity, ""))
                if state == "in_fulfilment" and self._allocated[sku] + quantity <= UNITS:
                    self._allocated[sku] += quantity
                    allocations.append(
                        (
                            self._id(at),
                            order_id,
                            position,
                            self._sku_ids[sku],
                            self._bin_ids[sku % BINS],
                            quantity,
                            "[]",
                            "allocated",
                            at,
                            at,
                        )
                    )
        await self._copy("orders", ORDER, iter(orders))
        await self._copy("order_line", LINE, iter(lines))
        await self._copy("allocation", ALLOCATION, iter(allocations))

    def _sku_of(self, account: int) -> int:
        """One of the account's own, when it has any."""
        turn = self._dice.randrange(-(-self._skus // ACCOUNTS))
        return (account + turn * ACCOUNTS) % self._skus

    def _moves(self) -> Iterator[Row]:
        for number, sku_id in enumerate(self._sku_ids):
            yield (
                self._id(self._start),
                sku_id,
                SUPPLIER,
                self._bin_ids[number % BINS],
                UNITS,
                "[]",
                "received",
                "",
                "",
                "bench",
                self._start,
            )

    def _levels(self) -> Iterator[Row]:
        for number, sku_id in enumerate(self._sku_ids):
            yield (
                self._id(self._start),
                sku_id,
                self._bin_ids[number % BINS],
                UNITS,
                self._allocated[number],
            )


def _spread(ids: list[UUID], *, count: int = 1000) -> list[UUID]:
    return ids[:: max(1, len(ids) // count)]


SUPPLIER = UUID("00000000-0000-7000-8000-000000000001")

PLACE = (
    "id",
    "name",
    "street",
    "house_number",
    "postcode",
    "city",
    "country",
    "extra",
    "address_key",
    "precision",
    "access_note",
    "created_at",
)
LOCATION = ("id", "parent_id", "warehouse_id", "kind", "path", "name", "priority")
SKU = (
    "id",
    "account_id",
    "code",
    "name",
    "base_unit",
    "weight_g",
    "length_mm",
    "width_mm",
    "height_mm",
    "is_kit",
    "has_lots",
    "has_serials",
    "safety_stock",
    "reorder_point",
    "backorder_allowed",
    "active",
    "created_at",
)
ORDER = (
    "id",
    "number",
    "account_id",
    "kind",
    "state",
    "version",
    "channel",
    "external_id",
    "source_sha256",
    "reference",
    "consignee_name",
    "consignee_phone",
    "consignee_email",
    "consignee_place_id",
    "parcels",
    "window_start_at",
    "window_end_at",
    "instructions",
    "skills",
    "proof",
    "cash_minor",
    "currency",
    "captured_at",
)
LINE = ("order_id", "position", "sku", "quantity", "description")
ALLOCATION = (
    "id",
    "order_id",
    "line",
    "sku_id",
    "location_id",
    "quantity",
    "serials",
    "state",
    "allocated_at",
    "changed_at",
)
MOVE = (
    "id",
    "sku_id",
    "from_location_id",
    "to_location_id",
    "quantity",
    "serials",
    "kind",
    "reason",
    "subject",
    "by",
    "occurred_at",
)
LEVEL = ("id", "sku_id", "location_id", "on_hand", "allocated")
