"""The goods and the money of a day, from the ledgers of both."""

from datetime import datetime

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.billing import service as billing
from server.inventory import service as inventory
from server.inventory.models import Allocation, Sku, StockMove


class TradeReport(msgspec.Struct, frozen=True, kw_only=True):
    """allocated: units set aside for orders; picked: units of these that were taken off their
    shelf; returns_restocked: units that went back on one. invoiced_minor, credited_minor: gross, by
    currency. stock_consistent: levels are what the moves make of them. journal_balanced: what was
    debited was credited."""

    skus: int
    allocated: int
    picked: int
    returns_restocked: int
    stock_consistent: bool
    invoiced_minor: dict[str, int]
    credited_minor: dict[str, int]
    journal_balanced: bool


async def report_trade(session: AsyncSession, *, since: datetime, until: datetime) -> TradeReport:
    """The figures of `since` to `until`; the consistency is of now."""
    units = func.sum(Allocation.quantity)
    allocated, picked = (
        await session.execute(
            select(units, units.filter(Allocation.state.in_(("picked", "shipped")))).where(
                Allocation.allocated_at >= since, Allocation.allocated_at < until
            )
        )
    ).one()
    restocked = await session.scalar(
        select(func.coalesce(func.sum(StockMove.quantity), 0)).where(
            StockMove.kind == "restocked",
            StockMove.occurred_at >= since,
            StockMove.occurred_at < until,
        )
    )
    postings = await billing.read_journal(session, since=since, until=until)
    return TradeReport(
        skus=await session.scalar(select(func.count()).where(Sku.active)) or 0,
        allocated=allocated or 0,
        picked=picked or 0,
        returns_restocked=restocked or 0,
        stock_consistent=(await inventory.reconcile(session)).is_consistent,
        invoiced_minor=await billing.total_issued(session, "invoice", since=since, until=until),
        credited_minor=await billing.total_issued(session, "credit_note", since=since, until=until),
        journal_balanced=all(balance == 0 for balance in _balances(postings).values()),
    )


def _balances(postings: list[billing.Posting]) -> dict[tuple[str, str], int]:
    """Of each entry, what was debited less what was credited."""
    balances: dict[tuple[str, str], int] = {}
    for posting in postings:
        key = posting.entry, posting.currency
        balances[key] = balances.get(key, 0) + posting.debit_minor - posting.credit_minor
    return balances
