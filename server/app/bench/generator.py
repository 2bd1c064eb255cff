# ruff: noqa: S608 - the statements are put together from this file's own numbers
"""A company with a past: accounts, SKUs with stock, and orders by the million, all made by SQL.

The same seed makes the same company but for its times. Foreign keys are not checked while rows pour
in and indexes are made anew afterwards, as a restore does it; what the rows say is true all the
same: levels are what moves and allocations add up to. Names are as those of people: a few that many
bear and thousands that few do.
"""

import itertools
import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

import asyncpg
import msgspec

from server.inventory.lifecycle import SUPPLIER
from server.kit import clock

ACCOUNTS = 200
PLACES = 20_000
BINS = 2_000
LINES_PER_ORDER = 3
SKUS_PER_ORDER = 0.1
"""100,000 SKUs for 1,000,000 orders."""
YEARS_BACK = timedelta(days=730)
UNITS = 1_000
SAMPLES = 1_000

FIRST_NAMES, LAST_NAMES, STREETS = 500, 20_000, 3_000
BEGINNINGS = (
    "Ad Al Am An Ar Ba Be Ber Bi Bo Bra Ca Chri Da De Di Do Ed El Em Er Fa Fe Fi Fra Ga Ge Gre Ha "
    "He Ho Ig In Is Ja Jo Ka Ke Kla La Le Li Lo Ma Mar Me Mi Mo Na Ne Ni No Ol Or Pa Pe Qui Ra Re "
    "Ro Sa Schu Se Si So Sta Ta Te Tho Ul Ur Va Ve Vi Vo Wa We Wi Xa Ya Yv Za Ze Zu"
)
MIDDLES = (
    "b ber bri ch d der ff g ga k ko l la li lle m ma mme n na nde ni nn r ra ri rt s sse st t te "
    "th tz v z"
)
ENDINGS = "a ann au e el en er es i ia ich ik in ina is mann o on ow s sen son ski stein us"

Say = Callable[[str], None]


class Company(msgspec.Struct, frozen=True, kw_only=True):
    """What was made, to ask for: samples are spread evenly over the whole. Names: the commonest
    first."""

    orders: int
    lines: int
    skus: int
    first_names: list[str]
    last_names: list[str]
    streets: list[str]
    account_ids: list[UUID]
    order_ids: list[UUID]
    sku_ids: list[UUID]
    bin_ids: list[UUID]


class Generator:
    """orders: how many; everything else follows from that."""

    def __init__(self, connection: asyncpg.Connection, *, orders: int, seed: int = 1) -> None:
        self._connection = connection
        self._orders = orders
        self._skus = max(LINES_PER_ORDER, int(orders * SKUS_PER_ORDER))
        self._end = clock.real_now()
        self._start = self._end - YEARS_BACK
        names = made_up_names(random.Random(seed))
        self._first = list(itertools.islice(names, FIRST_NAMES))
        self._last = list(itertools.islice(names, LAST_NAMES))
        self._streets = [f"{name}strasse" for name in itertools.islice(names, STREETS)]

    async def fill(self, say: Say) -> Company:
        run = self._connection.execute
        indexes = await self._drop_indexes()
        await run("set session_replication_role = replica")
        await run("set maintenance_work_mem = '512MB'")
        await run("set work_mem = '256MB'")
        await run(CHANCE)
        await run(WORDS)
        for kind, words in (
            ("first", self._first),
            ("last", self._last),
            ("street", self._streets),
        ):
            await self._connection.copy_records_to_table(
                "bench_word", records=((kind, rank, word) for rank, word in enumerate(words))
            )
        for what, statement, numbers in (
            ("accounts", ACCOUNT, (self._start,)),
            ("places", PLACE, (self._start,)),
            ("locations", LOCATION, (self._start,)),
            ("SKUs", SKU, (self._start, self._skus)),
            ("orders", ORDER, (self._start, self._end, self._orders)),
            ("lines", LINE, (self._start, self._end, self._orders, self._skus)),
            ("allocations", ALLOCATED, (self._start,)),
            ("moves", MOVE, (self._start, self._skus)),
            ("levels", LEVEL, (self._start, self._skus)),
        ):
            say(f"{what} ...")
            await run(statement, *numbers)
        await run("set session_replication_role = default")
        say("indexes ...")
        for definition in indexes:
            await run(definition)
        await run("vacuum analyze")
        return Company(
            orders=self._orders,
            lines=self._orders * LINES_PER_ORDER,
            skus=self._skus,
            first_names=self._first,
            last_names=self._last,
            streets=self._streets,
            account_ids=await self._some("account", "code", ACCOUNTS),
            order_ids=await self._some("orders", "number", self._orders),
            sku_ids=await self._some("sku", "code", self._skus),
            bin_ids=await self._some("location", "path", BINS),
        )

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

    async def _some(self, table: str, name: str, count: int) -> list[UUID]:
        rows = await self._connection.fetch(
            f"select id from (select id, row_number() over (order by {name}) as number"
            f" from {table}) as numbered where number % $1 = 0 order by number",
            max(1, count // SAMPLES),
        )
        return [row["id"] for row in rows]


def made_up_names(dice: random.Random) -> Iterator[str]:
    """No two are the same."""
    beginnings, middles, endings = BEGINNINGS.split(), MIDDLES.split(), ENDINGS.split()
    seen = set()
    while True:
        inner = "".join(dice.choices(middles, k=dice.choice((1, 1, 2))))
        name = dice.choice(beginnings) + inner + dice.choice(endings)
        if name not in seen:
            seen.add(name)
            yield name


CHANCE = """
create function pg_temp.chance(number bigint, salt bigint) returns double precision
    language sql immutable as
    'select (hashint8extended(number, salt) & 1073741823) / 1073741824.0::double precision';
create function pg_temp.id_at(at timestamptz, number bigint, salt bigint) returns uuid
    language sql immutable as $$
    select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || '7000' || '8'
        || lpad(to_hex(salt & 4095), 3, '0') || lpad(to_hex(number), 12, '0'))::uuid $$;
"""
"""Chance: from 0 to below 1, the same for the same number. Ids are as those of kit.ids."""

WORDS = "create temp table bench_word (kind text, rank int, word text, primary key (kind, rank))"

ACCOUNT = f"""
insert into account (id, code, name, currency, active, created_at)
select pg_temp.id_at($1, n, 1), 'A-' || lpad(n::text, 4, '0'), 'Account ' || n, 'EUR', true, $1
from generate_series(0, {ACCOUNTS - 1}) as n
"""

PLACE = f"""
insert into place (id, name, street, house_number, postcode, city, country, extra, address_key,
    precision, access_note, created_at)
select pg_temp.id_at($1, n, 2), '', word, n % 300, 9485 + n % 14, 'Vaduz', 'LI', '',
    word || n % 300, 'none', '', $1
from generate_series(0, {PLACES - 1}) as n
join bench_word on kind = 'street' and rank = floor({STREETS} * pg_temp.chance(n, 3) ^ 2)
"""

LOCATION = f"""
insert into location (id, parent_id, warehouse_id, kind, path, name, priority)
select pg_temp.id_at($1, 0, 4), null, pg_temp.id_at($1, 0, 4), 'warehouse', 'BENCH', 'BENCH', 0
union all
select pg_temp.id_at($1, n, 5), pg_temp.id_at($1, 0, 4), pg_temp.id_at($1, 0, 4), 'bin',
    'BENCH/' || lpad(n::text, 5, '0'), 'BENCH/' || lpad(n::text, 5, '0'), 0
from generate_series(0, {BINS - 1}) as n
"""

SKU = f"""
insert into sku (id, account_id, code, name, base_unit, weight_g, length_mm, width_mm, height_mm,
    is_kit, has_lots, has_serials, safety_stock, reorder_point, backorder_allowed, active,
    created_at)
select pg_temp.id_at($1, n, 6), pg_temp.id_at($1, n % {ACCOUNTS}, 1),
    'SKU-' || lpad(n::text, 6, '0'), 'Goods ' || n, 'piece', 500, 100, 100, 100, false, false,
    false, 0, 10, false, true, $1
from generate_series(0::bigint, $2::bigint - 1) as n
"""

ORDER = f"""
insert into orders (id, number, account_id, kind, state, version, channel, external_id,
    source_sha256, reference, consignee_name, consignee_phone, consignee_email,
    consignee_place_id, consignee_address, parcels, window_start_at, window_end_at, instructions,
    skills, proof, cash_minor, currency, captured_at)
select pg_temp.id_at(at, n, 7), 'O-' || to_char(n, 'FM999999999000000'),
    pg_temp.id_at($1, floor({ACCOUNTS} * pg_temp.chance(n, 8))::bigint, 1), 'goods',
    case when lot < 0.62 then 'delivered' when lot < 0.87 then 'completed'
        when lot < 0.91 then 'cancelled' when lot < 0.95 then 'shipped'
        when lot < 0.99 then 'in_fulfilment' else 'received' end,
    1, 'api', 'ext-' || n, '', 'PO ' || floor(1000000 * pg_temp.chance(n, 9)),
    first.word || ' ' || last.word,
    '+423 555 ' || lpad(floor(10000 * pg_temp.chance(n, 10))::text, 4, '0'),
    lower(first.word || '.' || last.word || '@example.org'),
    place.id, place.street || ' ' || place.house_number || ', ' || place.postcode || ' Vaduz, LI',
    '[]', at, at + interval '8 hours', '', '[]', '{{}}', 0, 'EUR', at
from (
    select n, $1::timestamptz + ($2::timestamptz - $1::timestamptz) * (n::float8 / $3::bigint)
        as at, pg_temp.chance(n, 11) as lot
    from generate_series(1::bigint, $3::bigint) as n
) as booked
join bench_word as first on first.kind = 'first'
    and first.rank = floor({FIRST_NAMES} * pg_temp.chance(n, 12) ^ 2)
join bench_word as last on last.kind = 'last'
    and last.rank = floor({LAST_NAMES} * pg_temp.chance(n, 13) ^ 2)
join place on place.id = pg_temp.id_at($1, floor({PLACES} * pg_temp.chance(n, 14))::bigint, 2)
order by n
"""

LINE = f"""
insert into order_line (order_id, position, sku, quantity, description)
select pg_temp.id_at(at, n, 7), position, 'SKU-' || lpad((
        (floor({ACCOUNTS} * pg_temp.chance(n, 8)) + {ACCOUNTS}
            * floor(ceil($4::float8 / {ACCOUNTS}) * pg_temp.chance(n, 20 + position)))::bigint
        % $4::bigint)::text, 6, '0'),
    1 + floor(3 * pg_temp.chance(n, 30 + position))::int, ''
from (
    select n, $1::timestamptz + ($2::timestamptz - $1::timestamptz) * (n::float8 / $3::bigint)
        as at
    from generate_series(1::bigint, $3::bigint) as n
) as booked, generate_series(1, {LINES_PER_ORDER}) as position
"""

ALLOCATED = f"""
insert into allocation (id, order_id, line, sku_id, location_id, quantity, serials, state,
    allocated_at, changed_at)
select pg_temp.id_at(captured_at, row_number() over (), 15), orders.id, position,
    pg_temp.id_at($1, number_of_sku, 6), pg_temp.id_at($1, number_of_sku % {BINS}, 5), quantity,
    '[]', 'allocated', captured_at, captured_at
from orders
join order_line on order_line.order_id = orders.id
cross join lateral (select substr(sku, 5)::bigint as number_of_sku) as ordered
where state = 'in_fulfilment'
"""

MOVE = f"""
insert into stock_move (id, sku_id, from_location_id, to_location_id, quantity, serials, kind,
    reason, subject, by, occurred_at)
select pg_temp.id_at($1, n, 16), pg_temp.id_at($1, n, 6), '{SUPPLIER}',
    pg_temp.id_at($1, n % {BINS}, 5), {UNITS}, '[]', 'received', '', '', 'bench', $1
from generate_series(0::bigint, $2::bigint - 1) as n
"""

LEVEL = f"""
insert into stock_level (id, sku_id, location_id, on_hand, allocated)
select pg_temp.id_at($1, n, 17), pg_temp.id_at($1, n, 6), pg_temp.id_at($1, n % {BINS}, 5),
    {UNITS}, coalesce(claimed, 0)
from generate_series(0::bigint, $2::bigint - 1) as n
left join (select sku_id, sum(quantity) as claimed from allocation group by sku_id) as claims
    on sku_id = pg_temp.id_at($1, n, 6)
"""
