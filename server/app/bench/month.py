"""A month of trade, day by day: whether its journal balances to zero, its statements add up, its
stock reconciles and every return is accounted for.

The same seed makes the same month. Prices rise in the middle of it, and after its last day no new
orders come, but what is under way is finished.
"""

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from server.app.bench.month_company import open_firm, raise_prices
from server.app.bench.month_money import bill, count_cash, money_comes, remit
from server.app.bench.month_proof import Proof, prove
from server.app.bench.month_work import Work
from server.app.migrate import migrate
from server.app.modules import load
from server.kit import clock
from server.kit.db import Database
from server.kit.services import running_services

SEED = 20261101
FIRST_DAY = datetime(2026, 11, 1, 5, tzinfo=UTC)
DAYS = 30
DAYS_AFTER_MAX = 10
"""By then the last attempt was made and the last box opened."""

Say = Callable[[str], None]


class Month(msgspec.Struct, frozen=True, kw_only=True):
    """did: what was done, counted by who did it."""

    orders: int
    days: int
    seconds: float
    did: dict[str, int]
    proof: Proof

    @property
    def is_right(self) -> bool:
        return not self.proof.wrong


async def measure_month(home: Path, *, orders: int, say: Say) -> Month:
    """orders: about so many in the whole month."""
    load("models")
    load("reactions")
    with running_services(home, durable=False, say=say) as services:
        db = Database(services.database_url, pool_size=4)
        try:
            await migrate(db)
            return await month(db, orders=orders, days=DAYS, say=say)
        finally:
            await db.close()


async def month(db: Database, *, orders: int, days: int, say: Say) -> Month:
    """The month itself, of so many days, in a migrated database that it may fill."""
    started_s = time.perf_counter()
    dice = random.Random(SEED)
    work = Work(await open_firm(db, dice, opens_at=FIRST_DAY), dice, FIRST_DAY)
    day = 0
    with clock.running(lambda: work.now):
        while day < days or (day < days + DAYS_AFTER_MAX and await _is_under_way(work)):
            work.now = FIRST_DAY + timedelta(days=day)
            if day == days // 2:
                async with db.transaction() as session:
                    await raise_prices(session, valid_from=work.now)
            share = orders // days + (day < orders % days)
            await _spend_day(
                work, orders=share if day < days else 0, paid_after=timedelta(days=days // 7)
            )
            if day in (days // 2 - 1, days - 1):
                await _bill_all(work, "per_period")
            day += 1
            say(f"day {day}: {work.did['orders']} orders, {work.did['delivered']} delivered")
        await _bill_all(work, "per_order", "per_period")
        await work.news()
        until = FIRST_DAY + timedelta(days=day)
        async with db.transaction() as session:
            proof = await prove(session, work.firm, since=FIRST_DAY, until=until)
    return Month(
        orders=work.did["orders"],
        days=day,
        seconds=round(time.perf_counter() - started_s, 1),
        did=dict(sorted(work.did.items())),
        proof=proof,
    )


async def _spend_day(work: Work, *, orders: int, paid_after: timedelta) -> None:
    await work.open_day()
    for _ in range(orders):
        work.now += timedelta(seconds=20)
        await work.take_order()
    await work.news()
    await work.pick()
    await work.pack()
    await work.send_out()
    await work.drive()
    await work.open_boxes()
    await work.customers_think_again()
    await count_cash(work)
    await remit(work)
    await _bill_all(work, "per_order")
    await money_comes(work, after=paid_after)


async def _bill_all(work: Work, *rules: str) -> None:
    work.now += timedelta(seconds=1)
    for customer in work.firm.customers:
        if customer.buyer.invoice_rule in rules:
            await bill(work, customer)


async def _is_under_way(work: Work) -> bool:
    """Whether a driver, a picker or an inspector has still something to do."""
    rows = await work.rows("""
        select 1 from task where state not in ('completed', 'failed', 'cancelled')
        union all select 1 from return
            where state not in ('resolved', 'declined', 'cancelled', 'expired')
        union all select 1 from allocation where state in ('allocated', 'picked')
        union all select 1 from parcel where state in ('attempted', 'refused') limit 1
    """)
    return bool(rows)
