"""A new tariff tried on work that is over: what it would have cost. Changes nothing."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from itertools import batched
from uuid import UUID

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts import service as accounts
from server.billing.models import BillableWork, Charge, Tariff
from server.billing.price_facts import Facts, Unpriceable
from server.billing.price_lines import total_minor
from server.billing.pricing import price
from server.billing.tariffs import TariffView, get_tariff
from server.kit.errors import Invalid

BATCH = 500
MOST_SHOWN = 1000


class BadDryRunPeriod(Invalid):
    """A period ends after it begins and is at most a year long."""

    code = "billing.bad_dry_run_period"


class AccountDifference(msgspec.Struct, kw_only=True):
    """Over the work that has a price by both: what was charged, and what would have been."""

    account_id: UUID
    works: int = 0
    old_total_minor: int = 0
    new_total_minor: int = 0
    difference_minor: int = 0


class LostPrice(msgspec.Struct, frozen=True, kw_only=True):
    """Work that was priced and could not be priced any more. old_minor: what was charged."""

    consignment_id: UUID
    order_id: UUID | None
    account_id: UUID
    source: str
    old_minor: int
    reason: str


class Priced(msgspec.Struct, frozen=True):
    """Work that the tariff is for. old_minor: what was charged for it."""

    row: BillableWork
    account_id: UUID
    old_minor: int


class DryRun(msgspec.Struct, kw_only=True):
    """unpriceable: at most the first thousand; unpriceable_count: all of them.
    newly_priced: pieces of work that wait now and would get a price."""

    tariff_id: UUID
    currency: str
    since: datetime
    until: datetime
    accounts: list[AccountDifference]
    unpriceable: list[LostPrice]
    unpriceable_count: int
    newly_priced: int


async def try_tariff(
    session: AsyncSession, tariff_id: UUID, *, since: datetime, until: datetime
) -> DryRun:
    """Price all work of since <= time < until for which this tariff would have been taken, as if
    it had been in force; a draft too.

    Raises
    ------
    UnknownTariff, BadDryRunPeriod
    """
    if not since < until or (until - since).days > 366:
        raise BadDryRunPeriod
    tariff = await get_tariff(session, tariff_id)
    result = DryRun(
        tariff_id=tariff_id,
        currency=tariff.currency,
        since=since,
        until=until,
        accounts=[],
        unpriceable=[],
        unpriceable_count=0,
        newly_priced=0,
    )
    sums: dict[UUID, AccountDifference] = {}
    async for work in _works(session, tariff, since, until):
        _try(result, sums, tariff, work)
    result.accounts = sorted(sums.values(), key=lambda each: each.account_id)
    return result


def _try(
    result: DryRun,
    sums: dict[UUID, AccountDifference],
    tariff: TariffView,
    work: Priced,
) -> None:
    row = work.row
    try:
        facts = msgspec.convert(row.facts, Facts)
        new_minor = total_minor(price(tariff.rules, facts, tariff.currency))
    except Unpriceable as why:
        if row.settled_at is not None:
            result.unpriceable_count += 1
            if len(result.unpriceable) < MOST_SHOWN:
                result.unpriceable.append(
                    LostPrice(
                        consignment_id=row.consignment_id,
                        order_id=row.order_id,
                        account_id=work.account_id,
                        source=row.source,
                        old_minor=work.old_minor,
                        reason=str(why.details["reason"]),
                    )
                )
        return
    if row.settled_at is None:
        result.newly_priced += 1
        return
    mine = sums.setdefault(work.account_id, AccountDifference(account_id=work.account_id))
    mine.works += 1
    mine.old_total_minor += work.old_minor
    mine.new_total_minor += new_minor
    mine.difference_minor += new_minor - work.old_minor


async def _works(
    session: AsyncSession, tariff: TariffView, since: datetime, until: datetime
) -> AsyncIterator[Priced]:
    query = (
        select(BillableWork)
        .where(
            BillableWork.occurred_at >= since,
            BillableWork.occurred_at < until,
            BillableWork.account_id.is_not(None),
        )
        .order_by(BillableWork.occurred_at, BillableWork.id)
    )
    if tariff.account_id is not None:
        query = query.where(BillableWork.account_id == tariff.account_id)
    if tariff.service_level is not None:
        query = query.where(BillableWork.service_level == tariff.service_level)
    rows = (await session.scalars(query)).all()
    owners = await accounts.get_accounts(
        session, {row.account_id for row in rows if row.account_id}
    )
    ranks = await _ranks(session, rows)
    for some in batched(rows, BATCH):
        old = await _charged(session, some)
        for row in some:
            assert row.account_id is not None  # asked for above
            same = owners[row.account_id].currency == tariff.currency
            if same and ranks.get(row.tariff_id, (False, False)) <= _rank(tariff):
                yield Priced(row, row.account_id, old.get(row.source, 0))


def _rank(tariff: TariffView | Tariff) -> tuple[bool, bool]:
    """The greater one is taken; see `find_tariff`."""
    return tariff.account_id is not None, tariff.service_level is not None


async def _ranks(
    session: AsyncSession, rows: Sequence[BillableWork]
) -> dict[UUID | None, tuple[bool, bool]]:
    used = {row.tariff_id for row in rows}
    tariffs = await session.scalars(select(Tariff).where(Tariff.id.in_(used)))
    return {tariff.id: _rank(tariff) for tariff in tariffs}


async def _charged(session: AsyncSession, rows: Sequence[BillableWork]) -> dict[str, int]:
    """Source of the work -> the sum of its charges, without later reversals."""
    source = func.regexp_replace(Charge.source, ":[0-9]+$", "")
    sums = await session.execute(
        select(source, func.sum(Charge.net_minor))
        .where(
            Charge.consignment_id.in_({row.consignment_id for row in rows}),
            Charge.reverses_id.is_(None),
        )
        .group_by(source)
    )
    return {name: int(minor) for name, minor in sums}
