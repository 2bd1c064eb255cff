"""How long people wait in a company with a past, and whether indexes are at work for them.

Requests go through the whole web application, in this process; every statement that they send is
kept and explained. A sequential scan of a big table is a failure, however quick it was today, and
so is an index that leads to far more rows than are given.
"""

import gc
import math
import random
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import asyncpg
import httpx
import msgspec
from sqlalchemy import event, text
from sqlalchemy.engine import make_url

from server.app.bench.generator import Company, Generator
from server.app.bench.shop import make_key
from server.app.migrate import migrate
from server.app.modules import load
from server.app.web import create_app
from server.inventory import service as inventory
from server.kit.blobs import Blobs
from server.kit.db import Database
from server.kit.feed import Feed
from server.kit.services import running_services
from server.kit.settings import Settings

REQUESTS = 200
"""Of each kind in each round."""
P99_LIMIT_MS = 50.0
BIG_ROWS = 10_000
WASTE_ROWS = 200
"""So many may be read in vain, or as many as are given."""
READ_ROWS = 10_000
"""Nobody waits for a page of which so many rows have to be read and sorted."""
SEED = 1

Statement = tuple[str, Any]


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """The median round of one kind of request, in milliseconds."""

    what: str
    p50_ms: float
    p99_ms: float


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """plans: of every kind of request the nodes that read tables. wasteful: those of them that read
    a big table as a whole or mostly in vain, which there must not be."""

    orders: int
    lines: int
    skus: int
    database_mib: int
    generated_s: float
    levels_are_moves: bool
    waiting: list[Waiting]
    plans: dict[str, list[str]]
    wasteful: list[str]

    @property
    def is_right(self) -> bool:
        quick = all(each.p99_ms < P99_LIMIT_MS for each in self.waiting)
        return quick and not self.wasteful and self.levels_are_moves


async def measure_scale(
    home: Path, *, orders: int, rounds: int, say: Callable[[str], None]
) -> Scale:
    """orders: a million for the real figure. Its database goes with `home`."""
    load("models")
    with running_services(home, durable=False, say=say) as services:
        db, feed = Database(services.database_url), Feed(services.redis_url)
        try:
            await migrate(db)
            settings = Settings(
                database_url=services.database_url, redis_url=services.redis_url, data_dir=home
            )
            return await scale(db, feed, settings, orders=orders, rounds=rounds, say=say)
        finally:
            await feed.close()
            await db.close()


async def scale(
    db: Database,
    feed: Feed,
    settings: Settings,
    *,
    orders: int,
    rounds: int,
    requests: int = REQUESTS,
    say: Callable[[str], None],
) -> Scale:
    """The measuring itself, in a migrated database that it may fill."""
    url = make_url(settings.database_url).set(drivername="postgresql")
    connection = await asyncpg.connect(url.render_as_string(hide_password=False))
    started_s = time.perf_counter()
    try:
        company = await Generator(connection, orders=orders).fill(say)
        generated_s = time.perf_counter() - started_s
        size = await connection.fetchval("select pg_database_size(current_database())")
    finally:
        await connection.close()
    async with db.transaction() as session:
        proof = await inventory.reconcile(session)
        key = await make_key(session, ["orders:read", "stock:read"])
    say("asking ...")
    app = create_app(settings, db, feed, Blobs(settings.blobs_dir))
    async with (
        app.lifespan(),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(cast(Any, app)),
            base_url="http://bench",
            headers={"Authorization": f"Bearer {key}"},
        ) as client,
    ):
        # As web.from_environment does; and a server does not know a million keys by heart.
        gc.collect()
        gc.freeze()
        questions = Questions(company)
        waiting = [await _ask(client, each, questions, rounds, requests) for each in KINDS]
        plans, wasteful = await _explain(db, client, questions)
    return Scale(
        orders=company.orders,
        lines=company.lines,
        skus=company.skus,
        database_mib=size // 2**20,
        generated_s=round(generated_s, 1),
        levels_are_moves=proof.is_consistent,
        waiting=waiting,
        plans=plans,
        wasteful=wasteful,
    )


class Questions:
    """What people ask for; never twice the same."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self._dice = random.Random(SEED)

    def _one_of(self, ids: list[UUID]) -> UUID:
        return self._dice.choice(ids)

    def _name_of(self, names: list[str]) -> str:
        """As often as people bear it."""
        return names[int(len(names) * self._dice.random() ** 2)]

    def _last_name(self) -> str:
        return self._name_of(self._company.last_names)

    def _street(self) -> str:
        return self._name_of(self._company.streets)

    def newest_orders(self) -> str:
        return "/api/orders?limit=50"

    def orders_of_account(self) -> str:
        return f"/api/orders?account={self._one_of(self._company.account_ids)}"

    def orders_in_state(self) -> str:
        return "/api/orders?state=in_fulfilment"

    def older_orders(self) -> str:
        return f"/api/orders?after={self._one_of(self._company.order_ids)}"

    def orders_of_account_in_state(self) -> str:
        account = self._one_of(self._company.account_ids)
        state = self._dice.choice(("received", "in_fulfilment", "delivered", "on_hold"))
        return f"/api/orders?account={account}&state={state}"

    def search_number(self) -> str:
        return f"/api/orders?text=O-{self._dice.randrange(self._company.orders) + 1:06d}"

    def search_external_id(self) -> str:
        return f"/api/orders?text=ext-{self._dice.randrange(self._company.orders)}"

    def search_reference(self) -> str:
        return f"/api/orders?text=PO {self._dice.randrange(10**6)}"

    def search_name(self) -> str:
        return f"/api/orders?text={self._name_of(self._company.first_names)} {self._last_name()}"

    def search_common_names(self) -> str:
        """Each is borne by many, both by few."""
        first = self._dice.choice(self._company.first_names[:10])
        return f"/api/orders?text={first} {self._dice.choice(self._company.last_names[:10])}"

    def search_part_of_name(self) -> str:
        return f"/api/orders?text={self._last_name()[:3]}"

    def search_name_of_account(self) -> str:
        account = self._one_of(self._company.account_ids)
        return f"/api/orders?text={self._last_name()}&account={account}"

    def search_name_in_state(self) -> str:
        return f"/api/orders?text={self._last_name()}&state=in_fulfilment"

    def search_two_letters(self) -> str:
        return f"/api/orders?text={self._last_name()[:2]}"

    def search_two_letters_twice(self) -> str:
        return f"/api/orders?text={self._last_name()[:2]} {self._last_name()[:2]}"

    def search_two_letters_of_account(self) -> str:
        return f"{self.search_two_letters()}&account={self._one_of(self._company.account_ids)}"

    def search_street(self) -> str:
        return f"/api/orders?text={self._street()} {self._dice.randrange(300)}"

    def search_street_begun(self) -> str:
        return f"/api/orders?text={self._street()[:-4]}"

    def search_phone(self) -> str:
        return f"/api/orders?text=555 {self._dice.randrange(10_000):04d}"

    def search_nothing(self) -> str:
        return f"/api/orders?text=nobody{self._dice.randrange(10**6)}"

    def order(self) -> str:
        return f"/api/orders/{self._one_of(self._company.order_ids)}"

    def stock_of_order(self) -> str:
        return f"{self.order()}/stock"

    def sku_by_code(self) -> str:
        return f"/api/skus?code=SKU-{self._dice.randrange(self._company.skus):06d}"

    def availability(self) -> str:
        return f"/api/skus/{self._one_of(self._company.sku_ids)}/availability"

    def levels_of_sku(self) -> str:
        return f"/api/stock/levels?sku={self._one_of(self._company.sku_ids)}"

    def levels_at_location(self) -> str:
        return f"/api/stock/levels?location={self._one_of(self._company.bin_ids)}"

    def levels_of_account(self) -> str:
        return f"/api/stock/levels?account={self._one_of(self._company.account_ids)}"

    def moves_of_sku(self) -> str:
        return f"/api/stock/moves?sku={self._one_of(self._company.sku_ids)}"

    def moves_at_location(self) -> str:
        return f"/api/stock/moves?location={self._one_of(self._company.bin_ids)}"


KINDS = tuple(name for name in vars(Questions) if not name.startswith("_"))


async def _ask(
    client: httpx.AsyncClient, kind: str, questions: Questions, rounds: int, requests: int
) -> Waiting:
    p50, p99 = [], []
    for number in range(rounds + 1):
        took_ms = []
        for _ in range(requests if number else 10):  # the first round warms up
            question = getattr(questions, kind)()
            started_s = time.perf_counter()
            (await client.get(question)).raise_for_status()
            took_ms.append((time.perf_counter() - started_s) * 1000)
        if number:
            took_ms.sort()
            p50.append(statistics.median(took_ms))
            p99.append(took_ms[math.ceil(len(took_ms) * 0.99) - 1])
    return Waiting(
        what=kind,
        p50_ms=round(statistics.median(p50), 2),
        p99_ms=round(statistics.median(p99), 2),
    )


async def _explain(
    db: Database, client: httpx.AsyncClient, questions: Questions
) -> tuple[dict[str, list[str]], list[str]]:
    """How each kind of request reads its tables, and what of that is wasteful."""
    big = await _big_tables(db)
    plans: dict[str, list[str]] = {}
    wasteful = []
    for kind in KINDS:
        with _listening(db) as statements:
            await client.get(getattr(questions, kind)())
        plans[kind] = []
        for statement, parameters in statements:
            for node in await _reading_nodes(db, statement, parameters):
                how, is_wasteful = _judged(node)
                plans[kind].append(how)
                if is_wasteful and node["Relation Name"] in big:
                    wasteful.append(f"{kind}: {how}")
    return plans, wasteful


def _judged(node: dict[str, Any]) -> tuple[str, bool]:
    """What the node did, in words, and whether it read far more than it gave."""
    loops = node["Actual Loops"]
    given = round(node["Actual Rows"] * loops)
    wasted = loops * (
        node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Index Recheck", 0)
    )
    how = f"{node['Node Type']} on {node['Relation Name']}"
    if index := node["Index Name"]:
        how += f" by {index}"
    how += f": {given} rows, {wasted} in vain"
    scans = loops > 0 and node["Node Type"].endswith("Seq Scan")
    return how, scans or wasted > max(given, WASTE_ROWS) or given > READ_ROWS


async def _big_tables(db: Database) -> set[str]:
    async with db.transaction() as session:
        return set(
            await session.scalars(
                text("select relname from pg_class where relkind = 'r' and reltuples > :rows"),
                {"rows": BIG_ROWS},
            )
        )


@contextmanager
def _listening(db: Database) -> Iterator[list[Statement]]:
    """The statements that are sent to this database meanwhile."""
    heard: list[Statement] = []

    def hear(_: Any, __: Any, statement: str, parameters: Any, ___: Any, many: bool) -> None:
        if statement.startswith("SELECT") and not many:
            heard.append((statement, parameters))

    engine = db.engine.sync_engine
    event.listen(engine, "before_cursor_execute", hear)
    try:
        yield heard
    finally:
        event.remove(engine, "before_cursor_execute", hear)


async def _reading_nodes(db: Database, statement: str, parameters: Any) -> list[dict[str, Any]]:
    async with db.engine.connect() as connection:
        found = await connection.exec_driver_sql(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters
        )
        plan = found.scalar_one()
    return list(_nodes((msgspec.json.decode(plan) if isinstance(plan, str) else plan)[0]["Plan"]))


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Those that read a table; a bitmap's index is named by the nodes below it."""
    below = plan.get("Plans", ())
    if "Relation Name" in plan:
        yield {"Index Name": ", ".join(_indexes(below)), **plan}
    for each in below:
        yield from _nodes(each)


def _indexes(plans: Iterable[dict[str, Any]]) -> Iterator[str]:
    for each in plans:
        if "Index Name" in each:
            yield each["Index Name"]
        yield from _indexes(each.get("Plans", ()))
